/** The package as npm would install it: packed, and unpacked into the node_modules of an empty project. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../helpers.js";

export interface InstalledPackage {
  /** The project that has canopy installed. */
  project: string;
  tarball: string;
}

/** Dependencies are links to those here; only the declared ones are there. The addon is the one that is built here. */
export function installPackage(folder: string): InstalledPackage {
  const env = { ...process.env, npm_config_update_notifier: "false" };
  const pack = spawnSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], {
    cwd: ROOT,
    env,
    encoding: "utf8",
  });
  if (pack.status !== 0) throw new Error(`npm pack failed: ${pack.stderr}`);
  const tarball = join(folder, pack.stdout.trim().split("\n").at(-1) ?? "");
  const project = join(folder, "project");
  const own = join(project, "node_modules/canopy-tagger");
  mkdirSync(own, { recursive: true });
  const untar = spawnSync("tar", ["xzf", tarball, "--strip-components=1", "-C", own], { encoding: "utf8" });
  if (untar.status !== 0) throw new Error(`tar failed: ${untar.stderr}`);
  const addon = "build/Release/canopy.node";
  if (existsSync(join(ROOT, addon))) cpSync(join(ROOT, addon), join(own, addon));
  const { dependencies } = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "@types/node"]) link(name, project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", type: "module" }));
  return { project, tarball };
}

function link(name: string, project: string): void {
  const at = join(project, "node_modules", name);
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(join(ROOT, "node_modules", name), at, "junction");
}

/** The TypeScript blocks of a page, in their order. */
export function snippetsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
}
