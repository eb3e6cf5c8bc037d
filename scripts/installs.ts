/**
 * `npm run check:installs [-- NAME...]`: installs the packages of `npm run packages` from their files in empty folders, with several package managers
 * and versions of Node, without install scripts, and without a compiler on the PATH; then trains and predicts there. Prints seconds,
 * processor time and megabytes of each, with nothing in its cache. The package managers and Nodes come from the registry.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = resolve(fileURLToPath(new URL("../../build/packages", import.meta.url)));
const CANOPY = "canopy-tagger";
const OWN_ADDON = `${CANOPY}-${process.platform}-${process.arch}`;
const TRAINED_TILES = 120;

interface Manager {
  /** The package that holds it, as `npm install` takes it, and in it the file that is it. */
  package: string;
  file: string;
  /** Whether that is a program, not a script for Node. */
  isProgram?: boolean;
  install: string[];
  /** Whether packages that are named by their files are not optional to it: it gets this machine's addon for all of them. */
  needsAll?: boolean;
  /** Files of the project that it needs, with the addons' packages. */
  files?: (addons: Record<string, string>) => Record<string, string>;
}

// The packages `bun` and `pnpm` themselves take these in an install script.
const BUN = `@oven/bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`;
const PNPM = `@pnpm/exe.${process.platform}-${process.arch}`;
const WITHOUT_SCRIPTS = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
// From pnpm 11 on, scripts that are not run are an error unless one says so.
const PNPM_INSTALL = ["install", "--ignore-scripts"];
const MANAGERS: Readonly<Record<string, Manager>> = {
  npm10: { package: "npm@10", file: "npm/bin/npm-cli.js", install: WITHOUT_SCRIPTS },
  npm11: { package: "npm@11", file: "npm/bin/npm-cli.js", install: WITHOUT_SCRIPTS },
  npm12: { package: "npm@12", file: "npm/bin/npm-cli.js", install: ["install", "--no-audit", "--no-fund"] },
  pnpm10: { package: "pnpm@10", file: "pnpm/bin/pnpm.cjs", install: ["install"], files: pnpmFiles },
  pnpm11: { package: "pnpm@11", file: "pnpm/bin/pnpm.mjs", install: PNPM_INSTALL, files: pnpmFiles },
  pnpm12: { package: `${PNPM}@12`, file: `${PNPM}/pnpm`, isProgram: true, install: PNPM_INSTALL, files: pnpmFiles },
  yarn1: {
    package: "yarn@1",
    file: "yarn/bin/yarn.js",
    install: ["install", "--ignore-scripts", "--non-interactive", "--no-progress"],
    needsAll: true,
  },
  yarn4: {
    package: "@yarnpkg/cli-dist@4",
    file: "@yarnpkg/cli-dist/bin/yarn.js",
    install: ["install", "--no-immutable"],
    files: () => ({ ".yarnrc.yml": "nodeLinker: node-modules\nenableScripts: false\nenableTelemetry: false\n" }),
  },
  bun: {
    package: BUN,
    file: `${BUN}/bin/bun`,
    isProgram: true,
    install: ["install", "--no-progress"],
  },
};
const NODES = ["20", "22", "24"];

const work = mkdtempSync(join(tmpdir(), "canopy-installs-"));
try {
  const wanted = process.argv.slice(2);
  const names = wanted.length > 0 ? wanted : Object.keys(MANAGERS);
  for (const name of names) checkManager(name);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** One installation with this manager, used with every Node. */
function checkManager(name: string): void {
  const manager = MANAGERS[name];
  if (manager === undefined) throw new Error(`Expected some of ${Object.keys(MANAGERS).join(", ")}, got ${name}`);
  const file = fetchManager(name, manager);
  if (file === undefined) return;
  const [program, ...args] = manager.isProgram ? [file] : [nodePath("22"), file];
  const project = writeProject(name, manager);
  const [seconds, processorSeconds] = time(program, [...args, ...manager.install], project, join(work, `home-${name}`));
  const [megabytes, packages] = sizeOf(join(project, "node_modules"));
  const times = `${seconds.toFixed(1)} s, ${processorSeconds.toFixed(1)} s of processor time`;
  console.log(`${name}: installed in ${times}, ${megabytes} MB, ${packages} packages`);
  for (const node of NODES) console.log(`${name}: ${useCanopy(project, node)}`);
}

/** Runs it, and says how long it took, and how long processors worked for it and what it started. */
function time(program: string, args: string[], cwd: string, home: string): [seconds: number, processorSeconds: number] {
  mkdirSync(home);
  const started = performance.now();
  const command = ["-c", '"$@" >&2 && times', "sh", program, ...args];
  const [, children] = run("sh", command, cwd, pathWithoutCompiler("22"), { HOME: home }).trim().split("\n");
  const times = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
  );
  return [(performance.now() - started) / 1000, times.reduce((sum, each) => sum + each, 0)];
}

/** Versions from 11 on read no settings in package.json. */
function pnpmFiles(addons: Record<string, string>): Record<string, string> {
  return { "pnpm-workspace.yaml": JSON.stringify({ overrides: addons }) };
}

