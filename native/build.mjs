/**
 * Builds the addon through the node-gyp that comes with npm. Installing must succeed everywhere: if a compiler or a
 * header is missing this says so in two lines and exits with 0, and canopy decodes through sharp.
 *
 * Called by addon.gypi, too, with `--sources`, `--jpeg-include-dirs` or `--jpeg-libraries`. `--missing` says what a build
 * here would lack.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const ADDON = join(ROOT, "build/Release/canopy.node");
const STAMP = join(ROOT, "build/canopy.stamp");
const GYP = join(ROOT, "binding.gyp");
const MEND =
  process.platform === "darwin"
    ? "xcode-select --install && brew install jpeg-turbo pkg-config"
    : "apt-get install g++ make python3 libjpeg62-turbo-dev";

const queries = {
  "--missing": findMissing,
  "--sources": sources,
  "--jpeg-include-dirs": () => jpegFlags("--cflags-only-I").map((flag) => flag.slice(2)),
  "--jpeg-libraries": () => {
    const flags = jpegFlags("--libs");
    return flags.length > 0 ? flags : ["-ljpeg"];
  },
};

const query = queries[process.argv[2]];
if (query) console.log(query().join("\n"));
else process.exitCode = build();

function build() {
  const stamp = { setup: hash(setupInputs()), sources: hash(sourceInputs()) };
  const previous = readStamp();
  const sameSetup = previous.setup === stamp.setup && existsSync(join(ROOT, "build/Makefile"));
  if (existsSync(ADDON) && sameSetup && previous.sources === stamp.sources) return 0;
  const missing = findMissing();
  if (missing.length > 0) {
    explain(`the native addon was not built, because ${missing.join(" and ")} cannot be found.`);
    return 0;
  }
  const steps = sameSetup ? ["build"] : ["configure", "build"];
  if (steps.every(runNodeGyp)) {
    writeFileSync(STAMP, JSON.stringify(stamp));
    return 0;
  }
  explain("the native addon could not be built; the compiler's messages are above.");
  // A developer who asked for the addon must see the failure; `npm ci` goes on without it.
  return process.env["npm_lifecycle_event"] === "prepare" ? 0 : 1;
}

function explain(what) {
  console.error(`canopy: ${what} canopy works without it, but decodes much slower.`);
  console.error(`canopy: to mend it: ${MEND}, then node ${join(ROOT, "native/build.mjs")}`);
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, "utf8"));
  } catch {
    return {};
  }
}

/** What the generated Makefile depends on. */
function setupInputs() {
  const versions = [process.version, process.platform, process.arch, realpathSync(process.execPath), ROOT];
  return [...versions, ...sources(), ...jpegFlags("--libs"), readFileSync(join(ROOT, "native/addon.gypi"), "utf8")];
}

/** The sources, and the flags that make takes from the environment. */
function sourceInputs() {
  const names = readdirSync(join(ROOT, "native")).filter((name) => /\.(cc|h)$/.test(name));
  const flags = ["CXXFLAGS", "LDFLAGS"].map((name) => process.env[name] ?? "");
  return [...flags, ...names.sort().flatMap((name) => [name, readFileSync(join(ROOT, "native", name), "utf8")])];
}

function hash(parts) {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function sources() {
  const names = readdirSync(join(ROOT, "native")).filter((name) => name.endsWith(".cc"));
  return names.sort().map((name) => `native/${name}`);
}

/** The names of what is missing, empty where the addon can be built. */
function findMissing() {
  // A command of several words, as in "ccache g++".
  const compiler = (process.env["CXX"]?.trim() || "c++").split(/\s+/);
  const missing = [];
  if (!runs(compiler, ["--version"])) missing.push(`a C++ compiler (${compiler.join(" ")})`);
  if (!runs(["make"], ["--version"])) missing.push("make");
  const python = process.env["npm_config_python"] ?? process.env["PYTHON"];
  if (![python, "python3", "python"].some((name) => name && runs([name], ["--version"]))) missing.push("Python 3");
  if (missing.length === 0 && !findsJpegHeader(compiler)) missing.push("libjpeg-turbo's header jpeglib.h");
  return missing;
}

function findsJpegHeader(compiler) {
  const include = jpegFlags("--cflags-only-I");
  return runs(
    compiler,
    [...include, "-x", "c++", "-E", "-o", "/dev/null", "-"],
    "#include <cstdio>\n#include <jpeglib.h>\n",
  );
}

function runs([command, ...words], args, input = "") {
  return spawnSync(command, [...words, ...args], { input, stdio: ["pipe", "ignore", "ignore"] }).status === 0;
}

/** pkg-config's flags for libjpeg, Homebrew's folder where there is no pkg-config, or nothing: the compiler's own folders. */
function jpegFlags(which) {
  const result = spawnSync("pkg-config", [which, "libjpeg"], { encoding: "utf8" });
  if (result.status === 0) return result.stdout.split(/\s+/).filter(Boolean);
  for (const prefix of ["/opt/homebrew/opt/jpeg-turbo", "/usr/local/opt/jpeg-turbo"]) {
    if (existsSync(join(prefix, "include/jpeglib.h"))) {
      return which === "--libs" ? [`-L${prefix}/lib`, "-ljpeg"] : [`-I${prefix}/include`];
    }
  }
  return [];
}

function runNodeGyp(step) {
  // A published canopy has none: npm clients would compile whatever has one.
  if (!existsSync(GYP)) writeFileSync(GYP, '{ "includes": ["native/addon.gypi"] }\n');
  const jobs = String(availableParallelism());
  const [command, ...args] = [...findNodeGyp(), step, "--release", "--jobs", jobs, ...nodeHeaders()];
  const result = spawnSync(command, args, { cwd: ROOT, encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.status !== 0) process.stderr.write(`${result.stdout ?? ""}${result.stderr ?? ""}${result.error ?? ""}\n`);
  return result.status === 0;
}

/** npm tells its scripts where its node-gyp is; called without npm, look beside the npm that came with this Node. */
function findNodeGyp() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  const candidates = [
    process.env["npm_config_node_gyp"],
    join(prefix, "lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js"),
    join(dirname(dirname(process.execPath)), "lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js"),
    "/usr/share/nodejs/node-gyp/bin/node-gyp.js",
  ];
  const found = candidates.find((path) => path && existsSync(path));
  return found ? [process.execPath, found] : ["npx", "--no-install", "node-gyp"];
}

/** node-gyp downloads Node's headers unless told where they are; they often stand beside Node. */
function nodeHeaders() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(prefix, "include/node/node_api.h")) ? [`--nodedir=${prefix}`] : [];
}
