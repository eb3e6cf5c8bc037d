/**
 * Builds the addon as it is published: `npm run prebuilt -- linux-x64 linux-arm64` writes build/prebuilt/TARGET/canopy.node.
 * docs/releasing.md says what each target needs. libjpeg-turbo and libstdc++ are part of the file, which runs with any glibc from 2.28 on.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { strangersOf, WRAPPED } from "./addon-symbols.js";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** How Debian calls a machine, and what it needs beside the compiler. */
interface Target {
  triplet: "x86_64-linux-gnu" | "aarch64-linux-gnu";
  wrapped: string[];
  flags: string[];
}

const TARGETS: Readonly<Record<string, () => Target>> = {
  "linux-x64": () => glibc("x86_64-linux-gnu"),
  "linux-arm64": () => glibc("aarch64-linux-gnu"),
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in TARGETS));
if (names.length === 0 || unknown !== undefined) {
  console.error(`Usage: npm run prebuilt -- TARGET...\nTargets: ${Object.keys(TARGETS).join(", ")}`);
  process.exit(2);
}
for (const name of names) build(name, TARGETS[name]());

function build(name: string, target: Target): void {
  const folder = join(ROOT, "build/prebuilt", name);
  mkdirSync(folder, { recursive: true });
  const out = join(folder, "canopy.node");
  execFileSync(`${target.triplet}-g++`, [...compilerFlags(), ...target.flags, ...linkerFlags(target), "-o", out], {
    cwd: ROOT,
    stdio: "inherit",
  });
  const strangers = strangersOf(execFileSync("readelf", ["--dynamic", "--dyn-syms", "-W", out], { encoding: "utf8" }));
  if (strangers.length > 0) {
    throw new Error(`${out} would not load everywhere: ${strangers.join(", ")}`);
  }
  console.log(out);
}

/** The same as in native/addon.gypi. */
function compilerFlags(): string[] {
  const { targets } = JSON.parse(readFileSync(join(ROOT, "native/addon.gypi"), "utf8"));
  const { cflags, cflags_cc, defines } = targets[0];
  const includes = ["node_modules/node-addon-api", nodeHeaders()].map((folder) => `-I${folder}`);
  const sources = execFileSync(process.execPath, ["native/build.mjs", "--sources"], { cwd: ROOT, encoding: "utf8" });
  return [
    ...[
      ...cflags,
      ...cflags_cc,
      "-Wno-psabi",
      "-fPIC",
      "-fexceptions",
      "-ffunction-sections",
      `-ffile-prefix-map=${ROOT}=.`,
    ],
    ...[...defines, "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "BUILDING_NODE_EXTENSION"].map((define) => `-D${define}`),
    ...includes,
    ...sources.trim().split("\n"),
    "native/prebuilt/old_libc.cc",
  ];
}

/** Node's headers are the same for all machines. They stand beside the Node that runs this. */
function nodeHeaders(): string {
  const folder = join(dirname(dirname(realpathSync(process.execPath))), "include/node");
  if (!existsSync(join(folder, "node_api.h"))) throw new Error(`Node's headers are not in ${folder}`);
  return folder;
}

function linkerFlags({ triplet, wrapped }: Target): string[] {
  return [
    ...["-shared", "-s", "-static-libstdc++", `/usr/lib/${triplet}/libjpeg.a`],
    ...[
      "--gc-sections",
      "--as-needed",
      "--build-id=none",
      "-z,now",
      "--version-script=native/prebuilt/exports.map",
    ].map((flag) => `-Wl,${flag}`),
    ...["stderr", ...wrapped].map((symbol) => `-Wl,--wrap=${symbol}`),
  ];
}

function glibc(triplet: Target["triplet"]): Target {
  // libgcc stays shared, because a new static one asks for glibc 2.35. Node needs it, too.
  return { triplet, wrapped: WRAPPED, flags: ["-shared-libgcc"] };
}
