/** What TIFFs say of samples that are missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource, openRaster } from "../../src/raster/open.js";
import { type TiffOptions, writeTiff } from "./write-tiff.js";

const SIDE = 4;
const WINDOW = { x: 0, y: 0, width: SIDE, height: SIDE };

const open = (options: Partial<TiffOptions> & Pick<TiffOptions, "type">, edit = (file: Buffer) => file) =>
  openRaster(bytesSource(edit(writeTiff({ width: SIDE, height: SIDE, bands: 1, at: () => 7, ...options }))));

/** The values of a tag in a classic little-endian file. */
function entryOf(file: Buffer, tag: number): number {
  const at = file.readUInt32LE(4);
  for (let entry = at + 2; entry < at + 2 + 12 * file.readUInt16LE(at); entry += 12)
    if (file.readUInt16LE(entry) === tag) return entry;
  throw new Error(`no tag ${tag}`);
}

/** Says of a file's only block that it has no bytes. */
function withoutBlock(file: Buffer): Buffer {
  file.writeUInt32LE(0, entryOf(file, 325) + 8);
  return file;
}

test("infinite values that stand for missing ones are read as GDAL writes them", async () => {
  for (const [text, value] of [
    ["inf", Number.POSITIVE_INFINITY],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["nan", Number.NaN],
    ["-9999.0", -9999],
    ["-3.4028234663852886e+38", -3.4028234663852886e38],
  ] as const) {
    assert.equal((await open({ type: "float32", nodata: text })).info.nodata, value, text);
  }
});

test("a hole of a sparse file holds the sample that is nearest to the value of missing ones", async () => {
  for (const [type, nodata, expected] of [
    ["uint8", "-9999", 0],
    ["uint8", "300", 255],
    ["uint8", "nan", 0],
    ["uint8", "9", 9],
    ["int16", "-99999", -32768],
    ["float32", "-99999", -99999],
  ] as const) {
    const raster = await open({ type, nodata, tile: 16 }, withoutBlock);
    const [band] = await raster.read([0], WINDOW);
    assert.deepEqual([...band], Array(SIDE * SIDE).fill(expected), `${type} ${nodata}`);
  }
});

test("run lengths whose data end within a run are damaged, whatever the run", async () => {
  for (const at of [() => 7, (_band: number, x: number) => x]) {
    const options = { type: "uint8", at, tile: 16, compression: "packbits" } as const;
    for (const cut of [0, 1]) {
      const raster = await open(options, (file) => {
        const count = entryOf(file, 325) + 8;
        file.writeUInt32LE(file.readUInt32LE(count) - cut, count);
        return file;
      });
      const read = raster.read([0], WINDOW);
      if (cut === 0) assert.equal((await read)[0][1], at(0, 1));
      else await assert.rejects(read, /a block has too few samples/);
    }
  }
});
