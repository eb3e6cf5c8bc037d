/**
 * Builds the addon as it is published: `npm run prebuilt -- linux-x64 linux-arm64` writes build/prebuilt/TARGET/canopy.node.
 * docs/releasing.md says what each target needs. libjpeg-turbo and libstdc++ are part of the file, which runs with any glibc from 2.28 on.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { strangersOf, WRAPPED } from "./addon-symbols.js";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** What Debian calls each machine. */
const TRIPLETS: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-linux-gnu",
  "linux-arm64": "aarch64-linux-gnu",
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in TRIPLETS));
if (names.length === 0 || unknown !== undefined) {
  console.error(`Usage: npm run prebuilt -- TARGET...\nTargets: ${Object.keys(TRIPLETS).join(", ")}`);
  process.exit(2);
}
for (const name of names) build(name, TRIPLETS[name]);

function build(name: string, triplet: string): void {
  const compiler = `${triplet}-g++`;
  const jpeg = `/usr/lib/${triplet}/libjpeg.a`;
  if (spawnSync(compiler, ["--version"]).error !== undefined || !existsSync(jpeg)) {
    throw new Error(`${name} needs ${compiler} and ${jpeg}: docs/releasing.md says which packages have them.`);
  }
  const folder = join(ROOT, "build/prebuilt", name);
  mkdirSync(folder, { recursive: true });
  const out = join(folder, "canopy.node");
  execFileSync(compiler, [...compilerFlags(), ...linkerFlags(jpeg), "-o", out], { cwd: ROOT, stdio: "inherit" });
  const strangers = strangersOf(execFileSync("readelf", ["--dynamic", "--dyn-syms", "-W", out], { encoding: "utf8" }));
  if (strangers.length > 0) throw new Error(`${out} would not load everywhere: ${strangers.join(", ")}`);
  console.log(out);
}

/** The same as in native/addon.gypi. */
function compilerFlags(): string[] {
  const { targets } = JSON.parse(readFileSync(join(ROOT, "native/addon.gypi"), "utf8"));
  const { cflags, cflags_cc, defines } = targets[0];
  const includes = ["node_modules/node-addon-api", nodeHeaders()].map((folder) => `-I${folder}`);
  const sources = execFileSync(process.execPath, ["native/build.mjs", "--sources"], { cwd: ROOT, encoding: "utf8" });
  const own = ["-Wno-psabi", "-fPIC", "-fexceptions", "-ffunction-sections", `-ffile-prefix-map=${ROOT}=.`];
  const defined = [...defines, "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "BUILDING_NODE_EXTENSION"];
  const flags = [cflags, cflags_cc, own, defined.map((define) => `-D${define}`), includes].flat();
  return [...flags, ...sources.trim().split("\n"), "native/prebuilt/old_libc.cc"];
}

/** Node's headers are the same for all machines. They stand beside the Node that runs this. */
function nodeHeaders(): string {
  const folder = join(dirname(dirname(realpathSync(process.execPath))), "include/node");
  if (!existsSync(join(folder, "node_api.h")))
    throw new Error(`Node's headers are not in ${folder}: run this with a Node that brings them.`);
  return folder;
}

/** libgcc stays shared: a new static one asks for glibc 2.35, and Node needs the shared one, too. */
function linkerFlags(jpeg: string): string[] {
  const wrapped = ["stderr", ...WRAPPED].map((symbol) => `--wrap=${symbol}`);
  const flags = ["--gc-sections", "--as-needed", "--build-id=none", "-z,now", ...wrapped];
  const linker = [...flags, "--version-script=native/prebuilt/exports.map"].map((flag) => `-Wl,${flag}`);
  return ["-shared", "-shared-libgcc", "-static-libstdc++", "-s", jpeg, ...linker];
}
