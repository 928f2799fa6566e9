import assert from "node:assert/strict";
import test from "node:test";
import { headColor } from "../src/attention/head_color.ts";
import { Lines } from "../src/attention/lines.ts";
import { Unpacked } from "../src/loaded.ts";
import { account } from "../src/attention/head_view.tsx";
import { inSight } from "../src/attention/token_column.tsx";
import {
  byteOf, percent, products, roundingOf, sees, shownOf, softmax, strongest, sum, topOf, vectorOf, weightOf, weightsTo,
} from "../src/attention/weights.ts";
import type { AttentionLayer, AttentionView, Numbers, Token } from "../src/spec.ts";

const none: Numbers = { type: "u1", shape: [0], deflated: false, data: "" };

function layerOf(heads: number, queries: [number, number], keys: [number, number], kind: AttentionLayer["kind"] = "self"): AttentionLayer {
  return { number: 0, kind, queries, keys, heads, left: 0, weights: none, vectors: null };
}

function tokenOf(text: string): Token {
  return { text, role: "", special: text.startsWith("<"), gap: false, ends: false, begins: false };
}

// Two heads, two queries, three keys.
const LAYER = layerOf(2, [3, 5], [0, 3], "cross");
const BYTES = Uint8Array.of(255, 0, 0, 10, 200, 50, 0, 100, 20, 0, 0, 255);

test("a byte is the root of its weight, and comes back from it", () => {
  assert.equal(weightOf(0), 0);
  assert.equal(weightOf(255), 1);
  assert.ok(Math.abs(weightOf(51) - 0.04) < 1e-12);
  for (let byte = 0; byte < 256; byte++) assert.equal(byteOf(weightOf(byte)), byte);
});

test("a limit takes in the weights from it on and no others", () => {
  for (const limit of [0.001, 0.01, 0.05, 0.2]) {
    assert.ok(weightOf(byteOf(limit)) >= limit);
    assert.ok(weightOf(byteOf(limit) - 1) < limit);
  }
});

test("weights are said in percent", () => {
  assert.deepEqual([0, 0.0001, 0.0123, 0.5, 1].map(percent), ["0%", "<0.1%", "1.2%", "50.0%", "100%"]);
});

test("strongest links are those of a full sort", () => {
  let seed = 1;
  const bytes = Uint8Array.from({ length: 3 * 7 * 5 }, () => (seed = (seed * 16807) % 2147483647) % 256);
  const layer = layerOf(3, [0, 7], [0, 5]);
  const [queries, keys] = [[0, 2, 3, 6], [1, 2, 4]];
  const all = [0, 2].flatMap((head) =>
    queries.flatMap((query) => keys.map((key) => ({ head, query, key, weight: weightOf(bytes[(head * 7 + query) * 5 + key]) }))),
  );
  const wanted = all.sort((a, b) => b.weight - a.weight).slice(0, 6);
  assert.deepEqual(strongest(bytes, layer, [0, 2], queries, keys, 6), wanted);
});

test("links without weight are none", () => {
  assert.deepEqual(strongest(BYTES, LAYER, [0], [0], [0, 1, 2], 9), [{ head: 0, query: 0, key: 0, weight: 1 }]);
});

test("the weights between a token and another are each head's", () => {
  assert.deepEqual(weightsTo(BYTES, LAYER, [0, 1], { side: "query", at: 1 }, 2), [weightOf(50), 1]);
  assert.deepEqual(weightsTo(BYTES, LAYER, [1, 0], { side: "key", at: 1 }, 0), [weightOf(100), 0]);
});

test("a token's strongest others are by the mean over heads", () => {
  const top = topOf(BYTES, LAYER, [0, 1], { side: "query", at: 1 }, [0, 1, 2], 2);
  assert.deepEqual(top, [{ at: 2, weight: (weightOf(50) + 1) / 2 }, { at: 1, weight: weightOf(200) / 2 }]);
});

test("a decoder's query sees no later key, an encoder's every key", () => {
  const view = { causal: true } as AttentionView;
  assert.deepEqual([0, 1, 2].map((key) => sees(view, layerOf(1, [0, 3], [0, 3]), 1, key)), [true, true, false]);
  assert.ok(sees({ ...view, causal: false }, layerOf(1, [0, 3], [0, 3]), 0, 2));
  assert.ok(!sees({ ...view, causal: false }, layerOf(1, [4, 7], [4, 7], "decoder"), 0, 1));
  assert.ok(sees(view, layerOf(1, [4, 7], [0, 4], "cross"), 0, 3));
});

