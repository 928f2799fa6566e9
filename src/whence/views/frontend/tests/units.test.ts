import assert from "node:assert/strict";
import test from "node:test";
import type { Inputs, Token } from "../src/spec.ts";
import {
  difference, firstLevel, keyOf, MANY, named, ordinal, pillsOf, runsOf, said, scaleOn, standing, sum, textOf,
} from "../src/units.ts";
import { percent } from "../src/numbers.ts";

function token(text: string, more: Partial<Token> = {}): Token {
  return { text, role: "text", special: false, gap: false, ends: false, begins: false, ...more };
}

const INPUTS: Inputs = {
  direction: "ltr",
  tokens: [token("<s>", { special: true }), token("Hi"), token(" you"), token("."), token(" By"), token("e")],
  ids: [1, 2, 3, 4, 5, null],
  levels: {
    words: { starts: [0, 1, 2, 4], names: { 3: "Bye" } },
    sentences: { starts: [0, 1, 4], names: {} },
  },
  grid: null,
};
const SCORES = Float32Array.of(9, 1, -2, 0.5, 3, -4);
const CLOSED = { level: "sentences", opened: new Set<string>(), without: false };

test("runs of a level follow one another and cover every token", () => {
  for (const level of ["tokens", "words", "sentences"]) {
    const runs = runsOf(INPUTS, level);
    assert.equal(runs[0].from, 0);
    assert.equal(runs.at(-1)!.to, INPUTS.tokens.length);
    runs.slice(1).forEach((run, i) => assert.equal(run.from, runs[i].to));
    assert.equal(runs.reduce((all, run) => all + sum(SCORES, run), 0), 7.5);
  }
});

test("a run is called by its name, else by its tokens", () => {
  assert.deepEqual(runsOf(INPUTS, "words").map((run) => textOf(INPUTS, run, "words")), ["<s>", "Hi", " you.", " Bye"]);
});

test("a closed sentence is one pill with its sum, an open one its tokens too", () => {
  const closed = pillsOf(INPUTS, SCORES, 6, null, CLOSED);
  assert.deepEqual(closed.map((pill) => [pill.score, pill.opens]), [[9, null], [-0.5, false], [-1, false]]);
  const open = pillsOf(INPUTS, SCORES, 6, null, { ...CLOSED, opened: new Set([keyOf(closed[1])]) });
  assert.deepEqual(open.map((pill) => pill.score), [9, -0.5, 1, -2, 0.5, -1]);
  assert.deepEqual(open.map((pill) => pill.scale), [9, 9, 9, 9, 9, 9]);
});

test("what was not read yet has no score", () => {
  const pills = pillsOf(INPUTS, SCORES, 3, 3, { ...CLOSED, level: "tokens" });
  assert.deepEqual(pills.map((pill) => pill.score), [9, 1, -2, null, null, null]);
  assert.deepEqual(pills.map((pill) => pill.own), [false, false, false, true, false, false]);
});

test("colours without special tokens and the first change the scale and no score", () => {
  assert.equal(scaleOn(INPUTS, SCORES, "tokens", 6, false), 9);
  assert.equal(scaleOn(INPUTS, SCORES, "tokens", 6, true), 4);
  const pills = pillsOf(INPUTS, SCORES, 6, null, { ...CLOSED, level: "tokens", without: true });
  assert.deepEqual(pills.map((pill) => pill.score), [...SCORES]);
  assert.deepEqual(pills.map((pill) => pill.aside), [true, false, false, false, false, false]);
});

test("rank and share are among what the prediction could read", () => {
  const found = standing(INPUTS, SCORES, { from: 2, to: 3 }, "tokens", 4);
  assert.deepEqual([found.score, found.rank, found.among, found.share], [-2, 2, 4, 2 / 12.5]);
  assert.deepEqual(named(said(found, "logit")), ["−2.00 logit", "2nd of 4 by |score|", "16% of Σ|score|"]);
  assert.equal(standing(INPUTS, new Float32Array(6), { from: 0, to: 1 }, "tokens", 6).share, null);
});

test("a token inside an open sentence is ranked among tokens", () => {
  assert.equal(standing(INPUTS, SCORES, { from: 5, to: 6 }, "sentences", 6).among, 6);
  assert.equal(standing(INPUTS, SCORES, { from: 4, to: 6 }, "sentences", 6).among, 3);
});

test("a difference is of scores, or of shares where units differ", () => {
  assert.deepEqual([...difference([3, -1], [1, 1], true)], [2, -2]);
  assert.deepEqual([...difference([3, -1], [10, 10], false)], [0.25, -0.75]);
  assert.deepEqual([...difference([0, 0], [1, 1], false)], [-0.5, -0.5]);
});

test("many tokens are shown as sentences at first", () => {
  assert.equal(firstLevel(INPUTS), "tokens");
  const many = { ...INPUTS, tokens: Array.from({ length: MANY + 1 }, () => token("a")) };
  assert.equal(firstLevel(many), "sentences");
  assert.equal(firstLevel({ ...many, levels: {} }), "tokens");
});

test("numbers in words", () => {
  assert.deepEqual([1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal), ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]);
  assert.deepEqual([0, 0.00001, 0.0123, 0.5, 1].map((one) => percent(one)), ["0%", "<0.01%", "1.2%", "50%", "100%"]);
});
