import assert from "node:assert/strict";
import test from "node:test";
import { BOTTOM, drawing, LEFT, nearest, path, place, reading, RIGHT, ticks, TOP } from "../src/curves.ts";

const numbers = (...values: number[]) => ({
  type: "f4" as const,
  shape: [values.length],
  deflated: false,
  data: Buffer.from(Float32Array.from(values).buffer).toString("base64"),
});
const CHART = {
  caption: "deletion",
  across: "share of units",
  up: "logit",
  note: "",
  curves: [
    { name: "own", x: numbers(0, 0.5, 1), y: numbers(-1, 0.5, 1), band: null },
    {
      name: "random orders",
      x: numbers(0, 1),
      y: numbers(-1, 1),
      band: [numbers(-2, 0), numbers(0, 2)] as [ReturnType<typeof numbers>, ReturnType<typeof numbers>],
    },
  ],
};

test("scales hold every curve and band", () => {
  const { across, up, steps } = drawing(CHART);
  assert.deepEqual(steps, [0, 0.5, 1]);
  assert.deepEqual([across.low, across.high, up.low, up.high], [0, 1, -2, 2]);
  assert.equal(place(up, -2), BOTTOM);
  assert.equal(place(up, 2), TOP);
  assert.equal(place({ low: 3, high: 3, start: 0, end: 10 }, 3), 5);
});

test("ticks are round: the same cases as in tests/views/test_scores_sheet.py", () => {
  const texts = (low: number, high: number) => ticks({ low, high, start: 0, end: 1 }).map((tick) => tick.text);
  assert.deepEqual(texts(-30.06, 0.3545), ["−30", "−20", "−10", "0"]);
  assert.deepEqual(texts(-0.3545, 0.1), ["−0.3", "−0.2", "−0.1", "0", "0.1"]);
  assert.deepEqual(texts(0, 5), ["0", "1", "2", "3", "4", "5"]);
  assert.deepEqual(texts(1000.2, 1000.9), ["1000.2", "1000.4", "1000.6", "1000.8"]);
  assert.deepEqual(texts(0, 5e-6), ["0", "1e−6", "2e−6", "3e−6", "4e−6", "5e−6"]);
  assert.deepEqual(texts(2, 2), ["2"]);
  for (const [low, high] of [[0, 1], [0.1, 0.7], [-0.3, 0.9]]) assert.deepEqual(texts(Math.fround(low), Math.fround(high)), texts(low, high));
});

test("a place on the chart is that of the nearest step", () => {
  const drawn = drawing(CHART);
  assert.deepEqual([-50, LEFT, (LEFT + RIGHT) / 2 + 20, RIGHT, 999].map((at) => nearest(drawn, at)), [0, 0, 1, 2, 2]);
});

test("a curve reads its ends, or its number and band at a step, or nothing where it has no point", () => {
  const [own, chance] = drawing(CHART).lines;
  assert.equal(reading(own, null), "−1 → 1");
  assert.equal(reading(own, 0.5), "0.5");
  assert.equal(reading(chance, 1), "1 (0 to 2)");
  assert.equal(reading(chance, 0.5), "—");
});

test("a path goes through every point", () => {
  const drawn = drawing(CHART);
  assert.equal(path(drawn, [0, 1], [-2, 2]), `M${LEFT.toFixed(2)} ${BOTTOM.toFixed(2)}L${RIGHT.toFixed(2)} ${TOP.toFixed(2)}`);
});
