import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { saveToyModel, writeToyTiles } from "../engine/toy.js";
import { ROOT, runCli, temporaryFolder } from "../helpers.js";

describe("canopy predict and canopy merge", () => {
  const root = temporaryFolder({ after: (fn) => after(fn) });
  const out = (name: string): string => join(root, name);
  let model: string[];

  before(async () => {
    const toy = await saveToyModel(root);
    model = ["--model", toy.model, "--backbone", toy.backbone];
    await writeToyTiles(join(root, "a"), 12);
    await writeToyTiles(join(root, "b"), 7, 2);
    rmSync(join(root, "b/tile_000000.jpg"));
    writeFileSync(join(root, "b/bad.jpg"), "no picture");
  });

  it("take several inputs, and print one JSON object with the documented keys", () => {
    const args = ["predict", join(root, "a"), join(root, "b"), ...model, "--out", out("all.csv"), "--json"];
    const { status, stdout, stderr } = runCli(args);
    assert.equal(status, 0, stderr);
    const summary = JSON.parse(stdout);
    assert.deepEqual(Object.keys(summary), [
      ...["tiles", "predicted", "rejected", "ignored", "resumed", "seconds", "tiles_per_s", "workers", "sessions"],
      ...["provider", "precision", "kernels", "out", "rejects", "manifest"],
    ]);
    assert.deepEqual([summary.tiles, summary.predicted, summary.rejected], [19, 18, 1]);
    assert.match(stderr, /6 tiles have the name of an earlier one/);
  });

  it("exit with 3 for rejected tiles with --strict, and with 1 for an output that exists", () => {
    const args = ["predict", join(root, "b"), ...model, "--out", out("strict.jsonl"), "--strict"];
    const strict = runCli(args);
    assert.equal(strict.status, 3);
    assert.match(strict.stdout, /7 tiles: 6 predicted, 1 rejected.*\n.*strict\.jsonl\n.*rejects\.jsonl/s);
    const again = runCli(args);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /^canopy: .*strict\.jsonl exists already: replace it with .?(--)?overwrite/);
  });

  it("exit with 1 where more tiles in a row cannot be read than --max-unreadable says, which --resume may change", () => {
    writeFileSync(out("list.txt"), Array.from({ length: 30 }, (_, i) => out(`gone/${i}.jpg`)).join("\n"));
    const args = ["predict", out("a"), `@${out("list.txt")}`, ...model, "--out", out("lost.csv"), "--max-unreadable"];
    const lost = runCli([...args, "30"]);
    assert.equal(lost.status, 1);
    assert.match(lost.stderr, /^canopy: 30 tiles in a row cannot be read, the first is .*gone\/0\.jpg/m);
    const resumed = runCli([...args, "none", "--resume"]);
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.match(resumed.stdout, /42 tiles.*: 12 predicted, 30 rejected/);
  });

  it("take up again what was rejected, or some of it, as docs/outputs.md says", async () => {
    writeFileSync(out("some.txt"), [out("b/bad.jpg"), out("back/tile_000003.jpg")].join("\n"));
    assert.equal(runCli(["predict", `@${out("some.txt")}`, ...model, "--out", out("tags.csv")]).status, 0);
    await writeToyTiles(out("back"), 4);
    const rejects = out("tags.csv.rejects.jsonl");
    const all = runCli(["predict", `@${rejects}`, ...model, "--out", out("again.csv")]);
    assert.match(all.stdout, /2 tiles: 1 predicted, 1 rejected/);
    writeFileSync(out("unread.jsonl"), execFileSync("grep", ['"code":"READ"', rejects]));
    const unread = runCli(["predict", `@${out("unread.jsonl")}`, ...model, "--out", out("unread.csv")]);
    assert.match(unread.stdout, /1 tile: 1 predicted, 0 rejected/);
    assert.match(readFileSync(out("unread.csv"), "utf8"), /^image_name,tags\ntile_000003,/);
  });

  it("exit with 2 for values and outputs that cannot be", () => {
    const base = ["predict", join(root, "a"), ...model];
    const wrong = [
      ["--out", out("x.xml")],
      ["--out", out("x.csv"), "--shard", "3/2"],
      ["--out", out("x.csv"), "--memory", "much"],
      ["--out", out("x.csv"), "--threshold", "1.5"],
      ["--out", out("x.csv"), "--max-unreadable", "few"],
      ["--out", out("x.csv"), "--resume", "--overwrite"],
      ["--out", out("x.csv"), "--out", out("y.csv")],
    ];
    for (const options of wrong) assert.equal(runCli([...base, ...options]).status, 2, options.join(" "));
    assert.deepEqual(
      readdirSync(root).filter((name) => /^[xy]\./.test(name)),
      [],
    );
  });

  it("warn if not one tile is predicted, and exit with 3 with --strict", () => {
    const [bad, other] = [join(root, "bad.jpg"), out("nothing.csv")];
    writeFileSync(bad, "no picture");
    const run = runCli(["predict", bad, "-m", ...model.slice(1), "-o", other]);
    assert.equal(run.status, 0);
    const said = `Warning: The only tile was rejected, so ${other} is empty; ${other}.rejects.jsonl says why.`;
    assert.ok(run.stderr.includes(said), run.stderr);
    assert.equal(runCli(["predict", bad, ...model, "--out", out("nothing-2.csv"), "--strict"]).status, 3);
  });

  it("read paths from standard input for -", () => {
    const paths = readdirSync(join(root, "a")).map((name) => join(root, "a", name));
    const args = [join(ROOT, "dist/src/cli/main.js"), "predict", "-", ...model, "--out", out("stdin.csv"), "--quiet"];
    const { status, stderr } = spawnSync(process.execPath, args, { input: paths.join("\n"), encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(out("stdin.csv"), "utf8").trimEnd().split("\n").length, 13);
  });

  it("put shards together", () => {
    for (const index of [1, 2]) {
      const shard = ["--shard", `${index}/2`, "--out", out(`part-${index}.csv`)];
      assert.equal(runCli(["predict", join(root, "a"), ...model, ...shard]).status, 0);
    }
    const { status, stderr } = runCli(["merge", out("part-1.csv"), out("part-2.csv"), "--out", out("merged.csv")]);
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(out("merged.csv"), "utf8").trimEnd().split("\n").length, 13);
  });
});
