import assert from "node:assert/strict";
import { test } from "node:test";
import { SlotRing } from "../../src/batch/slot-ring.js";

test("slots lie side by side in one memory", async () => {
  const ring = new SlotRing(3, 100);
  const slots = [await ring.acquire(), await ring.acquire(), await ring.acquire()];
  assert.equal(ring.buffer.byteLength, 300);
  assert.deepEqual(
    slots.map((slot) => slot.byteOffset).sort((a, b) => a - b),
    [0, 100, 200],
  );
  assert.equal(ring.freeCount, 0);
});

test("who waits for a slot gets it in turn when one is released", async () => {
  const ring = new SlotRing(1, 8);
  const slot = await ring.acquire();
  const order: string[] = [];
  const first = ring.acquire().then((taken) => {
    order.push("first");
    ring.release(taken);
  });
  const second = ring.acquire().then(() => order.push("second"));
  ring.release(slot);
  await Promise.all([first, second]);
  assert.deepEqual(order, ["first", "second"]);
});

test("closing wakes who waits, with an error", async () => {
  const ring = new SlotRing(1, 8);
  await ring.acquire();
  const waiting = ring.acquire();
  ring.close();
  await assert.rejects(waiting, /closed/);
  await assert.rejects(ring.acquire(), /closed/);
});

test("a ring without slots or bytes is refused", () => {
  assert.throws(() => new SlotRing(0, 8), RangeError);
  assert.throws(() => new SlotRing(1, 0), RangeError);
});