test("the first token and special ones can be hidden, on the side of a range", () => {
  const tokens = ["<s>", "a", "<x>", "b", "c"].map(tokenOf);
  assert.deepEqual(shownOf(tokens, [0, 5], { first: false, special: false }), [0, 1, 2, 3, 4]);
  assert.deepEqual(shownOf(tokens, [1, 5], { first: true, special: false }), [1, 2, 3]);
  assert.deepEqual(shownOf(tokens, [0, 5], { first: true, special: true }), [1, 3, 4]);
});

test("a vector's bytes are shares of its head's range", () => {
  const bytes = Uint8Array.of(0, 0, 128, 255, 0, 0, 1, 128);
  assert.deepEqual([...vectorOf(bytes, 2, 2, 0, 1, 3)], [0, 3]);
  assert.deepEqual([...vectorOf(bytes, 2, 2, 1, 1, 0.5)], [-0.5, 0]);
});

test("products sum to the dot product", () => {
  assert.deepEqual([...products([1, -2, 3], [2, 4, 0.5])], [2, -8, 1.5]);
  assert.equal(sum(products([1, -2, 3], [2, 4, 0.5])), -4.5);
});

test("softmax is over what is seen, whatever the size of scores", () => {
  const shares = softmax([1000, 1000 + Math.log(3), 5000], (at) => at < 2);
  assert.ok(Math.abs(shares[0] - 0.25) < 1e-9 && Math.abs(shares[1] - 0.75) < 1e-9);
  assert.equal(shares[2], 0);
});

test("rounding explains as much as rounding does, and no more", () => {
  let seed = 7;
  const next = () => (seed = (seed * 16807) % 2147483647) / 2147483647 - 0.5;
  const vector = () => Float64Array.from({ length: 64 }, () => 6 * next() ** 3 * 8);
  const round = (values: ArrayLike<number>) => Float64Array.from(values, (value) => (Math.round((value / 6) * 127) / 127) * 6);
  for (let trial = 0; trial < 50; trial++) {
    const [query, keys] = [vector(), Array.from({ length: 20 }, vector)];
    const exact = softmax(keys.map((key) => sum(products(query, key)) / 8), () => true);
    const rounded = softmax(keys.map((key) => sum(products(round(query), round(key))) / 8), () => true);
    const most = roundingOf(round(query), keys.map(round), 6, 6, 1 / 8);
    exact.forEach((weight, i) => assert.ok(Math.abs(weight - rounded[i]) <= Math.max(most(weight), most(rounded[i]))));
    assert.ok(most(0.5) < 0.3);
  }
});

test("lines are kept from the least byte on; too many leave out the weakest", () => {
  const lines = new Lines();
  const height = { query: (at: number) => at, key: (at: number) => at };
  lines.add(BYTES, LAYER, [0, 1], [0, 1], [0, 1, 2], 20, height);
  assert.equal(lines.count, 6);
  assert.equal(lines.drawnFrom, 0);
  const [weak, strong] = [layerOf(1, [0, 100], [0, 200]), layerOf(1, [0, 1], [0, 1])];
  const many = new Lines();
  many.add(new Uint8Array(20000).fill(40), weak, [0], Array.from({ length: 100 }, (_, i) => i), Array.from({ length: 200 }, (_, i) => i), 1, height);
  many.add(Uint8Array.of(250), strong, [0], [0], [0], 1, height);
  assert.equal(many.drawnFrom, 48);
});

test("only the rows of a box are in sight", () => {
  assert.deepEqual(inSight(2000, 24 * 100, 240), [100, 110]);
  assert.deepEqual(inSight(5, 0, 240, 3), [0, 5]);
});

test("heads have colours of their own", () => {
  for (const dark of [true, false]) {
    assert.equal(new Set(Array.from({ length: 32 }, (_, head) => headColor(head, dark))).size, 32);
  }
});

test("numbers are unpacked once while they are kept, and the oldest are let go", async () => {
  const numbers = (bytes: number): Numbers => ({ ...none, shape: [bytes] });
  const [first, second, third] = [numbers(5e7), numbers(5e7), numbers(1)];
  const store = new Unpacked();
  const once = store.of(first);
  assert.equal(store.of(first), once);
  assert.equal((await once).length, 0);
  const again = store.of(second);
  store.of(third);
  assert.equal(store.of(second), again);
  assert.notEqual(store.of(first), once);
});

test("a token that runs right to left is closed off among its neighbours", () => {
  const token = (text: string): Token => ({ text, role: "text", special: false, gap: false, ends: false, begins: false });
  const tokens = { query: [token("שלום")], key: [token("a")] };
  const said = account({ side: "query", at: 0 }, [{ at: 0, weight: 0.5 }], tokens);
  assert.equal(said.replace(/ \S+%$/, ""), "“\u2068שלום\u2069” looks at “a”");
});
