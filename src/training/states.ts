/** Where an interrupted training of the head stands, in a file beside the model's folder. */
import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import { writeWhole } from "../files/write.js";
import type { TrainState } from "../head/train-state.js";
import type { RunContext } from "../run-context.js";
import type { Dataset } from "./dataset.js";
import type { TrainSettings } from "./settings.js";

type States = (TrainState | undefined)[];

interface SavedStates {
  fingerprint: string;
  states: States;
}

/** Changes with everything that decides about the head: tiles, labels, backbone and settings. */
export function fingerprint(dataset: Dataset, settings: TrainSettings, backbone: string): string {
  const { config, val, augment, tta, features } = settings;
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ config, val, augment, tta, features, backbone, tags: dataset.labels.tags }));
  hash.update(dataset.tiles.map((tile) => tile.name).join("\n"));
  hash.update(dataset.labels.data);
  for (const { data } of dataset.features) {
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** The states that an interrupted run of the same training left; none where there is no such file, or it is another training's. */
export async function loadStates(out: string, fingerprint: string, { onWarning }: RunContext): Promise<States> {
  let saved: SavedStates;
  try {
    saved = deserialize(await readFile(statesFile(out)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
      onWarning?.(`${statesFile(out)} cannot be read, so the head is trained from the start.`);
    }
    return [];
  }
  if (saved.fingerprint !== fingerprint) {
    onWarning?.(
      `${statesFile(out)} is of a training on other tiles or settings, so the head is trained from the start.`,
    );
    return [];
  }
  return saved.states;
}

export async function saveStates(out: string, fingerprint: string, states: States): Promise<void> {
  await writeWhole(statesFile(out), serialize({ fingerprint, states } satisfies SavedStates));
}

export async function forgetStates(out: string): Promise<void> {
  await rm(statesFile(out), { force: true });
}

function statesFile(out: string): string {
  return `${out.replace(/\/+$/, "")}.training`;
}
