import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { ROOT } from "../helpers.js";

function missingWith(compiler: string | undefined): string {
  const { CXX: _, ...others } = process.env;
  const env = compiler === undefined ? others : { ...others, CXX: compiler };
  return spawnSync(process.execPath, ["native/build.mjs", "--missing"], { cwd: ROOT, env, encoding: "utf8" }).stdout;
}

const POSIX = process.platform === "win32" ? { skip: "there is no env here" } : {};

test('a compiler may be a command of several words, as in CXX="ccache g++"', POSIX, () => {
  assert.equal(missingWith("env c++").replace("env ", ""), missingWith(undefined));
  assert.match(missingWith("env no-such-compiler"), /a C\+\+ compiler \(env no-such-compiler\)/);
});
