/** sharp as people usually call it, and with the workaround for the colours of four-component JPEGs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { type Contender, type SetupRequest, WHOLE } from "./protocol.js";

/** A file's pixels as RGB; `shape` adds the resizing. */
type ReadRgb = (path: string, shape: (image: Sharp) => Sharp) => Promise<Uint8Array>;

interface Concurrency {
  /** Threads inside libvips, per image. */
  inside: number;
  /** Images at the same time. */
  images: number;
}

export function openPlainSharp(setup: SetupRequest): Promise<Contender> {
  return openSharp(setup, (path, shape) => shape(sharp(path)).removeAlpha().raw().toBuffer());
}

/** Staying in CMYK avoids the CMYK profile; libvips returns the four components inverted. */
export async function openSharpWorkaround(setup: SetupRequest): Promise<Contender> {
  const four = new Set<string>();
  for (const path of setup.paths) if ((await sharp(path).metadata()).space === "cmyk") four.add(path);
  return openSharp(setup, async (path, shape) => {
    if (!four.has(path)) return shape(sharp(path)).removeAlpha().raw().toBuffer();
    const image = sharp(path).pipelineColourspace("cmyk").toColourspace("cmyk");
    return dropFourth(await shape(image).raw().toBuffer());
  });
}

async function openSharp({ paths, size, threads }: SetupRequest, read: ReadRgb): Promise<Contender> {
  // Rounds read the same files again; a real run does not, so the cache would help only here.
  sharp.cache(false);
  const resize = (image: Sharp) => image.resize(size, size, { fit: "fill" });
  const run = (some: readonly string[], images: number) => runAll(some, images, (path) => read(path, resize));
  const { inside, images } = await findBest(paths, threads, run);
  sharp.concurrency(inside);
  return {
    version: `sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips})`,
    note: `${images} at a time, ${inside} libvips thread(s)`,
    async round(indices) {
      return {
        [WHOLE]: await run(
          indices.map((index) => paths[index]),
          images,
        ),
      };
    },
    async writeColours(indices, folder) {
      for (const index of indices) {
        await writeFile(join(folder, `${index}.rgb`), await read(paths[index], (image) => image));
      }
    },
  };
}

/** Tries the usual settings on the first tiles; the fastest is measured. */
async function findBest(
  paths: readonly string[],
  threads: number,
  run: (paths: readonly string[], images: number) => Promise<number>,
): Promise<Concurrency> {
  const first = paths.slice(0, 16);
  await run(first.slice(0, 2), 1);
  let best = { seconds: Number.POSITIVE_INFINITY, inside: 1, images: 1 };
  for (const [inside, images] of [
    [threads, 1],
    [threads, threads],
    [1, threads],
    [1, 2 * threads],
  ] as const) {
    sharp.concurrency(inside);
    const seconds = await run(first, images);
    if (seconds < best.seconds) best = { seconds, inside, images };
  }
  return best;
}

/** Seconds for all of them, `images` at a time. */
async function runAll(
  paths: readonly string[],
  images: number,
  read: (path: string) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < paths.length) await read(paths[next++]);
  };
  await Promise.all(Array.from({ length: images }, lane));
  return (performance.now() - start) / 1000;
}

function dropFourth(inverted: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inverted.length / 4) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    rgb[to] = 255 - inverted[from];
    rgb[to + 1] = 255 - inverted[from + 1];
    rgb[to + 2] = 255 - inverted[from + 2];
  }
  return rgb;
}
