/**
 * Entry of the child process of crashers.ts: decodes tiles and runs the backbone on them one by one, and names each
 * tile before it begins. stdin: a ProbeOrder as a line of JSON, then the backbone. stdout: ProbeSigns, a line of JSON
 * each.
 */
import { readFileSync, writeSync } from "node:fs";
import { SlotRing } from "../batch/slot-ring.js";
import { decodeChunk } from "../decode/worker.js";
import { endWithParent } from "../end-with-parent.js";
import { Backbone } from "../features/backbone.js";
import type { ProbeOrder, ProbeSign } from "./crashers.js";

endWithParent();
const input = readFileSync(0);
const end = input.indexOf("\n");
const { tiles, decode, device, numFeatures, variants } = JSON.parse(input.toString("utf8", 0, end)) as ProbeOrder;
const { size } = decode;
const backbone = await Backbone.open({ model: input.subarray(end + 1), size, numFeatures, device, sessions: 1 });
const ring = new SlotRing(1, size * size * 3);
const slot = await ring.acquire();

// If the backbone fails on a black tile, no tile is to blame, and the process ends here.
await run();
for (const [index, tile] of tiles.entries()) {
  // Synchronous, because the process may not live to flush anything.
  say({ tile: index });
  if (tile === null) continue;
  const outcomes = await decodeChunk({
    tiles: ["base64" in tile ? { bytes: Buffer.from(tile.base64, "base64") } : tile],
    buffer: ring.buffer,
    byteOffset: slot.byteOffset,
    options: decode,
  });
  if (outcomes?.[0] !== undefined) continue;
  await run().catch((error: Error) => say({ tile: index, failure: error.message }));
}
say("done");
await backbone.close();

/** On what is in the slot. */
async function run(): Promise<void> {
  const pixels = new Uint8Array(ring.buffer);
  const batch = { index: 0, tiles: [{ name: "", path: "" }], slot, pixels, outcomes: [undefined] };
  await backbone.run({ ...batch, release: () => {} }, ring, variants);
}

function say(sign: ProbeSign): void {
  writeSync(1, `${JSON.stringify(sign)}\n`);
}
