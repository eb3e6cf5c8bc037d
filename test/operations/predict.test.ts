import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { parse } from "csv-parse/sync";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import sharp from "sharp";
import { type PredictRunOptions, predictWith } from "../../src/operations/predict.js";
import { TOY_TAGS, toyModel, toyPalette, writeToyTiles } from "../engine/toy.js";
import { temporaryFolder } from "../helpers.js";
import { zip } from "../zip.js";

const MODEL = toyModel();

const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");
const rejectsOf = (out: string) => lines(`${out}.rejects.jsonl`).map((line) => JSON.parse(line));

async function predictToy(options: PredictRunOptions) {
  const warnings: string[] = [];
  const summary = await predictWith(MODEL, { workers: 2, ...options }, { onWarning: (text) => warnings.push(text) });
  return { ...summary, warnings };
}

describe("outputs", () => {
  it("give every tile the tags it shows, as CSV, JSON lines and Parquet", async (t) => {
    const root = temporaryFolder(t);
    const truth = await writeToyTiles(join(root, "in"), 100);
    writeFileSync(join(root, "in/notes.txt"), "not a tile");
    const outs = ["csv", "jsonl", "parquet"].map((format) => join(root, `out.${format}`)) as [string, string, string];
    for (const out of outs) {
      const summary = await predictToy({ inputs: [join(root, "in")], out, probabilities: true });
      assert.deepEqual([summary.tiles, summary.predicted, summary.rejected, summary.ignored], [100, 100, 0, 1]);
      assert.equal(summary.rejects, null);
    }
    const csv = parse(readFileSync(outs[0]), { columns: true }) as Record<string, string>[];
    const json = lines(outs[1]).map((line) => JSON.parse(line));
    const parquet = await parquetReadObjects({ file: await asyncBufferFromFile(outs[2]) });
    assert.deepEqual(new Map(csv.map((row) => [row["image_name"], row["tags"].split(" ").filter(Boolean)])), truth);
    assert.deepEqual(new Map(json.map((row) => [row.image_name, row.tags])), truth);
    assert.deepEqual(new Map(parquet.map((row) => [row["image_name"], row["tags"]])), truth);
    for (const [i, row] of json.entries()) {
      for (const tag of TOY_TAGS) {
        assert.equal(Math.fround(Number(csv[i][tag])), Math.fround(row.probabilities[tag]));
        assert.equal(parquet[i][tag], Math.fround(row.probabilities[tag]));
      }
    }
    assert.deepEqual(
      readdirSync(root).sort(),
      ["in", ...["csv", "jsonl", "parquet"].flatMap((f) => [`out.${f}`, `out.${f}.manifest.json`])].sort(),
    );
  });

  it("read the same from a folder, a tar, a zip, a list, a tar on stdin and paths on stdin", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 30);
    execFileSync("tar", ["--sort=name", "-cf", join(root, "in.tar"), "-C", root, "in"]);
    const paths = readdirSync(join(root, "in"))
      .sort()
      .map((name) => join(root, "in", name));
    writeFileSync(join(root, "list.txt"), paths.join("\n"));
    const members = paths.map((path, i) => ({ name: basename(path), data: readFileSync(path), method: i % 3 ? 8 : 0 }));
    writeFileSync(join(root, "in.zip"), zip(members));
    const ways: { inputs: string[]; stdin?: Readable }[] = [
      { inputs: [join(root, "in")] },
      { inputs: [join(root, "in.tar")] },
      { inputs: [join(root, "in.zip")] },
      { inputs: [`@${join(root, "list.txt")}`] },
      { inputs: ["-"], stdin: Readable.from([readFileSync(join(root, "in.tar"))]) },
      { inputs: ["-"], stdin: Readable.from([paths.join("\n")]) },
    ];
    const outputs = [];
    for (const [i, way] of ways.entries()) {
      const out = join(root, `out-${i}.csv`);
      await predictToy({ ...way, out });
      outputs.push(readFileSync(out, "utf8"));
    }
    assert.equal(new Set(outputs).size, 1);
    assert.equal(outputs[0].split("\n").length, 32);
  });

  it("reject tiles of more pixels than were allowed, however few those are", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "in"), 2);
    const out = join(root, "out.csv");
    const { rejected } = await predictToy({ inputs: [join(root, "in")], out, maxPixels: 100 });
    assert.equal(rejected, 2);
    for (const { code, message } of rejectsOf(out)) {
      assert.equal(code, "LIMIT");
      assert.match(message, /limit of 100 pixels/);
    }
  });

  it("reject tiles whose data ends early, or take what there is of them, as they are told", async (t) => {
    const root = temporaryFolder(t);
    mkdirSync(join(root, "in"));
    const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
    const image = sharp({ create: { width: 64, height: 64, channels: 3, background: "#000", noise } });
    const jpeg = await image.jpeg().toBuffer();
    writeFileSync(join(root, "in/cut.jpg"), jpeg.subarray(0, (jpeg.length * 2) / 3));
    const run = (onTruncated: "reject" | "accept") =>
      predictToy({ inputs: [join(root, "in")], out: join(root, `${onTruncated}.csv`), onTruncated });
    assert.equal((await run("reject")).rejected, 1);
    assert.equal(rejectsOf(join(root, "reject.csv"))[0].code, "TRUNCATED");
    const { predicted, rejected } = await run("accept");
    assert.deepEqual([predicted, rejected], [1, 0]);
  });

  it("take one threshold for all tags, and warn of names that come twice", async (t) => {
    const root = temporaryFolder(t);
    await writeToyTiles(join(root, "a"), 5);
    await writeToyTiles(join(root, "b"), 5);
    const out = join(root, "out.csv");
    const { warnings } = await predictToy({ inputs: [join(root, "a"), join(root, "b")], out, threshold: 0 });
    assert.ok(
      lines(out)
        .slice(1)
        .every((line) => line.endsWith(TOY_TAGS.join(" "))),
    );
    assert.ok(warnings.some((text) => /^5 tiles have the name of an earlier one/.test(text)));
  });
});

