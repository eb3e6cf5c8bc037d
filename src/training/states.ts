/** The state of an interrupted fit, in a file beside the model's folder. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import * as v from "valibot";
import { InterruptedError } from "../errors.js";
import { beside } from "../files/output.js";
import { count } from "../files/schemas.js";
import { writeWhole } from "../files/write.js";
import type { HeadConfig } from "../head/config.js";
import { gradientConfig, historyRow } from "../head/record-schemas.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";
import type { FitSettings } from "./settings.js";
import type { TrainingName, TrainingStates } from "./trainings.js";

const FLOATS = v.instance(Float32Array);
/** The resumed training itself checks that shapes and configuration are its own. */
const STATE = v.object({
  weight: FLOATS,
  bias: FLOATS,
  moments: v.array(FLOATS),
  iterations: count,
  epoch: count,
  config: gradientConfig,
  history: v.array(historyRow),
});
const SAVED = v.object({
  fingerprint: v.string(),
  states: v.map(
    v.custom<TrainingName>((name) => /^(history|final|fold \d+)$/.test(String(name))),
    STATE,
  ),
});

export interface StatesOptions {
  /** The model's folder. */
  out: string;
  /** Identifies the training that the states belong to. */
  fingerprint: string;
  /** Whether to go on with an interrupted training. */
  resume: boolean;
}

/** Runs `fit` with the states to go on from. On abort they are saved before InterruptedError is thrown. */
export async function keepStates<T>(
  { out, fingerprint, resume }: StatesOptions,
  { onWarning }: RunContext,
  fit: (states: TrainingStates) => Promise<T>,
): Promise<T> {
  const states = resume ? await loadStates(statesFile(out), fingerprint, onWarning) : new Map();
  try {
    return await fit(states);
  } catch (error) {
    if (error instanceof InterruptedError) await writeWhole(statesFile(out), serialize({ fingerprint, states }));
    throw error;
  }
}

export async function forgetStates(out: string): Promise<void> {
  await rm(statesFile(out), { force: true });
}

/** Changes with everything that the head depends on: tiles, labels, features and settings. */
export function fingerprintOf(
  {
    labels,
    tiles,
    validation,
    features,
    stored,
  }: Pick<Dataset, "labels" | "tiles" | "validation" | "features" | "stored">,
  { holdOut, augment, tta }: FitSettings,
  config: HeadConfig,
): string {
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify({
      config,
      holdOut: validation === undefined ? holdOut : [...validation],
      augment,
      tta,
      stored: stored?.fingerprint,
      tags: labels.tags,
    }),
  );
  hash.update(tiles.map((tile) => tile.name).join("\n"));
  hash.update(labels.data);
  for (const { data } of features) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex");
}

/** None if there is no such file, or it is another training's. */
async function loadStates(
  file: string,
  fingerprint: string,
  onWarning: RunContext["onWarning"],
): Promise<TrainingStates> {
  const saved = await readSaved(file);
  if (saved === undefined) return new Map();
  if (saved.success && saved.output.fingerprint === fingerprint) return saved.output.states;
  const reason = saved.success ? "is of a training on other tiles, labels or settings" : "cannot be read";
  onWarning?.(`${file} ${reason}, so the head is trained from the start.`);
  return new Map();
}

async function readSaved(file: string): Promise<v.SafeParseResult<typeof SAVED> | undefined> {
  try {
    return v.safeParse(SAVED, deserialize(await readFile(file)));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : v.safeParse(SAVED, undefined);
  }
}

export function statesFile(out: string): string {
  return beside(out, ".training");
}
