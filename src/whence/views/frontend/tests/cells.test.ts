import assert from "node:assert/strict";
import test from "node:test";
import { along, cellAt, stepped } from "../src/cells.ts";

function pressed(key: string, held = {}) {
  return { key, altKey: false, ctrlKey: false, metaKey: false, taken: false, preventDefault() { this.taken = true; }, ...held };
}

test("keys lead from cell to cell and stop at the borders", () => {
  const at = { row: 1, column: 1 };
  const to = (key: string, from = at, up?: number) => stepped(pressed(key), from, 3, 4, up);
  assert.deepEqual(to("ArrowUp"), { row: 0, column: 1 });
  assert.deepEqual(to("ArrowUp", at, 1), { row: 2, column: 1 });
  assert.deepEqual(to("ArrowDown", at, 1), { row: 0, column: 1 });
  assert.deepEqual(to("ArrowDown", { row: 2, column: 3 }), { row: 2, column: 3 });
  assert.deepEqual(to("Home"), { row: 1, column: 0 });
  assert.deepEqual(to("End"), { row: 1, column: 3 });
  assert.deepEqual(to("PageDown"), { row: 2, column: 1 });
  assert.equal(to("Enter"), null);
});

test("keys that lead nowhere, or are held with others, are the browser's", () => {
  for (const event of [pressed("Enter"), pressed("ArrowUp", { ctrlKey: true }), pressed("Home", { altKey: true })]) {
    assert.equal(stepped(event, { row: 1, column: 1 }, 3, 3), null);
    assert.equal(event.taken, false);
  }
  const arrow = pressed("ArrowUp");
  stepped(arrow, { row: 1, column: 1 }, 3, 3);
  assert.equal(arrow.taken, true);
});

test("on a line every arrow leads on or back", () => {
  const to = (key: string, up?: number) => along(pressed(key), 2, 5, up);
  assert.deepEqual(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"].map((key) => to(key)), [3, 3, 1, 1, 0, 4]);
  assert.equal(to("ArrowUp", 1), 3);
  assert.equal(to("a"), null);
  assert.equal(along(pressed("ArrowLeft"), 0, 5), 0);
});

test("a point is in the cell of its row, counted from either end", () => {
  assert.deepEqual(cellAt(25, 5, { across: 20, down: 10 }, 3, 4), { row: 0, column: 1 });
  assert.deepEqual(cellAt(25, 5, { across: 20, down: 10 }, 3, 4, 1), { row: 2, column: 1 });
});
