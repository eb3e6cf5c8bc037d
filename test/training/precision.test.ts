import assert from "node:assert/strict";
import { test } from "node:test";
import { InterruptedError, ModelError } from "../../src/errors.js";
import type { Device } from "../../src/features/device.js";
import type { Precision } from "../../src/quantise/precision.js";
import { candidates, choosePrecision, withPrecision } from "../../src/training/precision.js";
import { NO_INTEGERS } from "../quantise/run.js";

/** Which precision is chosen if F2 is so with either, and integers are so much faster; and which were tried. */
async function choose(f2: Partial<Record<Precision, number>>, gain: number, device: Device = "cpu") {
  const tried: Precision[] = [];
  const attempt = async (precision: Precision) => {
    tried.push(precision);
    return precision;
  };
  const time = async () => ({ floats: gain, other: 1, gain, rounds: 1 });
  const scored = (precision: Precision) => f2[precision] ?? Number.NaN;
  const { kept, choice } = await choosePrecision({ attempt, device: () => device, f2: scored, time });
  assert.equal(kept, choice.precision);
  return { ...choice, tried };
}

test("integers are taken if they are faster and cost no more than 0.002 of F2", { skip: NO_INTEGERS }, async () => {
  assert.equal((await choose({ fp32: 0.88, int8: 0.8785 }, 1.9)).precision, "int8");
  assert.equal((await choose({ fp32: 0.88, int8: 0.8775 }, 1.9)).precision, "fp32");
  assert.equal((await choose({ fp32: 0.88, int8: 0.9 }, 1.1)).precision, "fp32");
});

test("the choice says the scores, the gain and the reason", { skip: NO_INTEGERS }, async () => {
  const { f2, gain, reason } = await choose({ fp32: 0.88, int8: 0.8785 }, 1.9);
  assert.deepEqual([f2, gain], [{ fp32: 0.88, int8: 0.8785 }, 1.9]);
  assert.match(reason, /0\.8800 with floats, 0\.8785 with integers; integers are 1\.90 times as fast/);
});

test("on a GPU half precision is tried, and taken by the same rules", async () => {
  const { precision, tried, reason } = await choose({ fp32: 0.8, fp16: 0.7985 }, 1.9, "cuda");
  assert.deepEqual([precision, tried], ["fp16", ["fp32", "fp16"]]);
  assert.match(reason, /0\.7985 with halves; halves are 1\.90 times as fast/);
  assert.equal((await choose({ fp32: 0.8, fp16: 0.7975 }, 1.9, "webgpu")).precision, "fp32");
  assert.equal((await choose({ fp32: 0.8, fp16: 0.9 }, 1.1, "cuda")).precision, "fp32");
});

test("a backbone that does not run with the other precision keeps floats; other errors end the training", async () => {
  const trials = (error: Error) => ({
    attempt: async (precision: Precision) => {
      if (precision !== "fp32") throw error;
      return precision;
    },
    device: () => "cuda" as const,
    f2: () => 0.8,
    time: () => assert.fail("nothing is to be timed"),
  });
  const { kept, choice } = await choosePrecision(trials(new ModelError("no 16-bit floats")));
  assert.deepEqual([kept, choice.precision, choice.f2, choice.gain], ["fp32", "fp32", null, null]);
  assert.match(choice.reason, /does not run with halves: no 16-bit floats/);
  await assert.rejects(choosePrecision(trials(new InterruptedError())), InterruptedError);
});

test("on the CPU halves are no candidate", () => {
  assert.ok(!candidates("auto", "cpu").includes("fp16"));
  assert.deepEqual(candidates("auto", "webgpu"), ["fp32", "fp16"]);
});

test("where no integer kernels run, floats are taken and nothing else is tried", (t) => {
  const limit = process.env["CANOPY_SIMD"];
  t.after(() => {
    if (limit === undefined) delete process.env["CANOPY_SIMD"];
    else process.env["CANOPY_SIMD"] = limit;
  });
  process.env["CANOPY_SIMD"] = "avx2";
  return choose({ fp32: 0.8, int8: 0.9 }, 3).then(({ precision, tried, reason }) => {
    assert.deepEqual([precision, tried], ["fp32", ["fp32"]]);
    assert.match(reason, /CANOPY_SIMD=avx2/);
  });
});

test("of two choices the notice says which backbone each is of", async () => {
  const notices: string[] = [];
  const attempt = async (precision: Precision) => precision;
  const f2 = (precision: Precision) => (precision === "fp32" ? 0.8 : 0.7);
  const time = async () => assert.fail("what loses too much is not timed");
  for (const tuned of [false, true]) {
    const trials = { attempt, device: () => "cuda" as const, f2, time, tuned };
    await withPrecision("auto", trials, { onNotice: (notice) => notices.push(notice.split(":")[0]) });
  }
  assert.deepEqual(notices, ["Precision fp32", "Precision fp32 of the tuned backbone"]);
});
