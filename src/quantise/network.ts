/**
 * Networks as sessions run them, kept in the user's cache: preparing one takes longer than reading it, and the code that
 * does it takes long to load.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { cacheFolder } from "../cache-folder.js";
import { readWholeRegular } from "../files/open-regular.js";
import { ensureFolder } from "../files/output.js";
import { writeWhole } from "../files/write.js";
import { canopyVersion } from "../versions.js";
import { HALVES_VERSION, type IntegerForm, type Precision, QUANTISER_VERSION } from "./precision.js";
import type { RangedDescription } from "./prepare.js";

/** Raise it if prepareWith gives another network for the same card. */
const PREPARE_VERSION = 1;
const HASH_BYTES = 32;

/** A card with the hash of its file. */
export interface NetworkCard extends RangedDescription {
  sha256: string;
}

/** As prepareWith, for a backbone `bytes` whose hash was checked. */
export async function preparedNetwork(
  precision: Precision,
  bytes: Uint8Array,
  card: NetworkCard,
  size: number,
  form: IntegerForm,
): Promise<Uint8Array> {
  const path = placeOf(precision, card, size, form);
  const kept = await readKept(path);
  if (kept !== undefined) return kept;
  const { prepareWith } = await import("./prepare.js");
  const network = prepareWith(precision, bytes, card, size, { form });
  // Without a copy it is prepared again next time.
  await keep(path, network).catch(() => {});
  return network;
}

/** Everything that the network depends on is in the name. */
function placeOf(precision: Precision, card: NetworkCard, size: number, form: IntegerForm): string {
  const { name, sha256, input, features, ranges } = card;
  const rounding =
    precision === "int8" ? [QUANTISER_VERSION, ranges, form] : precision === "fp16" ? [HALVES_VERSION] : [];
  const facts = [canopyVersion(), PREPARE_VERSION, name, sha256, input, features, size, precision, ...rounding];
  const hash = createHash("sha256").update(JSON.stringify(facts)).digest("hex");
  return join(cacheFolder(), "networks", `${hash}.onnx`);
}

/** The file without the hash at its end; undefined if there is none, or it is damaged. */
async function readKept(path: string): Promise<Uint8Array | undefined> {
  const file = await readWholeRegular(path).catch(() => undefined);
  if (file === undefined || file.length <= HASH_BYTES) return undefined;
  const network = file.subarray(0, -HASH_BYTES);
  return hashOf(network).equals(file.subarray(-HASH_BYTES)) ? network : undefined;
}

async function keep(path: string, network: Uint8Array): Promise<void> {
  await ensureFolder(dirname(path));
  await writeWhole(path, Buffer.concat([network, hashOf(network)]));
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
