/** Downloads a known backbone into the user's cache. */
import { join } from "node:path";
import { InputError } from "../errors.js";
import type { RunContext } from "../run-context.js";
import type { ModelCard } from "./card.js";
import { download } from "./download.js";
import { findModel, type ModelEntry, modelCache } from "./registry.js";

/** Fetches the backbone `name` unless it is here already. Throws an InputError for one that has no source. */
export async function pullModel(name: string, context: RunContext = {}): Promise<ModelEntry> {
  const entry = findModel(name);
  if (entry.place !== "not downloaded") return entry;
  if (entry.card.url === undefined) {
    throw new InputError(
      `The backbone ${name} has no source to pull it from; import its file again with canopy models import.`,
    );
  }
  await fetchModel(entry.card, entry.card.url, context);
  return findModel(name);
}

/** Fetches what `card` describes from `url` into the cache, checked by size and SHA-256; returns its path. */
async function fetchModel(card: ModelCard, url: string, context: RunContext = {}): Promise<string> {
  const target = join(modelCache(), card.file);
  await download(
    {
      url,
      target,
      byteLength: card.byteLength,
      sha256: card.sha256,
      what: `the backbone ${card.name}`,
      otherwise: "a file you already have works too: name it as `backbone`.",
    },
    context,
  );
  return target;
}
