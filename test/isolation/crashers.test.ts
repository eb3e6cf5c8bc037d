import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DECODE_DEFAULTS } from "../../src/decode/decoder.js";
import { findCrashers } from "../../src/isolation/crashers.js";
import { collectTiles } from "../../src/tiles/sources.js";
import { fussyBackbone } from "../features/toy-backbone.js";
import { temporaryFolder } from "../helpers.js";
import { encode } from "../images.js";
import { END, member } from "../tar.js";

const posix = process.platform === "win32" ? { skip: "there is no ulimit here" } : {};

/** Runs `call` in a process that has no file handle left. */
function runWithoutHandles(module: string, call: string) {
  const program = `
    import { openSync } from "node:fs";
    const { findCrashers } = await import(${JSON.stringify(new URL(module, import.meta.url).href)});
    try { for (;;) openSync("/dev/null"); } catch {}
    await ${call}.then(() => process.exit(3), (error) => console.log(error.code + " " + error.message));`;
  const limited = 'ulimit -n 64; exec "$0" --input-type=module -e "$1"';
  const { status, stdout, stderr } = spawnSync("sh", ["-c", limited, process.execPath, program], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("without a file handle for the child process it says so, and the own process lives on", posix, () => {
  const crashers = 'findCrashers([{ name: "a", path: "a.png" }], new Uint8Array(1), { decode: {} })';
  const said = runWithoutHandles("../../src/isolation/crashers.js", crashers);
  assert.match(said, /^PROBE The process that looks for the crashing tile cannot be started \(.*EMFILE\)\.$/m);
});

test("a tile that makes the backbone fail is found in a compressed archive, too", async (t) => {
  const size = 16;
  const members = await Promise.all(
    [50, 250, 60].map(async (level, i) => {
      const data = await encode(Buffer.alloc(size * size * 3, level), size, 3, "png");
      return member({ name: `${i}.png`, data });
    }),
  );
  const tar = Buffer.concat([...members, END]);
  const setup = { decode: { ...DECODE_DEFAULTS, size }, device: "cpu", numFeatures: 1, variants: [0] } as const;
  for (const [name, bytes] of [
    ["plain.tar", tar],
    ["packed.tar.gz", gzipSync(tar)],
  ] as const) {
    const path = join(temporaryFolder(t), name);
    writeFileSync(path, bytes);
    const { tiles, close } = await collectTiles([path]);
    t.after(close);
    const found = await findCrashers(tiles, fussyBackbone(size, 200), setup);
    assert.deepEqual([...found.keys()], [1], name);
  }
});
