/** Decodes good and bad files many times and prints how much the process has grown as JSON; run by leak.test.ts. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { addon, noise, OPTIONS, waves, withAdobe, withDimensions } from "./support.js";

const SIDE = 48;
const ROUNDS = 1500;

const folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
try {
  const files = await makeFiles();
  const tiles = files.map((bytes, i) => {
    const path = join(folder, `${i}.jpg`);
    writeFileSync(path, bytes);
    return { path };
  });
  tiles.push({ path: join(folder, "absent.jpg") }, { path: folder });
  const target = new Uint8Array(tiles.length * 16 * 16 * 3);
  let failures = 0;
  const run = (rounds: number) => {
    for (let i = 0; i < rounds; i++) {
      // 16 pixels, and 2: the way through an eighth of the size.
      for (const size of [16, 2]) {
        const failed = addon().decodeFiles(tiles, target, { ...OPTIONS, size, acceptTruncated: i % 2 === 0 });
        failures += failed?.filter((failure) => failure !== undefined).length ?? 0;
      }
    }
  };
  run(ROUNDS / 2);
  failures = 0;
  const before = residentBytes();
  run(ROUNDS);
  const grownBytes = residentBytes() - before;
  console.log(JSON.stringify({ decodes: ROUNDS * 2 * tiles.length, failures, grownBytes }));
} finally {
  rmSync(folder, { recursive: true });
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

async function makeFiles(): Promise<Uint8Array[]> {
  const rgba = waves(SIDE, SIDE, 4);
  const cmyk = addon().encodePlanetJpeg(rgba, SIDE, SIDE, 80);
  for (let i = 3; i < rgba.length; i += 4) rgba[i] = 255;
  const planet = addon().encodePlanetJpeg(rgba, SIDE, SIDE, 80);
  const color = sharp(waves(SIDE, SIDE, 3), { raw: { width: SIDE, height: SIDE, channels: 3 } });
  const good = [planet, cmyk, withAdobe(cmyk, 2), await color.clone().jpeg().toBuffer()];
  good.push(await color.clone().jpeg({ progressive: true }).toBuffer());
  good.push(await color.clone().withIccProfile("srgb").jpeg({ chromaSubsampling: "4:4:4" }).toBuffer());
  const cut = good.map((bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.7)));
  const damaged = good.map((bytes) => Buffer.concat([bytes.subarray(0, -200), noise(200)]));
  return [...good, ...cut, ...damaged, good[0].subarray(0, 90), withDimensions(planet, 65500, 65500), noise(300)];
}
