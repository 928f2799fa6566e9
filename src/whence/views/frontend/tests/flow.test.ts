import assert from "node:assert/strict";
import test from "node:test";
import { cellAt } from "../src/cells.ts";
import { edgesOf, middle, numbersOf, tablesOf } from "../src/flow/lookup.ts";
import { part, read } from "../src/numbers.ts";
import type { FlowView, Numbers } from "../src/spec.ts";

const SIZES = { across: 20, down: 10 };

function f4(...values: number[]): Numbers {
  const data = Buffer.from(Float32Array.from(values).buffer).toString("base64");
  return { type: "f4", shape: [values.length], deflated: false, data };
}

/** Two targets, one layer, two tokens, one edge kept of each. */
const VIEW = {
  view: "flow",
  tokens: [{}, {}],
  streams: ["0 input", "1 top"],
  heads: 1,
  targets: [{}, {}],
  nodes: f4(1, 2, 3, 4, 5, 6, 7, 8),
  rest: f4(1, 1, 1, 1),
  headScores: f4(9, 10),
  edges: { kept: 1, above: f4(1, 0, 1, 0), aboveValue: f4(0.5, 0, -2, 0), below: f4(1, 0, 1, 0), belowValue: f4(0, 0.5, 0, -2) },
} as unknown as FlowView;

test("rows are counted from the bottom", () => {
  assert.deepEqual(cellAt(25, 5, SIZES, 3, 4, 1), { row: 2, column: 1 });
  assert.deepEqual(cellAt(0, 29, SIZES, 3, 4, 1), { row: 0, column: 0 });
  assert.equal(cellAt(80, 5, SIZES, 3, 4, 1), null);
  assert.equal(cellAt(5, -1, SIZES, 3, 4, 1), null);
  for (const [row, column] of [[0, 0], [2, 3], [1, 2]]) {
    const [x, y] = middle(row, column, SIZES, 3);
    assert.deepEqual(cellAt(x, y, SIZES, 3, 4, 1), { row, column });
  }
});

test("a target row has its own nodes and edges", () => {
  const data = numbersOf(tablesOf(VIEW).map(read));
  assert.deepEqual(part(data.nodes, 2, 1), Float32Array.of(5, 6, 7, 8));
  assert.deepEqual(part(data.heads, 2, 0), Float32Array.of(9));
  assert.deepEqual(edgesOf(VIEW, data, 0, 0, 0, "above"), [{ token: 1, value: 0.5 }]);
  assert.deepEqual(edgesOf(VIEW, data, 1, 0, 1, "below"), [{ token: 0, value: -2 }]);
  assert.deepEqual(edgesOf(VIEW, data, 0, 0, 1, "above"), []);
});
