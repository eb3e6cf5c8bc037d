/** Snippets that `npm run docs:check` does not run, and why. */
import type { Snippet } from "./snippets.js";

interface Excuse {
  /** Of the page's path; all pages if absent. */
  page?: RegExp;
  /** Of the block's language; all languages if absent. */
  language?: RegExp;
  /** Stands in the code. */
  code: RegExp;
  reason: string;
}

const EXCUSES: readonly Excuse[] = [
  { code: /^npm install /m, reason: "installs from the registry: npm run check:installs" },
  { code: /npm ci && npm run quickstart/, reason: "is what .ci/run does" },
  { code: /^docker /m, reason: "needs Docker" },
  { page: /docs\/scenes/, code: /./, reason: "needs GDAL" },
  { code: /models pull/, reason: "downloads: test/models/download.test.ts, from a server of its own" },
  { code: /redis:\/\/|enqueue|queue status/, reason: "needs Redis: test/operations/queue.test.ts" },
  { code: /\b(s3|gs|https):\/\//, language: /^(sh|indented|)$/, reason: "needs the network" },
  {
    page: /CONTRIBUTING|docs\/(development|releasing)/,
    language: /^sh$/,
    code: /./,
    reason: "builds and tests canopy itself",
  },
  { page: /models\//, code: /./, reason: "made the backbone in the box: hours, and the real tiles" },
  { code: /fiftyone|sample\.filepath/, language: /^python$/, reason: "needs FiftyOne: test/curation/fiftyone.test.ts" },
  { code: /onnxruntime/, language: /^python$/, reason: "needs Python's onnxruntime: test/operations/export.test.ts" },
  { code: /onnxruntime-web/, language: /^html$/, reason: "needs a browser and a bundler" },
  { code: /bench (predict|train|preprocess)/, reason: "measures for minutes: test/bench" },
  { code: /--finetune|--stored/, reason: "trains for minutes: test/cli/finetune-kill.test.ts" },
  { page: /docs\/curation/, language: /^$/, code: /->/, reason: "is a picture of steps" },
  { page: /docs\/labels/, language: /^$/, code: /names in "image_name"/, reason: "is output: test/labels" },
];

/** Why `code` of the snippet is not run; undefined if it is. */
export function excuseFor({ page, language }: Snippet, code: string): string | undefined {
  return EXCUSES.find(
    (each) => (each.page?.test(page) ?? true) && (each.language?.test(language) ?? true) && each.code.test(code),
  )?.reason;
}
