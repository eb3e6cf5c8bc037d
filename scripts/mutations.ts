/** Errors that tests must notice. Whoever moves the code moves the entry. */
export interface Mutation {
  what: string;
  file: string;
  /** Stands once in `file`. */
  from: string;
  to: string;
  /** With `to` in its place, at least one of these fails. */
  tests: string[];
}

export const MUTATIONS: readonly Mutation[] = [
  // The feature cache: an identity that is too short gives wrong features, and says nothing.
  {
    what: "the feature cache's key without antialias",
    file: "src/features/extractor.ts",
    from: "    antialias: decode.antialias,\n",
    to: "    antialias: true,\n",
    tests: ["test/features/extractor.test.ts"],
  },
  {
    what: "the feature cache's key without the colour reading",
    file: "src/features/extractor.ts",
    from: "    colorspace: decode.colorspace,\n",
    to: '    colorspace: "auto",\n',
    tests: ["test/features/extractor.test.ts"],
  },
  {
    what: "export without its check",
    file: "src/operations/export.ts",
    from: "!(difference <= TOLERANCE)",
    to: "difference < -TOLERANCE",
    tests: ["test/operations/export.test.ts"],
  },
  // Files: what a power cut or a full disk must not cost.
  {
    what: "durable files: the flush of a folder after its files' renames dropped",
    file: "src/files/write.ts",
    from: "  for (const folder of folders) await syncFolder(folder);\n",
    to: "  void syncFolder;\n",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: the flush of a small file dropped",
    file: "src/files/write.ts",
    from: "      await file.sync();\n",
    to: "",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: the flush at the end of a growing draft dropped",
    file: "src/files/draft.ts",
    from: "      await this.#file.sync().catch(explain(this.#path));\n",
    to: "",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: the flush of the folder after a draft's rename dropped",
    file: "src/files/draft.ts",
    from: "    await syncFolder(dirname(path));\n",
    to: "    void syncFolder;\n",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: the flush of growing drafts every 16 MiB dropped",
    file: "src/files/draft.ts",
    from: "    await this.#file.datasync().catch(explain(this.#path));\n",
    to: "",
    tests: ["test/files/write.test.ts"],
  },
  {
    what: "durable files: the flush after a folder's rename dropped",
    file: "src/files/folder-draft.ts",
    from: "  await syncFolder(dirname(out));\n",
    to: "  void syncFolder;\n",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: model.json replaced first",
    file: "src/head/checkpoint.ts",
    from: "await writeTogether(files);",
    to: "await writeTogether(files.toReversed());",
    tests: ["test/cli/flushes.test.ts"],
  },
  {
    what: "durable files: a short write taken for a whole one",
    file: "src/files/draft.ts",
    from: "await this.#file.writeFile(block)",
    to: "await this.#file.write(block)",
    tests: ["test/files/write.test.ts"],
  },
  {
    what: "durable files: drafts of living processes cleared",
    file: "src/files/temporary.ts",
    from: "return !processExists(pid);",
    to: "return processExists(pid) || true;",
    tests: ["test/files/write.test.ts"],
  },
  // Optimisers, in both forms.
  {
    what: "Adam without bias correction of the second moment (native)",
    file: "native/head.cc",
    from: "std::sqrt(1 - std::pow(s.beta2, t)) / (1 - std::pow(s.beta1, t))",
    to: "1 / (1 - std::pow(s.beta1, t))",
    tests: ["test/head/train.test.ts"],
  },
  {
    what: "Adam's epsilon inside the root (native)",
    file: "native/head_kernels.h",
    from: "(Sqrt(v) + c.epsilon)",
    to: "Sqrt(v + c.epsilon)",
    tests: ["test/head/train.test.ts"],
  },
  {
    what: "RMSprop's epsilon outside the root (native)",
    file: "native/head_kernels.h",
    from: "Sqrt(mean_square + c.epsilon)",
    to: "(Sqrt(mean_square) + c.epsilon)",
    tests: ["test/head/train.test.ts"],
  },
  {
    what: "SGD's Nesterov momentum is the plain one (native)",
    file: "native/head_kernels.h",
    from: "step = c.nesterov ? kept * c.momentum + step : kept;",
    to: "step = kept;",
    tests: ["test/head/train.test.ts"],
  },
  {
    what: "Adam's epsilon inside the root (ONNX)",
    file: "src/head/step-graph.ts",
    from: "f.add(f.sqrt(v), c.epsilon)",
    to: "f.sqrt(f.add(v, c.epsilon))",
    tests: ["test/head/train.test.ts"],
  },
  {
    what: "RMSprop's epsilon outside the root (ONNX)",
    file: "src/head/step-graph.ts",
    from: "f.sqrt(f.add(next, c.epsilon))",
    to: "f.add(f.sqrt(next), c.epsilon)",
    tests: ["test/head/train.test.ts"],
  },
  // Pixels.
  {
    what: "resizing without antialias: no half-pixel centre (native)",
    file: "native/filter_table.cc",
    from: "const double position = (i + 0.5) * key.source / key.size - 0.5;",
    to: "const double position = static_cast<double>(i) * key.source / key.size;",
    tests: ["test/native/golden.test.ts"],
  },
  {
    what: "antialiased resizing: no half-pixel centre (native)",
    file: "native/filter_table.cc",
    from: "const double center = (i + 0.5) * scale;",
    to: "const double center = i * scale;",
    tests: ["test/native/golden.test.ts"],
  },
  {
    what: "resizing without antialias: no half-pixel centre (JavaScript)",
    file: "src/decode/resize.ts",
    from: "const position = ((i + 0.5) * source) / size - 0.5;",
    to: "const position = (i * source) / size;",
    tests: ["test/decode/resize.test.ts"],
  },
  {
    what: "the bytes-per-sample limit of huge JPEGs times 1000",
    file: "native/jpeg_limits.cc",
    from: "constexpr uint64_t kMaxBytesPerSample = 4;",
    to: "constexpr uint64_t kMaxBytesPerSample = 4000;",
    tests: ["test/native/damage.test.ts"],
  },
  // Options that are parsed and ignored, and settings that are not part of what they decide.
  {
    what: "onTruncated ignored by predict",
    file: "src/engine/settings.ts",
    from: "onTruncated: settings.onTruncated ?? DECODE_DEFAULTS.onTruncated",
    to: "onTruncated: DECODE_DEFAULTS.onTruncated",
    tests: ["test/operations/predict.test.ts"],
  },
  {
    what: "maxPixels ignored by predict",
    file: "src/engine/settings.ts",
    from: "maxPixels: settings.maxPixels ?? DECODE_DEFAULTS.maxPixels",
    to: "maxPixels: DECODE_DEFAULTS.maxPixels",
    tests: ["test/operations/predict.test.ts"],
  },
  {
    what: "another hash of --shard, which is for ever",
    file: "src/tiles/shard.ts",
    from: "0x01000193",
    to: "0x01000195",
    tests: ["test/tiles/shard.test.ts"],
  },
  {
    what: "merge of tiles that do not add up",
    file: "src/operations/merge.ts",
    from: "if (tiles !== whole)",
    to: "if (tiles < 0)",
    tests: ["test/operations/merge.test.ts"],
  },
  {
    what: "rows of rejected tiles not zeroed",
    file: "src/features/stream.ts",
    from: "if (outcome !== undefined) features.fill(0, i * rowLength, (i + 1) * rowLength);",
    to: "",
    tests: ["test/features/stream.test.ts"],
  },
  // Thresholds.
  {
    what: "thresholds: a tile on the threshold has not the tag, when they are fitted",
    file: "src/training/thresholds.ts",
    from: "numTags + tag] >= threshold)",
    to: "numTags + tag] > threshold)",
    tests: ["test/training/thresholds.test.ts"],
  },
  {
    what: "thresholds: the common one without smoothing",
    file: "src/training/thresholds.ts",
    from: "(scores[i - 1] ?? score) + score + (scores[i + 1] ?? score)",
    to: "score + 0 * i",
    tests: ["test/training/thresholds.test.ts"],
  },
  {
    what: "thresholds: no tie-break towards the common one",
    file: "src/training/thresholds.ts",
    from: "|| (gain > bestGain - 1e-9 && closer)",
    to: "|| (gain > bestGain - 1e-9 && closer && false)",
    tests: ["test/training/thresholds.test.ts"],
  },
  // Training.
  {
    what: "maxPixels ignored by evaluate and suggest",
    file: "src/operations/trained-extractor.ts",
    from: "    ...(maxPixels !== undefined && { maxPixels }),\n",
    to: "    ...(maxPixels !== undefined && {}),\n",
    tests: ["test/operations/evaluate.test.ts"],
  },
  {
    what: "onTruncated ignored by evaluate and suggest",
    file: "src/operations/trained-extractor.ts",
    from: "    ...(onTruncated !== undefined && { onTruncated }),\n",
    to: "    ...(onTruncated !== undefined && {}),\n",
    tests: ["test/operations/suggest.test.ts"],
  },
  {
    what: "beta ignored by train",
    file: "src/training/fit-dataset.ts",
    from: "const options = { ...readout, ",
    to: "const options = { ...readout, beta: 2, ",
    tests: ["test/operations/train.test.ts"],
  },
  {
    what: "thresholds: > instead of >= where tags are given",
    file: "src/head/metrics.ts",
    from: "probability >= thresholds[cell % numTags]",
    to: "probability > thresholds[cell % numTags]",
    tests: ["test/head/metrics.test.ts"],
  },
  {
    what: "held-out tiles scored by a readout that has seen them",
    file: "src/training/fit.ts",
    from: "const { train, heldOut } = split;",
    to: "const { heldOut } = split;\n  const train = unseen.rows;",
    tests: ["test/training/fit.test.ts"],
  },
  {
    what: "out-of-fold decisions by a readout that has seen the fold",
    file: "src/training/rows.ts",
    from: "others: rowsWhere(folds, (each) => each !== fold)",
    to: "others: rowsWhere(folds, () => true)",
    tests: ["test/training/fit-in-memory.test.ts"],
  },
  {
    what: "an interrupted training begins anew",
    file: "src/training/trainings.ts",
    from: "const resumeFrom = states.get(name);",
    to: "const resumeFrom = new Map(states).get(name) && undefined;",
    tests: ["test/training/fit-from-disk.test.ts"],
  },
];
