/** Hostile archives, lists and label files. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { END, member } from "../tar.js";
import { zip } from "../zip.js";
import type { Attack, Command, Given } from "./attack.js";

const MEBIBYTE = 1 << 20;

/** A line of 300 MB, and nothing else. */
function longLine(path: string, begin = ""): string {
  const file = openSync(path, "w");
  writeSync(file, begin);
  for (let i = 0; i < 300; i++) writeSync(file, "a".repeat(MEBIBYTE));
  closeSync(file);
  return path;
}

const inspect = (input: string): Command => ({ args: ["inspect", input, "--workers", "1", "--json"] });

const withLabels = ({ tiles, folder }: Given, name: string, text: string): Command => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { args: ["inspect", tiles, "--labels", path, "--workers", "1"] };
};

function damagedTar({ folder, tiles }: Given): Command {
  const tile = readFileSync(join(tiles, "tile_000000.jpg"));
  const good = (name: string) => member({ name, data: tile });
  const huge = member({ name: "huge.jpg" });
  // A size of 2^62 bytes, in base 256.
  huge.set([0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0], 124);
  const parts = [good("a.jpg"), Buffer.alloc(512, 0x5a), good("b.jpg"), huge, good("c.jpg"), END];
  writeFileSync(join(folder, "set.tar"), Buffer.concat(parts));
  return inspect(join(folder, "set.tar"));
}

function climbingTar({ folder, tiles }: Given): Command {
  const tile = readFileSync(join(tiles, "tile_000000.jpg"));
  const names = ["../../escaped.jpg", "/tmp/canopy-escaped.jpg", "in/../../../up.jpg"];
  writeFileSync(
    join(folder, "set.tar"),
    Buffer.concat([
      ...names.map((name) => member({ name, data: tile })),
      member({ name: "good.jpg", data: tile }),
      END,
    ]),
  );
  return { args: ["fix", join(folder, "set.tar"), "--workers", "1", "--out", join(folder, "deep/er/fixed")] };
}

