/** Tries a backbone out before it is used: a few tiles through ONNX Runtime, in a child process with a time limit. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { cacheFolder } from "../cache-folder.js";
import { InterruptedError, ModelError } from "../errors.js";
import { ensureFolder } from "../files/output.js";
import { readJson } from "../files/read-json.js";
import { writeWhole } from "../files/write.js";
import { onnxRuntimeVersion } from "../versions.js";
import type { ModelCard } from "./card.js";
import type { Verdict } from "./probe-child.js";

export interface ProbeOptions {
  /** Ends the probe with an InterruptedError. */
  signal?: AbortSignal | undefined;
  /** Milliseconds the tiles may take. @default two minutes */
  timeLimit?: number;
}

const TIME_LIMIT = 120_000;
/** Raise it if the probe, or what it gets, changes: networks are then tried out again. */
const PROBE_VERSION = 1;

const SCHEMA = v.object({ oneByOne: v.boolean() });

/**
 * Runs `model` on three tiles of `size` pixels, one by one and as a batch. Returns `card`, with `oneByOne` if the
 * network takes no batches. Success is noted in the cache by the file's hash, and the network not tried again. Throws a
 * ModelError if it does not run or not in time, if a feature is not finite, or if a tile's features depend on its
 * neighbours or on chance.
 */
export async function probeBackbone(
  model: Uint8Array,
  card: ModelCard,
  size: number,
  options: ProbeOptions = {},
): Promise<ModelCard> {
  const path = notePath(card, size);
  const note = await readJson(path, SCHEMA).catch(() => undefined);
  const found = note ?? (await tryBoth(model, card, size, options));
  if (note === undefined) {
    await takeNote(path, found).catch(() => {});
  }
  return found.oneByOne ? { ...card, input: { ...card.input, oneByOne: true } } : card;
}

/** The file that notes that this network runs with these settings. */
function notePath({ sha256, input, features }: ModelCard, size: number): string {
  const asked = JSON.stringify([PROBE_VERSION, onnxRuntimeVersion(), sha256, input, features, size]);
  return join(cacheFolder(), "probes", `${createHash("sha256").update(asked).digest("hex")}.json`);
}

/** If the note cannot be written, the network is tried again next time. */
async function takeNote(path: string, found: v.InferOutput<typeof SCHEMA>): Promise<void> {
  await ensureFolder(dirname(path));
  await writeWhole(path, `${JSON.stringify(found)}\n`);
}

/** Batches first; tile by tile if the network was exported for one, or turns out to take no more. */
async function tryBoth(
  model: Uint8Array,
  card: ModelCard,
  size: number,
  options: ProbeOptions,
): Promise<v.InferOutput<typeof SCHEMA>> {
  // Loaded here: it takes long, and a network is tried once.
  const { prepareBackbone, takesOneTile } = await import("../onnx/prepare.js");
  const attempt = async (oneByOne: boolean): Promise<Verdict> => {
    const asked = { ...card, input: { ...card.input, oneByOne } };
    return runChild(prepareBackbone(model, asked, size), asked, size, options);
  };
  if (card.input.oneByOne) {
    const verdict = await attempt(true);
    if (verdict.outcome === "runs") return { oneByOne: true };
    throw refusal(verdict, card, size);
  }
  const isForOne = takesOneTile(model, card);
  const batches = await attempt(false).catch((error: ModelError) => {
    if (isForOne && error instanceof ModelError) return error;
    throw error;
  });
  if (!(batches instanceof ModelError) && batches.outcome === "runs") return { oneByOne: false };
  const mayRunAlone = isForOne || (!(batches instanceof ModelError) && isBatchFixed(batches));
  if (mayRunAlone && (await attempt(true)).outcome === "runs") return { oneByOne: true };
  throw batches instanceof ModelError ? batches : refusal(batches, card, size);
}

/** Whether the graph may fix the batch although its input does not declare it. */
function isBatchFixed(verdict: Verdict): boolean {
  return verdict.outcome === "fails in a batch" || (verdict.outcome === "other shape" && verdict.dims[0] === 1);
}

function refusal(verdict: Verdict, { name, features }: ModelCard, size: number): ModelError {
  const tiles = `tiles of ${size} pixels`;
  switch (verdict.outcome) {
    case "fails":
      return new ModelError(`${name} does not run on ${tiles} in ONNX Runtime: ${firstLine(verdict.message)}`);
    case "fails in a batch":
      return new ModelError(
        `${name} runs on one tile but not on three (${firstLine(verdict.message)}); export it with a free batch dimension.`,
      );
    case "other shape":
      return new ModelError(
        `${name} gives [${verdict.dims.join(", ")}] for a tile, not [1, ${features.count}] features.`,
      );
    case "not finite":
      return new ModelError(
        `${name} gives features that are no finite numbers, on ${tiles}: its weights, or its input's normalisation, are wrong.`,
      );
    case "varies":
      return new ModelError(`${name} gives the same tile other features each time; export it in evaluation mode.`);
    default:
      return new ModelError(
        `${name} gives a tile other features in a batch than alone, so that tags would depend on a tile's neighbours; ` +
          "export it in evaluation mode, or with a fixed batch of one.",
      );
  }
}

function firstLine(message: string): string {
  return message.split("\n")[0].slice(0, 300);
}

/** The verdict of the child; a ModelError if it takes too long or dies. */
function runChild(
  prepared: Uint8Array,
  { name, features }: ModelCard,
  size: number,
  options: ProbeOptions,
): Promise<Verdict> {
  const { signal, timeLimit = TIME_LIMIT } = options;
  const script = fileURLToPath(new URL("./probe-child.js", import.meta.url));
  const args = [script, String(size), String(features.count)];
  return new Promise((resolve, reject) => {
    if (signal?.aborted)
      return reject(new InterruptedError(`Interrupted while ${name} was tried out; nothing was done yet.`));
    const child = spawn(process.execPath, args, {
      stdio: ["pipe", "pipe", "ignore"],
      timeout: timeLimit,
      killSignal: "SIGKILL",
    });
    // Before all else: without file handles it has no pipes, and an error nobody listens to ends this process.
    child.on("error", (cause) => reject(new ModelError(`${name} cannot be tried out: ${cause.message}`, { cause })));
    if (child.stdout === undefined) return;
    const startedAt = performance.now();
    const abort = () => void child.kill("SIGKILL");
    signal?.addEventListener("abort", abort, { once: true });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    // A child that dies early closes its stdin; its exit code reports that.
    child.stdin.on("error", () => {}).end(prepared);
    child.on("close", (code, killedBy) => {
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted)
        return reject(new InterruptedError(`Interrupted while ${name} was tried out; nothing was done yet.`));
      const line = output.trimEnd().split("\n").at(-1) ?? "";
      if (code === 0 && line !== "") return resolve(JSON.parse(line) as Verdict);
      const isLate = performance.now() - startedAt >= timeLimit;
      reject(
        new ModelError(
          `${name} cannot be used: ${isLate ? `it takes more than ${timeLimit / 1000} s for a few tiles of ${size} pixels` : `ONNX Runtime ends with ${killedBy ?? code} when it runs it`}.`,
        ),
      );
    });
  });
}
