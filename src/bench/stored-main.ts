/**
 * Entry of the process that `bench train --stored` measures, so that its memory is that of the training. Prints a
 * StoredResult, or on stderr what failed.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type FeatureIdentity, FeatureStore } from "../features/store.js";
import { toSource } from "../features/stored.js";
import type { LabelMatrix } from "../tiles/label-matrix.js";
import { fitHead } from "../training/fit.js";
import { streamedConfig } from "../training/settings.js";
import { makeUp, TAGS } from "./made-up.js";
import type { StoredRequest, StoredResult } from "./stored.js";

const ROWS_AT_ONCE = 2048;

const request = JSON.parse(process.argv[2] ?? "") as StoredRequest;
try {
  process.stdout.write(JSON.stringify(await measure(request)));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function measure({ rows, numFeatures, folder }: StoredRequest): Promise<StoredResult> {
  const identity: FeatureIdentity = {
    network: "made up",
    numFeatures,
    size: 1,
    colorspace: "auto",
    antialias: true,
    maxPixels: 1,
    onTruncated: "reject",
    decoder: "none",
    runtime: "none",
  };
  const begun = performance.now();
  const { keys, labels } = writeFeatures(new FeatureStore(identity, {}, folder), rows);
  const written = performance.now();
  const store = new FeatureStore(identity, {}, folder);
  const config = streamedConfig(1);
  const places = store.find(keys);
  // A store is a cache and goes on if it cannot write. Here that would train on zeros.
  if (places.includes(-1)) throw new Error(`the features could not all be kept in ${folder}: is the disk full?`);
  const { scored } = await fitHead(toSource(store, places), labels, config, { calibrate: "platt" });
  const fitted = performance.now();
  const bytes = readdirSync(store.folder).reduce((sum, name) => sum + statSync(join(store.folder, name)).size, 0);
  store.close();
  return {
    rows,
    epochs: config.epochs,
    bytes,
    write_seconds: (written - begun) / 1000,
    seconds: (fitted - written) / 1000,
    // In KiB on every platform, unlike getrusage itself.
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    f2: scored.metrics.f2,
  };
}

function writeFeatures(store: FeatureStore, rows: number): { keys: Uint8Array; labels: LabelMatrix } {
  const keys = new Uint8Array(rows * 16);
  const numbers = new DataView(keys.buffer);
  const data = new Uint8Array(rows * TAGS);
  let tags: readonly string[] = [];
  for (let start = 0; start < rows; start += ROWS_AT_ONCE) {
    const count = Math.min(ROWS_AT_ONCE, rows - start);
    const { features, labels } = makeUp(count, store.numFeatures, start);
    // Multiplied, because the index expects keys that are hashes.
    for (let row = start; row < start + count; row++) numbers.setUint32(row * 16, Math.imul(row + 1, 0x9e3779b1));
    data.set(labels.data, start * TAGS);
    tags = labels.tags;
    store.append(keys.subarray(start * 16, (start + count) * 16), features.data);
  }
  store.close();
  return { keys, labels: { data, rows, tags } };
}