export const FILES: readonly Attack[] = [
  {
    what: "tar with a lost header, and a member that says it has 2^62 bytes",
    happens: "each is rejected, and the tiles around them are read",
    megabytes: 300,
    seconds: 10,
    make: damagedTar,
    status: 0,
    says: /"readable":[23],"rejected":[1-9].*"rejects":\[.*"code":"FORMAT"/,
  },
  {
    what: "tar with members called ../../x.jpg and /tmp/x.jpg, for `fix`",
    happens: "nothing is written outside the folder that was named",
    megabytes: 400,
    seconds: 10,
    make: climbingTar,
    status: 0,
    says: /./,
    check: ({ folder }) => {
      const made = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /(png|jpg)$/.test(name));
      assert.ok(made.length > 0);
      assert.deepEqual(
        made.filter((name) => !name.startsWith("deep/er/fixed/")),
        [],
      );
    },
  },
  {
    what: "zip whose member of 250 kB inflates to 256 MiB",
    happens: "rejected by its sizes, or when it is longer than it said",
    megabytes: 700,
    seconds: 10,
    make: ({ folder }) => {
      writeFileSync(
        join(folder, "set.zip"),
        zip([
          { name: "a.jpg", data: Buffer.alloc(256 * MEBIBYTE) },
          { name: "b.jpg", data: Buffer.alloc(99), size: 9 },
        ]),
      );
      return inspect(join(folder, "set.zip"));
    },
    status: 0,
    says: /"readable":0,"rejected":2/,
  },
  {
    what: "list of tiles with a line of 300 MB",
    happens: "refused at 16 MiB",
    megabytes: 300,
    seconds: 10,
    make: ({ folder }) => inspect(`@${longLine(join(folder, "list.txt"))}`),
    status: 1,
    says: /list\.txt has a line of more than 16 MiB/,
  },
  {
    what: "labels with a line of 300 MB",
    happens: "refused at 16 MiB",
    megabytes: 500,
    seconds: 15,
    make: ({ folder, tiles }) => {
      const path = longLine(join(folder, "labels.csv"), "image_name,tags\na,");
      return { args: ["inspect", tiles, "--labels", path, "--workers", "1"] };
    },
    status: 1,
    says: /labels\.csv, line 2: is longer than 16 MiB/,
  },
  {
    what: "labels with 300,000 tags",
    happens: "refused at 20,000",
    megabytes: 400,
    seconds: 15,
    make: (given) => {
      const rows = Array.from({ length: 300 }, (_, i) => {
        return `tile_${i},${Array.from({ length: 1000 }, (_, j) => `t${i * 1000 + j}`).join(" ")}\n`;
      });
      return withLabels(given, "labels.csv", `image_name,tags\n${rows.join("")}`);
    },
    status: 1,
    says: /there are more than 20000 different tags/,
  },
  {
    what: "labels in JSON that is 8 million empty lists",
    happens: "refused at 16 million parts, before it is parsed",
    megabytes: 500,
    seconds: 15,
    make: (given) => withLabels(given, "labels.json", `[${"[],".repeat(2 ** 23)}[]]`),
    status: 1,
    says: /labels\.json is one JSON value of more than 16 million parts/,
  },
  {
    what: "configuration of 25,000 options, which YAML parsers compare with each other",
    happens: "each is looked at once; refused from 256 KiB on",
    megabytes: 400,
    seconds: 15,
    make: ({ folder }) => {
      const path = join(folder, "run.yaml");
      writeFileSync(path, Array.from({ length: 25_000 }, (_, i) => `k${i}: 1\n`).join(""));
      return { args: ["train", "--config", path, "--tiles", folder, "--labels", folder, "--out", folder] };
    },
    status: 2,
    says: /k0/,
  },
  {
    what: "tags and names of files with escape characters and line ends",
    happens: "such tags are refused; names are printed as codes, on one line",
    megabytes: 300,
    seconds: 10,
    make: (given) =>
      withLabels(given, "\u001b[31m\n\u202e.csv", 'image_name,tags\ntile_000000,"\u001b]0;title\u0007"\n'),
    status: 1,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    says: /^canopy: [^\n\u001b\u202e]*\\u001b\[31m\\u000a\\u202e\.csv[^\n\u001b]*\n$/,
  },
  {
    what: "tags that are formulas of a spreadsheet",
    happens: "as they are, or with `--escape-formulas` behind a quote, so that nothing runs",
    megabytes: 300,
    seconds: 10,
    make: ({ folder }) => {
      writeFileSync(join(folder, "labels.csv"), "image_name,tags\na,=1+1\nb,@sum\n");
      const out = join(folder, "out.csv");
      return { args: ["labels", "import", join(folder, "labels.csv"), "--out", out, "--escape-formulas"] };
    },
    status: 0,
    says: /2 tiles/,
    check: ({ folder }) => assert.doesNotMatch(readFileSync(join(folder, "out.csv"), "utf8"), /(^|,|")[=@]/m),
  },
  {
    what: "a pipe as list or labels",
    happens: "refused without waiting",
    megabytes: 300,
    seconds: 10,
    make: ({ folder, tiles }) => {
      const [list, labels] = ["list.txt", "labels.csv"].map((name) => join(folder, name));
      spawnSync("mkfifo", [list, labels]);
      return [inspect(`@${list}`), { args: ["inspect", tiles, "--labels", labels, "--workers", "1"] }];
    },
    status: 1,
    says: /labels\.csv is no regular file|list\.txt is not a file/,
  },
  {
    what: "a pipe as configuration",
    happens: "refused without waiting",
    megabytes: 300,
    seconds: 10,
    make: ({ folder, tiles }) => {
      const config = join(folder, "run.yaml");
      spawnSync("mkfifo", [config]);
      return [{ args: ["train", "--config", config, "--tiles", tiles, "--out", join(folder, "model")] }];
    },
    status: 2,
    says: /run\.yaml cannot be read \(no regular file\)/,
  },
];
