import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { addonRemedy, buildCommand, findAddon } from "../src/addon-file.js";

const own = `canopy-tagger-${process.platform}-${process.arch}`;

/** A `require` that knows these modules; an Error is thrown. */
function requireOf(modules: Record<string, object>): (name: string) => object {
  return (name) => {
    const found = modules[name.includes("build/Release") ? "build" : name];
    if (found === undefined) throw Object.assign(new Error(`Cannot find module ${name}`), { code: "MODULE_NOT_FOUND" });
    if (found instanceof Error) throw found;
    return found;
  };
}

test("the package for this platform is taken before an addon that was built here", () => {
  const [packaged, built] = [{ packaged: true }, { built: true }];
  assert.deepEqual(findAddon(requireOf({ [own]: packaged, build: built })), { addon: packaged, from: own });
  const local = findAddon(requireOf({ build: built }));
  assert.ok("addon" in local && local.addon === built && local.from.endsWith("build/Release/canopy.node"));
});

test("a package for another C library does not keep an addon that was built here from being found", () => {
  const wrong = new Error("Error loading shared library ld-linux-x86-64.so.2: No such file or directory");
  const found = findAddon(requireOf({ [own]: wrong, build: { built: true } }));
  assert.ok("addon" in found && found.from.endsWith("build/Release/canopy.node"));
});

test("what does not load is named with the loader's reason, what is missing by the package's name", () => {
  const broken = findAddon(requireOf({ [own]: new Error("wrong ELF class\nRequire stack:") }));
  assert.deepEqual(broken, { reason: `${own} does not load: wrong ELF class` });
  assert.deepEqual(findAddon(requireOf({})), { reason: `there is no package ${own}, and it has not been built` });
});

test("the remedy names a command that runs as it stands", () => {
  assert.ok(addonRemedy().includes(buildCommand()));
  const { status, stderr } = spawnSync(buildCommand(), { shell: true, encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
