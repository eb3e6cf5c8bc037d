import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelError } from "../../src/errors.js";
import { chooseDevice, probeDevice } from "../../src/features/device.js";

test("the CPU runs, and needs no probe to be chosen", async () => {
  assert.equal(await chooseDevice("cpu"), "cpu");
  assert.deepEqual(await probeDevice("cpu"), { device: "cpu", runs: true });
});

for (const device of ["cuda", "webgpu"] as const) {
  test(`${device} is used where it runs, else an error says what is missing`, async () => {
    const report = await probeDevice(device);
    if (report.runs) assert.equal(await chooseDevice(device), device);
    else {
      assert.ok(report.reason && report.reason.length > 10);
      await assert.rejects(chooseDevice(device), (error: Error) => {
        assert.ok(error instanceof ModelError);
        assert.ok(error.message.includes(device) && error.message.includes(report.reason!));
        return true;
      });
    }
  });
}

test("auto takes a device that runs", async () => {
  const device = await chooseDevice("auto");
  assert.ok((await probeDevice(device)).runs);
});

test("a device that does not exist is refused by name", async () => {
  await assert.rejects(chooseDevice("gpu" as "cpu"), /auto, cpu, cuda, webgpu/);
});
