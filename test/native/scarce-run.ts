/**
 * `node scarce-run.js memory FOLDER` limits its own address space, `threads` its threads, `preloaded` has a library refuse threads; then it does what needs more than it gets. Run by scarce.test.ts; prints what came of it as JSON.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addon, OPTIONS, waves, withDimensions } from "./support.js";

const MIB = 1 << 20;
const ROWS = 512;
const SIZE = 8;
const options = { ...OPTIONS, size: SIZE, acceptTruncated: true };
const [mode, folder] = process.argv.slice(2);

console.log(JSON.stringify(mode === "memory" ? await withLittleMemory() : await withoutThreads()));

async function withLittleMemory(): Promise<object> {
  const tile = addon().encodePlanetJpeg(waves(16, 16, 4).fill(255, 0, 4), 16, 16, 80);
  const paths = ["good", "huge", "next"].map((name) => join(folder, `${name}.jpg`));
  for (const path of paths) writeFileSync(path, tile);
  truncateSync(paths[1], 250 * MIB);
  const target = new Uint8Array(paths.length * SIZE * SIZE * 3);
  const train = wideTraining();
  await logits(2);
  limitAddressSpace(100 * MIB);
  const failures = addon().decodeFiles(
    paths.map((path) => ({ path })),
    target,
    options,
  );
  const full = addon().decodeFull(withDimensions(tile, 9000, 9000), options);
  const training = await train().then(
    () => "trained",
    (error) => [error.code, error.message],
  );
  const black = (i: number) =>
    target.subarray(i * SIZE * SIZE * 3, (i + 1) * SIZE * SIZE * 3).every((value) => value === 0);
  return {
    tiles: Array.from(failures ?? [], (failure) => failure?.code ?? "decoded"),
    black: paths.map((_, i) => black(i)),
    full: "code" in full ? full.code : "decoded",
    training,
    logits: (await logits(2)).length,
  };
}

/** Sums of many problems over many features take many times what is given. */
function wideTraining(): () => Promise<void> {
  const numFeatures = 8192;
  const count = 200;
  const features = { data: new Float32Array(ROWS * numFeatures), rows: ROWS, numFeatures };
  const targets = { labels: new Uint8Array(ROWS), numTags: 1 };
  const floats = count * (numFeatures + 1);
  const out = { losses: new Float64Array(count), gradients: new Float32Array(floats) };
  const weights = new Float32Array(floats);
  const problems = new Int32Array(count * 2).map((_, i) => -(i % 2));
  return () => addon().evaluateProblems(features, targets, problems, weights, 2, out);
}

async function withoutThreads(): Promise<object> {
  // Also starts the pool that calls run on.
  const expected = await logits(2);
  const refused = mode === "threads" ? limitThreads() : refuseThreads();
  const got = await logits(64);
  return { refused: refused(), same: Buffer.compare(bytesOf(got), bytesOf(expected)) === 0 };
}

/** Of processes and threads of this user. */
function limitThreads(): () => boolean {
  setLimit("--nproc=1:1");
  const { error } = spawnSync(process.execPath, ["--version"]);
  return () => (error as NodeJS.ErrnoException | undefined)?.code === "EAGAIN";
}

/** By the library that scarce.test.ts loads; both variables are the process' own, which C sees. */
function refuseThreads(): () => boolean {
  process.env["CANOPY_TEST_NO_THREADS"] = "1";
  return () => process.env["CANOPY_TEST_REFUSED"] === "1";
}

function bytesOf(array: Float32Array): Uint8Array {
  return new Uint8Array(array.buffer);
}

async function logits(threads: number): Promise<Float32Array> {
  const [numFeatures, numTags] = [32, 3];
  const data = new Float32Array(ROWS * numFeatures).map((_, i) => ((i * 7919) % 101) / 101);
  const head = { weight: new Float32Array(numFeatures * numTags).fill(0.1), bias: new Float32Array(numTags), numTags };
  const out = new Float32Array(ROWS * numTags);
  await addon().headLogits(head, { data, rows: ROWS, numFeatures }, threads, out);
  return out;
}

/** To what it is now and `more` bytes. */
function limitAddressSpace(more: number): void {
  const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[0]);
  setLimit(`--as=${pages * 4096 + more}`);
}

function setLimit(limit: string): void {
  const { status, stderr } = spawnSync("prlimit", ["--pid", `${process.pid}`, limit], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}