/** Undefined, having said so, where the registry does not have it. */
function fetchManager(name: string, manager: Manager): string | undefined {
  try {
    return join(fetchPackages(`tools-${name}`, [manager.package]), manager.file);
  } catch (error) {
    console.log(`${name}: skipped: ${manager.package} cannot be fetched: ${(error as Error).message.trim()}`);
    return undefined;
  }
}

function writeProject(name: string, manager: Manager): string {
  const project = join(work, `project-${name}`);
  mkdirSync(project);
  const { version, optionalDependencies } = readManifest();
  const fileOf = (packed: string): string => `file:${join(PACKAGES, `${packed}-${version}.tgz`)}`;
  const addons = Object.fromEntries(
    Object.keys(optionalDependencies).map((addon) => [addon, fileOf(manager.needsAll ? OWN_ADDON : addon)]),
  );
  const manifest = {
    name: "project",
    private: true,
    dependencies: { [CANOPY]: fileOf(CANOPY) },
    // Unpublished: the versions that canopy asks for are these files.
    optionalDependencies: addons,
    overrides: Object.fromEntries(Object.keys(addons).map((addon) => [addon, `$${addon}`])),
    resolutions: addons,
  };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  for (const [file, text] of Object.entries(manager.files?.(addons) ?? {})) writeFileSync(join(project, file), text);
  return project;
}

/** Of canopy as it is packed. */
function readManifest(): { version: string; optionalDependencies: Record<string, string> } {
  const path = join(PACKAGES, CANOPY, "package.json");
  const manifest = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { optionalDependencies: {} };
  if (!(OWN_ADDON in manifest.optionalDependencies)) {
    const target = OWN_ADDON.slice(CANOPY.length + 1);
    throw new Error(`build/packages holds no ${OWN_ADDON}: npm run prebuilt -- ${target}, then npm run packages.`);
  }
  return manifest;
}

/** Generates tiles, trains and predicts; fails unless the addon of the package decoded them. */
function useCanopy(project: string, node: string): string {
  const canopy = (...args: string[]): string =>
    run(nodePath(node), [`node_modules/${CANOPY}/dist/src/cli/main.js`, ...args], project, pathWithoutCompiler(node));
  const { addon } = JSON.parse(canopy("doctor", "--json"));
  if (!addon.built || addon.from !== OWN_ADDON) throw new Error(`The addon was not found: ${JSON.stringify(addon)}`);
  const started = performance.now();
  canopy("synth", "--count", String(TRAINED_TILES), "--out", `tiles-${node}`, "--quiet");
  canopy(
    "train",
    "--tiles",
    `tiles-${node}`,
    "--labels",
    `tiles-${node}/labels.csv`,
    "--out",
    `model-${node}`,
    "--quiet",
  );
  canopy("predict", `tiles-${node}`, "--model", `model-${node}`, "--out", `tags-${node}.csv`, "--quiet");
  const rows =
    readFileSync(join(project, `tags-${node}.csv`), "utf8")
      .trim()
      .split("\n").length - 1;
  if (rows !== TRAINED_TILES) throw new Error(`${rows} of ${TRAINED_TILES} tiles were tagged`);
  const seconds = (performance.now() - started) / 1000;
  return `Node ${node} made ${rows} tiles, trained and predicted in ${seconds.toFixed(1)} s with ${addon.from} (${addon.simd})`;
}

/** A folder with nothing but Node and the programs its scripts are started by. */
function pathWithoutCompiler(node: string): string {
  const bin = join(work, `bin-${node}`);
  if (!existsSync(bin)) {
    mkdirSync(bin);
    symlinkSync(nodePath(node), join(bin, "node"));
    for (const name of ["sh", "env", "uname", "sed", "dirname"]) symlinkSync(`/usr/bin/${name}`, join(bin, name));
  }
  return bin;
}

function nodePath(version: string): string {
  const name = `node-linux-${process.arch}`;
  return join(fetchPackages(`node-${version}`, [`${name}@${version}`]), name, "bin/node");
}

/** The node_modules of a folder that holds these packages. */
function fetchPackages(folder: string, packages: string[]): string {
  const at = join(work, folder);
  if (!existsSync(at)) {
    mkdirSync(at);
    run(
      "npm",
      ["install", "--silent", "--ignore-scripts", "--no-save", "--prefix", at, ...packages],
      at,
      process.env["PATH"] ?? "",
    );
  }
  return join(at, "node_modules");
}

function run(program: string, args: string[], cwd: string, path: string, extra: Record<string, string> = {}): string {
  const env = {
    ...process.env,
    ...extra,
    PATH: path,
    CANOPY_CACHE: join(work, "cache"),
    npm_config_update_notifier: "false",
    CI: "1",
  };
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")} failed: ${error ?? ""}${stdout}${stderr}`);
  return stdout;
}

function sizeOf(folder: string): [megabytes: number, packages: number] {
  const du = spawnSync("du", ["-sm", folder], { encoding: "utf8" }).stdout;
  const manifests = spawnSync("find", [folder, "-path", "*node_modules/*/package.json"], {
    encoding: "utf8",
  }).stdout;
  const names = manifests.split("\n").filter((path) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path));
  return [Number.parseInt(du, 10), new Set(names.map(dirname)).size];
}
