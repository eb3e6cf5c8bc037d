/**
 * `npm run packages [-- PREBUILT OUT]`: what is published, from what is built, in build/packages: canopy itself, and a package for each addon
 * in build/prebuilt. Each is there as a folder, for `npm publish`, and packed, for installing it from the file.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const [PREBUILT = join(ROOT, "build/prebuilt"), OUT = join(ROOT, "build/packages")] = process.argv
  .slice(2)
  .map((path) => resolve(path));
/** What only a checkout needs. */
const DEVELOPMENT = ["scripts", "devDependencies", "allowScripts", "overrides"];
/** Files of ECharts, and where they go. */
const ECHARTS = [
  ["dist/echarts.esm.min.mjs", "vendor/echarts/echarts.esm.min.mjs"],
  ["LICENSE", "vendor/echarts/LICENSE"],
  ["NOTICE", "vendor/echarts/NOTICE"],
] as const;

const own = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const targets = existsSync(PREBUILT) ? readdirSync(PREBUILT).sort() : [];

if (targets.length === 0) throw new Error(`There are no addons in ${PREBUILT}: npm run prebuilt -- linux-x64`);
rmSync(OUT, { recursive: true, force: true });
for (const target of targets) packAddon(target);
packCanopy();

/** npm installs the one for its machine, and no other. */
function packAddon(target: string): void {
  const [os, cpu] = target.split("-");
  const { version, license, engines, repository } = own;
  const folder = join(OUT, `${own.name}-${target}`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(PREBUILT, target, "canopy.node"), join(folder, "canopy.node"));
  for (const name of ["LICENSE", "NOTICE"]) cpSync(join(ROOT, name), join(folder, name));
  writeFileSync(
    join(folder, "README.md"),
    `The native addon of ${own.name} for ${target}, which installs it by itself.\n`,
  );
  const description = `The native addon of ${own.name} for ${target}`;
  const place = { os: [os], cpu: [cpu], ...(os === "linux" && { libc: ["glibc"] }) };
  const files = ["canopy.node", "NOTICE"];
  pack(folder, {
    name: `${own.name}-${target}`,
    version,
    description,
    license,
    repository,
    engines,
    ...place,
    main: "canopy.node",
    files,
  });
}

/**
 * The addons are dependencies of what is published only: in a checkout they need not exist yet. Of ECharts, 63 MB, the one
 * file that is used goes along.
 */
function packCanopy(): void {
  const folder = join(OUT, own.name);
  mkdirSync(folder, { recursive: true });
  const tarball = npmPack(ROOT, OUT);
  execFileSync("tar", ["xzf", tarball, "--strip-components=1", "-C", folder]);
  rmSync(tarball);
  const kept = Object.entries(own).filter(([key]) => !DEVELOPMENT.includes(key));
  const { echarts: _, ...dependencies } = own.dependencies;
  const addons = targets.map((target) => [`${own.name}-${target}`, own.version]);
  for (const [from, to] of ECHARTS) cpSync(join(ROOT, "node_modules/echarts", from), join(folder, to));
  pack(folder, {
    ...Object.fromEntries(kept),
    imports: { "#echarts": `./${ECHARTS[0][1]}` },
    files: [...own.files, "vendor"],
    dependencies,
    optionalDependencies: Object.fromEntries(addons),
  });
}

function pack(folder: string, manifest: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  console.log(npmPack(folder, OUT));
}

function npmPack(folder: string, destination: string): string {
  const args = ["pack", "--ignore-scripts", "--json", "--loglevel=error", "--pack-destination", destination];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
  return join(destination, filename);
}
