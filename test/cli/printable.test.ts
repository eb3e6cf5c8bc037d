import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { printable, printableLine } from "../../src/cli/printable.js";
import { runCli, temporaryFolder } from "../helpers.js";

/** Colours, the title of the window, one byte that means the same as ESC [, and the writing turned round. */
const STEERING = ["\u001b[31mred", "\u001b]0;title\u0007", "\u009b2J", "\u202egnp", "\u2066x", "\r", "\u007f"];
const ANY = STEERING.join("");

/** Nothing that steers a terminal is in what was printed. */
function assertHarmless(output: string): void {
  assert.ok(output.length > 0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(output, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u2066]/);
  assert.match(output, /\\u001b/);
}

describe("printable text", () => {
  it("shows what steers a terminal by its code, and nothing else", () => {
    assert.equal(printable("é 木 \u001b[1m\u202e\tz\n"), "é 木 \\u001b[1m\\u202e\tz\n");
    assert.equal(printableLine("a\nb\tc"), "a\\u000ab\\u0009c");
    for (const steering of STEERING) assert.notEqual(printable(steering), steering);
    const value = { name: ANY };
    assert.deepEqual(JSON.parse(printable(JSON.stringify(value))), value);
  });
});

describe("names of strangers in what commands print", () => {
  const commands: Record<string, (folder: string) => string[]> = {
    inspect: (folder) => ["inspect", folder, "--workers", "1", "--labels", join(folder, "labels.csv")],
    "inspect --json": (folder) => ["inspect", folder, "--workers", "1", "--json"],
    "a missing input": (folder) => ["inspect", join(folder, `none${ANY}`)],
    "a missing list": (folder) => ["fix", `@${join(folder, `none${ANY}`)}`, "--out", join(folder, "out")],
    "a folder without tiles": (folder) => ["fix", join(folder, `empty${ANY}`), "--out", join(folder, "out")],
    "a missing model": (folder) => ["predict", folder, "--model", `none${ANY}`, "--out", join(folder, "out.csv")],
    "a missing label file": (folder) => ["inspect", folder, "--labels", `none${ANY}`],
    "a name with a line end": (folder) => ["inspect", folder, "--labels", `none\n${ANY}`],
    "an unknown command": () => [`nothing${ANY}`],
    "an unknown option": (folder) => ["inspect", folder, `--none${ANY}`],
    "an invalid choice": (folder) => ["fix", folder, "--out", "x", "--format", `none${ANY}`],
    "a failed output": (folder) => ["fix", join(folder, "sub"), "--out", join(folder, `file${ANY}`)],
    "an unknown model": () => ["models", "show", `none${ANY}`],
    "an unknown run": (folder) => ["merge", join(folder, `none${ANY}.csv`), "--out", join(folder, "all.csv")],
  };
  for (const [what, words] of Object.entries(commands)) {
    it(`are shown escaped: ${what}`, (t) => {
      const folder = temporaryFolder(t);
      for (const name of ["sub", `empty${ANY}`]) mkdirSync(join(folder, name));
      for (const name of [`tile${ANY}.jpg`, "sub/a.jpg", `file${ANY}`]) writeFileSync(join(folder, name), "no picture");
      writeFileSync(join(folder, "labels.csv"), `image_name,tags\n"tile${ANY.replace("\r", "")}",clear\nsub,clear\n`);
      const { stdout, stderr } = runCli(words(folder));
      assertHarmless(stdout + stderr);
    });
  }
});

it("a line end in a name does not make a message two lines", (t) => {
  const folder = temporaryFolder(t);
  const labels = join(folder, "a\nb.csv");
  writeFileSync(labels, "image_name\n");
  writeFileSync(join(folder, "a.jpg"), "no picture");
  const { stderr } = runCli(["inspect", folder, "--workers", "1", "--quiet", "--labels", labels]);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
  assert.match(stderr, /a\\u000ab\.csv/);
});
