/** The trainer's own functions refuse what would make them read or write beyond memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NativePlan, NativeTrainer } from "../../src/native-trainer.js";
import { HOSTILE } from "./hostile-cases.js";
import { addon, NEEDS_ADDON } from "./support.js";

const [COUNT, TILE, TAGS, FEATURES] = [2, 8 * 8 * 3, 2, 3];
const FLOATS = [FEATURES * 27, TAGS * FEATURES, TAGS];
const rates = () => ({ backbone: 1e-3, head: 1e-3, weightDecay: 0, step: 1 });
const arrays = () => FLOATS.map((floats) => new Float32Array(floats));
const batch = () => [
  new Uint8Array(COUNT * TILE),
  COUNT,
  new Float32Array(COUNT * TAGS),
  new Float32Array(COUNT * FEATURES),
];

const GOOD: Record<string, () => unknown[]> = {
  step: () => [...batch(), rates()],
  gradient: () => [...batch(), arrays()],
  logits: () => [new Uint8Array(COUNT * TILE), COUNT, new Float32Array(COUNT * TAGS)],
  read: () => [0, arrays()],
  write: () => [2, arrays()],
};

function open(): NativeTrainer {
  return addon().createTrainer(HOSTILE["createTrainer"].good()[0] as NativePlan, 2);
}

/** The arrays that `args` hold, each with a way to put another in its place. */
function arraysIn(args: unknown[]): { array: Float32Array; put(other: unknown): void }[] {
  return args.flatMap((each, at) => {
    if (Array.isArray(each)) return arraysIn(each);
    return ArrayBuffer.isView(each)
      ? [
          {
            array: each as Float32Array,
            put: (other: unknown) => {
              args[at] = other;
            },
          },
        ]
      : [];
  });
}

function detached(array: Float32Array): Float32Array {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

for (const [name, good] of Object.entries(GOOD)) {
  test(`${name} of a trainer refuses arrays that are too short, of another type or detached`, NEEDS_ADDON, async () => {
    const trainer = open();
    const call = Reflect.get(trainer, name) as (...args: unknown[]) => Promise<unknown>;
    await call(...good());
    for (const at of arraysIn(good()).keys()) {
      for (const spoil of [
        (array: Float32Array) => array.subarray(1),
        (array: Float32Array) => new Float64Array(array.length),
        detached,
        () => 5,
      ]) {
        const args = good();
        const { array, put } = arraysIn(args)[at];
        put(spoil(array));
        assert.throws(() => call(...args), /^(Type|Range)Error: Expected .*\.$/, `${name}, array ${at}`);
      }
    }
    for (const [at, given] of good().entries()) {
      if (typeof given !== "number") continue;
      for (const wrong of [-1, 0.5, 1e9, Number.NaN, "1", undefined]) {
        const args = good();
        args[at] = wrong;
        assert.throws(() => call(...args), /^(Type|Range)Error: Expected .*\.$/, `${name}, ${wrong}`);
      }
    }
    trainer.close();
    assert.throws(() => call(...good()), /The trainer is closed/);
  });
}

test("a trainer that is closed, or forgotten, while it steps ends well", NEEDS_ADDON, async () => {
  const trainer = open();
  const steps = [1, 2, 3].map(() => trainer.step(...(GOOD["step"]() as Parameters<NativeTrainer["step"]>)));
  trainer.close();
  for (const step of steps) assert.ok((await step) > 0);
});
