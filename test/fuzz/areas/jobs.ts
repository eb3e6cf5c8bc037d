/** Jobs as anybody may write them into Redis: the run's folder and a number, or a sentence without the stranger's text. */
import assert from "node:assert/strict";
import { isAbsolute, normalize } from "node:path";
import { BadJobError, checkJob, knownJob } from "../../../src/queue/jobs.js";
import { type Area, kindOf, type Seed } from "../fuzzer.js";

const FOLDER = "/share/out.csv.parts";
const WORDS = [
  "part",
  "assemble",
  ".parts",
  "/",
  "\\u0000",
  "__proto__",
  '"folder":',
  '"part":',
  "1e400",
  "\u001b]0;x\u0007",
];

export function jobArea(): Area {
  const jobs = [
    { name: "part", data: { folder: FOLDER, part: 3, tiles: 8 } },
    { name: "assemble", data: { folder: FOLDER } },
  ];
  return { seeds: jobs.map((job) => ({ name: "job", bytes: Buffer.from(JSON.stringify(job)) })), words: WORDS, read };
}

async function read({ bytes }: Seed): Promise<string> {
  let job: { name: string; data: unknown };
  try {
    job = Object(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch {
    return "no JSON";
  }
  try {
    const { name, data } = checkJob(job);
    assert.deepEqual(knownJob(job), { name, data });
    const { folder } = data;
    assert.ok(
      isAbsolute(folder) && folder.endsWith(".parts") && normalize(folder) === folder && !folder.includes("\0"),
    );
    if (name === "part") assert.ok(Number.isSafeInteger(data.part) && data.part >= 0);
    assert.deepEqual(Object.keys(data).sort(), name === "part" ? ["folder", "part", "tiles"] : ["folder"]);
    return name;
  } catch (error) {
    if (!(error instanceof BadJobError)) throw error;
    assert.match(error.message, /^the queue holds a job that `enqueue` did not make \([\x20-\x7e]{1,200}\)$/);
    assert.equal(knownJob(job), undefined);
    return kindOf(error.message);
  }
}
