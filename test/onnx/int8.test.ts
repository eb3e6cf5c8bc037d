import assert from "node:assert/strict";
import { test } from "node:test";
import { largestMagnitudes, roundToInt8 } from "../../src/onnx/int8.js";
import { float32 } from "../../src/onnx/tensor.js";

/** Two channels along the middle axis of `[2, 2, 2]`. */
const WEIGHT = float32([2, 2, 2], [0.5, 1.5, 10, 20, -2.5, -200, 0, -0.26]);

test("each channel has its own scale, wherever its axis is", () => {
  assert.deepEqual([...largestMagnitudes(WEIGHT, 1)], [200, 20]);
  assert.deepEqual([...largestMagnitudes(WEIGHT, 2)], [10, 200]);
  const { type, dims, data } = roundToInt8(WEIGHT, 1, Float32Array.of(1, 0.5));
  assert.deepEqual([type, dims], ["int8", [2, 2, 2]]);
  // Halves go to the even neighbour; -200 is cut off at -127, never at -128.
  assert.deepEqual([...data].map(Number), [0, 2, 20, 40, -2, -127, 0, -1]);
});
