/** A model small enough for tests (its features are a tile's mean red, green and blue), and tiles of plain colours for it. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import type { LoadedModel } from "../../src/engine/engine.js";
import { type Checkpoint, saveCheckpoint } from "../../src/head/checkpoint.js";
import { resolveHeadConfig } from "../../src/head/config.js";
import { GraphBuilder } from "../../src/onnx/graph.js";
import type { PredictRunOptions } from "../../src/operations/predict.js";
import { createRandom } from "../../src/random.js";

export const TOY_SIZE = 16;
export const TOY_TAGS = ["red", "green", "blue"];

/** Gives each tag where its colour is above half. */
export function toyModel(overrides: Partial<Checkpoint> = {}): LoadedModel {
  const graph = new GraphBuilder("toy");
  const tiles = graph.input("tiles", "uint8", ["N", TOY_SIZE, TOY_SIZE, 3]);
  const pixels = graph.node("Cast", [tiles], { to: 1 });
  graph.output("features", graph.node("ReduceMean", [pixels], { axes: [1, 2], keepdims: 0 }), "float32", ["N", 3]);
  return { checkpoint: { ...toyCheckpoint(), ...overrides }, backbone: graph.build(), device: "cpu" };
}

/** The toy model as a folder, and its backbone as a file, for what takes a model by its path. */
export async function saveToyModel(folder: string): Promise<{ model: string; backbone: string }> {
  const graph = new GraphBuilder("toy");
  const input = graph.input("input", "float32", ["N", 3, TOY_SIZE, TOY_SIZE]);
  graph.output("features", graph.node("ReduceMean", [input], { axes: [2, 3], keepdims: 0 }), "float32", ["N", 3]);
  const bytes = graph.build();
  const model = join(folder, "model");
  const backbone = join(model, "toy.onnx");
  mkdirSync(model, { recursive: true });
  writeFileSync(backbone, bytes);
  const checkpoint = toyCheckpoint();
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { input: known } = checkpoint.card;
  const card = {
    ...checkpoint.card,
    file: "toy.onnx",
    byteLength: bytes.length,
    sha256,
    input: { ...known, name: "input", layout: "NCHW" as const },
  };
  await saveCheckpoint(model, { ...checkpoint, card, backboneSha256: sha256 });
  return { model, backbone };
}

function toyCheckpoint(): Checkpoint {
  const slope = 1 / 32;
  return {
    createdBy: "test",
    tags: TOY_TAGS,
    thresholds: Float32Array.of(0.5, 0.5, 0.5),
    head: {
      weight: Float32Array.of(slope, 0, 0, 0, slope, 0, 0, 0, slope),
      bias: new Float32Array(3).fill(-128 * slope),
      numFeatures: 3,
      numTags: 3,
    },
    card: {
      name: "toy",
      file: "toy.onnx",
      byteLength: 0,
      sha256: "",
      licence: "none",
      description: "mean colours",
      input: {
        name: "tiles",
        layout: "NHWC",
        channels: "RGB",
        scale: 1,
        mean: [0, 0, 0],
        std: [1, 1, 1],
        fixedSize: TOY_SIZE,
        defaultSize: TOY_SIZE,
        recommendedSizes: [TOY_SIZE],
      },
      features: { output: "features", count: 3 },
    },
    backboneSha256: "toy",
    preprocessing: { size: TOY_SIZE, colorspace: "auto", antialias: true, tta: "none" },
    training: { head: resolveHeadConfig(), tiles: 0, heldOut: 0, settings: {} },
    metrics: {},
    history: [],
  };
}

/** Levels of a colour channel, far from half, so that JPEG's rounding changes no tag. */
const LEVELS = [20, 60, 200, 240];

let palette: Promise<{ jpeg: Buffer; tags: string[] }[]> | undefined;

/** A JPEG of each colour, and the tags it should get. */
export function toyPalette(): Promise<{ jpeg: Buffer; tags: string[] }[]> {
  const colours = LEVELS.flatMap((r) => LEVELS.flatMap((g) => LEVELS.map((b) => [r, g, b] as const)));
  palette ??= Promise.all(
    colours.map(async ([r, g, b]) => ({
      jpeg: await sharp({ create: { width: 24, height: 24, channels: 3, background: { r, g, b } } })
        .jpeg()
        .toBuffer(),
      tags: TOY_TAGS.filter((_, i) => [r, g, b][i] > 128),
    })),
  );
  return palette;
}

/** Writes `count` tiles of seeded colours into `folder`; returns the tags by name. */
export async function writeToyTiles(folder: string, count: number, seed = 1): Promise<Map<string, string[]>> {
  const colours = await toyPalette();
  const random = createRandom(seed);
  mkdirSync(folder, { recursive: true });
  const truth = new Map<string, string[]>();
  for (let i = 0; i < count; i++) {
    const name = `tile_${String(i).padStart(6, "0")}`;
    const { jpeg, tags } = colours[random.below(colours.length)];
    writeFileSync(join(folder, `${name}.jpg`), jpeg);
    truth.set(name, tags);
  }
  return truth;
}

const RUNNER = fileURLToPath(new URL("./run-toy.js", import.meta.url));

export interface ToyRun {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

type Env = Record<string, string>;

/** Predicts with the toy model in a process of its own. */
export function runToy(options: PredictRunOptions, env: Env = {}): ToyRun {
  return start([options], env);
}

/** The same, which sends itself SIGINT once `tiles` are done in `stage`: from outside that may come after its end. */
export function runToyAndInterrupt(options: PredictRunOptions, stage: string, tiles: number): ToyRun {
  return start([options, { stage, tiles }]);
}

function start(args: object[], env: Env = {}): ToyRun {
  return spawnSync(process.execPath, [RUNNER, ...args.map((each) => JSON.stringify(each))], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

/** When to kill: once `tiles` are predicted in all, or, with 0, at once; and then some milliseconds later. */
export interface KillPlan {
  by: NodeJS.Signals;
  tiles: number;
  milliseconds: number;
}

/** Predicts, to be killed as planned unless it ends before. Resolves when it has ended. */
export function runToyAndKill(options: PredictRunOptions, plan: KillPlan): Promise<ToyRun> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [RUNNER, JSON.stringify(options)], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    let timer: NodeJS.Timeout | undefined;
    const killSoon = (): void => {
      timer ??= setTimeout(() => child.kill(plan.by), plan.milliseconds);
    };
    if (plan.tiles === 0) killSoon();
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, stage, done] = /^(list|predict|check|write) (\d+)$/.exec(line) ?? [];
      if (done === undefined) stderr += `${line}\n`;
      else if (stage === "predict" && Number(done) >= plan.tiles) killSoon();
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout, stderr });
    });
  });
}
