/**
 * Entry of the child process of suspects.ts: decodes tiles one by one, and says before each which it is. In on stdin: a ProbeOrder as
 * JSON. Out on stdout: a tile's place in it, one a line, then "done".
 */
import { readFileSync, writeSync } from "node:fs";
import { decodeChunk } from "../decode/worker.js";
import type { ProbeOrder } from "./suspects.js";

const { tiles, options } = JSON.parse(readFileSync(0, "utf8")) as ProbeOrder;
const buffer = new SharedArrayBuffer(options.size * options.size * 3);
for (const [index, tile] of tiles.entries()) {
  // Synchronous, because the process may not live to flush anything.
  writeSync(1, `${index}\n`);
  if (tile.failure === undefined) await decodeChunk({ tiles: [tile], buffer, byteOffset: 0, options });
}
writeSync(1, "done\n");
