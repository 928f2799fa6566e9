import assert from "node:assert/strict";
import test from "node:test";
import { number, read, signed } from "../src/numbers.ts";

test("numbers read as in Python", () => {
  assert.equal(signed(0.84, 0.84), "+0.840");
  assert.equal(signed(-0.0312, 0.84), "−0.031");
  assert.equal(signed(0.02), "+0.02");
  assert.equal(signed(0, 1), "0.00");
  assert.equal(number(17.3), "17.3");
  assert.equal(number(-1.5e-7), "−1.5e−7");
});

test("float32 numbers come out as they went in", () => {
  const bytes = Buffer.from(Float32Array.of(1.5, -2).buffer);
  assert.deepEqual([...read({ type: "f4", shape: [2], deflated: false, data: bytes.toString("base64") })], [1.5, -2]);
});