describe("bad tiles", () => {
  it("of every kind are rejected with their reason, and every good one is predicted", async (t) => {
    const root = temporaryFolder(t);
    const folder = join(root, "in");
    const truth = await writeToyTiles(folder, 40);
    const good = (await toyPalette())[0].jpeg;
    const bad: Record<string, string[]> = {};
    const put = (name: string, bytes: Uint8Array | string, ...codes: string[]): void => {
      writeFileSync(join(folder, name), bytes);
      bad[name] = codes;
    };
    put("empty.jpg", "", "EMPTY");
    for (let i = 1; i < 20; i++) {
      const cut = good.subarray(0, Math.floor((good.length * i) / 20));
      put(`cut-${i}.jpg`, cut, "TRUNCATED", "CORRUPT", "FORMAT");
    }
    put("text.jpg", "I am no picture", "FORMAT");
    put("archive.png", execFileSync("tar", ["-c", "-C", folder, "text.jpg"]), "FORMAT");
    put("huge.jpg", withSize(good, 65500, 65500), "LIMIT");
    symlinkSync("nowhere.jpg", join(folder, "dangling.jpg"));
    symlinkSync("round.jpg", join(folder, "round.jpg"));
    mkdirSync(join(folder, "folder.jpg"));
    execFileSync("mkfifo", [join(folder, "pipe.jpg")]);
    for (const name of ["dangling.jpg", "round.jpg", "folder.jpg", "pipe.jpg"]) bad[name] = ["READ"];
    const out = join(root, "out.jsonl");
    const summary = await predictToy({ inputs: [folder], out });
    assert.equal(summary.tiles, 40 + Object.keys(bad).length);
    assert.deepEqual(new Map(lines(out).map((line) => [JSON.parse(line).image_name, JSON.parse(line).tags])), truth);
    const rejects = rejectsOf(out);
    assert.deepEqual(
      rejects.map((reject) => reject.path).sort(),
      Object.keys(bad)
        .map((name) => join(folder, name))
        .sort(),
    );
    for (const { path, code, message } of rejects) {
      assert.ok(bad[path.slice(folder.length + 1)].includes(code), `${path}: ${code} ${message}`);
      assert.ok(message.length > 5);
    }
  });

  it("may be all there are", async (t) => {
    const root = temporaryFolder(t);
    writeFileSync(join(root, "x.jpg"), "no");
    const out = join(root, "out.csv");
    const summary = await predictToy({ inputs: [join(root, "x.jpg")], out });
    assert.deepEqual([summary.predicted, summary.rejected], [0, 1]);
    assert.deepEqual(lines(out), ["image_name,tags"]);
  });
});

/** A JPEG whose header claims another size. */
function withSize(jpeg: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(jpeg);
  const frame = changed.indexOf(Buffer.from([0xff, 0xc0]));
  changed.writeUInt16BE(height, frame + 5);
  changed.writeUInt16BE(width, frame + 7);
  return changed;
}
