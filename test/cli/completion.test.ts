/** The script of `canopy completion`, run by the shells themselves. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ROOT, suiteFolder } from "../helpers.js";

/** canopy as npm installs it: a link in a folder of commands. */
const folder = suiteFolder();
const canopy = join(folder, "canopy");
const MAIN = join(ROOT, "dist/src/cli/main.js");
chmodSync(MAIN, 0o755);
symlinkSync(MAIN, canopy);

/** What is offered for the last of `words`; [] is for the names of files. */
const SHELLS: Record<string, (script: string, words: string[]) => string[]> = {
  bash: (script, words) =>
    run("bash", [
      `source ${script}`,
      `COMP_WORDS=(${quote(words)})`,
      `COMP_CWORD=${words.length - 1}`,
      "_canopy_yargs_completions",
      `printf "%s\\n" "\${COMPREPLY[@]}"`,
    ]),
  // zsh filters what it is offered itself, and shows what stands behind the colon.
  zsh: (script, words) =>
    run("zsh", [
      "compdef() { }",
      `_describe() { printf "%s\\n" "\${reply[@]}" }`,
      "_default() { }",
      `words=(${quote(words)})`,
      `CURRENT=${words.length}`,
      `source ${script}`,
      "_canopy_yargs_completions",
    ])
      .map((line) => line.split(":")[0])
      .filter((word) => word.startsWith(words.at(-1) ?? "")),
};

function quote(words: string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

function run(shell: string, lines: string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ["-c", lines.join("\n")], {
    encoding: "utf8",
    env: { ...process.env, SHELL: `/bin/${shell}` },
  });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

for (const [shell, complete] of Object.entries(SHELLS)) {
  const there = spawnSync(shell, ["-c", ":"]).status === 0;
  describe(`the words of canopy in ${shell}`, there ? {} : { skip: `there is no ${shell}` }, () => {
    const script = join(folder, `canopy.${shell}`);
    const offered = (...words: string[]) => complete(script, ["canopy", ...words]);

    it("are completed by a script that calls this very canopy", () => {
      const env = { ...process.env, SHELL: `/bin/${shell}` };
      const { stdout } = spawnSync(process.execPath, [canopy, "completion"], { encoding: "utf8", env });
      assert.ok(stdout.includes(`${canopy} --get-yargs-completions`), stdout);
      writeFileSync(script, stdout);
    });

    it("are commands, options, and values of options", () => {
      assert.deepEqual(offered("pre"), ["predict"]);
      assert.deepEqual(offered("models", "pu"), ["pull"]);
      assert.deepEqual(offered("predict", "tiles", "--prob"), ["--probabilities"]);
      assert.deepEqual(offered("train", "--optimizer", ""), ["rmsprop", "adam", "sgd", "lbfgs"]);
      assert.deepEqual(offered("labels", "export", "--format", "fif"), ["fiftyone"]);
    });

    it("are left to the names of files where these stand", () => {
      assert.deepEqual(offered("predict", ""), []);
      assert.deepEqual(offered("predict", "tiles", "--model", ""), []);
    });
  });
}
