/** CSV for spreadsheets: names and tags of strangers run nothing where `--escape-formulas` is given, and are as they were where it is not. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { saveToyModel, TOY_SIZE, TOY_TAGS, writeToyTiles } from "../engine/toy.js";
import { runCli, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const env = { CANOPY_CACHE: join(folder, "cache") };
const at = (name: string) => join(folder, name);
const FORMULA = /^[=+\-@\t\r]/;
const NAMES = ["=1+1", "+cmd|' C calc'!A0", "-2+3", "@SUM(A1)", "plain"];

/** Commands that write a CSV with names or tags in it. */
let commands: { what: string; args: string[]; csv: string }[];

before(async () => {
  const truth = [...(await writeToyTiles(at("in"), 80))];
  for (const [i, name] of NAMES.entries()) copyFileSync(at(`in/${truth[i][0]}.jpg`), at(`in/${name}.jpg`));
  const { model, backbone } = await saveToyModel(folder);
  const spelled = (tags: string[]) => tags.map((tag) => `=${tag}`).join(" ");
  const rows = truth.map(([name, tags]) => `${name},${spelled(tags)}`);
  // What training lists as labels that may be wrong.
  const wrong = NAMES.map((name, i) => `"${name}",${spelled(TOY_TAGS.filter((tag) => !truth[i][1].includes(tag)))}`);
  writeFileSync(at("labels.csv"), ["image_name,tags", ...rows, ...wrong, ""].join("\n"));
  const tagged = ["--model", model, "--backbone", backbone];
  const labels = ["--labels", at("labels.csv")];
  const exported = ["labels", "export", ...labels];
  const recipe = ["--backbone", backbone, "--size", String(TOY_SIZE), "--features", "last"];
  commands = [
    { what: "predict", args: ["predict", at("in"), ...tagged, "--out", at("p.csv")], csv: at("p.csv") },
    { what: "suggest", args: ["suggest", at("in"), ...tagged, "--out", at("s.csv")], csv: at("s.csv") },
    { what: "labels import", args: ["labels", "import", at("labels.csv"), "--out", at("i.csv")], csv: at("i.csv") },
    { what: "labels export", args: [...exported, "--format", "csv", "--out", at("e.csv")], csv: at("e.csv") },
    {
      what: "a column for each tag",
      args: [...exported, "--format", "multi-hot", "--out", at("m.csv")],
      csv: at("m.csv"),
    },
    {
      what: "train",
      args: ["train", "--tiles", at("in"), ...labels, "--out", at("t"), ...recipe],
      csv: at("t/label-errors.csv"),
    },
  ];
});

function cellsOf({ args, csv }: (typeof commands)[number], ...more: string[]): string[] {
  const { status, stderr } = runCli([...args, "--overwrite", ...more], { env });
  assert.equal(status, 0, stderr);
  return (parse(readFileSync(csv)) as string[][]).flat();
}

describe("a CSV", () => {
  for (const i of [0, 1, 2, 3, 4, 5]) {
    it(`of command ${i + 1} holds names and tags as they are, or no formula`, (t) => {
      const command = commands[i];
      t.diagnostic(command.what);
      const plain = cellsOf(command);
      assert.ok(plain.some((cell) => FORMULA.test(cell)));
      if (command.what !== "train") for (const name of NAMES) assert.ok(plain.includes(name), name);
      const escaped = cellsOf(command, "--escape-formulas");
      assert.deepEqual(
        escaped,
        plain.map((cell) => (FORMULA.test(cell) ? `'${cell}` : cell)),
      );
    });
  }
});
