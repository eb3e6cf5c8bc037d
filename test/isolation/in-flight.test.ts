import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { InFlightJournal, readInFlight } from "../../src/isolation/in-flight.js";
import { temporaryFolder } from "../helpers.js";

test("names the tiles that were out when the process died, and none after an orderly end", async (t) => {
  const path = join(temporaryFolder(t), "in-flight");
  const journal = new InFlightJournal(path, 10);
  assert.equal(await readInFlight(path), undefined);
  journal.handOut(15);
  journal.handOut(20);
  journal.returned(16);
  assert.deepEqual(await readInFlight(path), { from: 16, to: 20 });
  journal.close();
  assert.ok(!existsSync(path));
});

test("stays where it is left, also when it is closed afterwards", async (t) => {
  const path = join(temporaryFolder(t), "in-flight");
  const journal = new InFlightJournal(path, 10);
  journal.handOut(15);
  journal.leave();
  journal.close();
  assert.deepEqual(await readInFlight(path), { from: 10, to: 15 });
});

test("names none where the journal itself was cut off", async (t) => {
  const path = join(temporaryFolder(t), "in-flight");
  writeFileSync(path, new Uint8Array(9));
  assert.equal(await readInFlight(path), undefined);
});
