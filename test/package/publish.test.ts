/** What `npm run packages` makes, as npm would publish it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, suiteFolder } from "../helpers.js";

const folder = suiteFolder();
const ADDON = join(ROOT, "build/Release/canopy.node");
const TARGETS = ["linux-x64", "linux-arm64", "darwin-arm64"];

/** The folders of the packages; the addon in each is this machine's, or some file in its place, which npm does not mind. */
function makePackages(): string[] {
  const out = join(folder, "packages");
  for (const target of TARGETS) {
    const addon = join(folder, "prebuilt", target, "canopy.node");
    cpSync(existsSync(ADDON) ? ADDON : join(ROOT, "LICENSE"), addon);
  }
  const made = spawnSync(process.execPath, [join(ROOT, "dist/scripts/packages.js"), join(folder, "prebuilt"), out], {
    encoding: "utf8",
  });
  assert.equal(made.status, 0, made.stderr);
  const entries = readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map(({ name }) => join(out, name)).sort();
}

/** What `npm publish --dry-run` says, without a registry to ask and without the configuration of whoever runs this. */
function publish(at: string): { status: number | null; stderr: string } {
  const configuration = { userconfig: join(folder, "npmrc"), update_notifier: "false", loglevel: "notice" };
  const settings = Object.entries(configuration).map(([name, value]) => [`npm_config_${name}`, value]);
  // `npm test` hands on what this checkout's .npmrc says.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name));
  const env = Object.fromEntries([...inherited, ...settings]);
  return spawnSync("npm", ["publish", "--dry-run", "--access", "public", "--tag", "latest"], {
    cwd: at,
    env,
    encoding: "utf8",
  });
}

/** Without that of a publisher who has not logged in. */
function warningsIn(stderr: string): string[] {
  return stderr.split("\n").filter((line) => /^npm (warn|err)/i.test(line) && !line.includes("to be logged in"));
}

const packages = makePackages();

test("there is a package for each addon, for its system only, and canopy names them all in its own version", () => {
  const manifests = packages.map((at) => JSON.parse(readFileSync(join(at, "package.json"), "utf8")));
  const [canopy, ...addons] = manifests;
  assert.equal(canopy.name, "canopy-tagger");
  assert.deepEqual(canopy.optionalDependencies, Object.fromEntries(addons.map(({ name }) => [name, canopy.version])));
  assert.deepEqual(
    addons.map(({ name, os, cpu, libc }) => [name, os, cpu, libc]),
    [
      ["canopy-tagger-darwin-arm64", ["darwin"], ["arm64"], undefined],
      ["canopy-tagger-linux-arm64", ["linux"], ["arm64"], ["glibc"]],
      ["canopy-tagger-linux-x64", ["linux"], ["x64"], ["glibc"]],
    ],
  );
  const scripts = manifests.flatMap((manifest) => Object.keys(manifest.scripts ?? {}));
  assert.deepEqual(scripts, []);
});

test("canopy is not packed without addons, which nobody would miss before it is published", () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, "dist/scripts/packages.js"), join(folder, "none")],
    {
      encoding: "utf8",
    },
  );
  assert.equal(status, 1);
  assert.match(stderr, /There are no addons in .*none: npm run prebuilt/);
});

test("npm publish --dry-run has nothing to warn of in any package, and takes licence and notice along", () => {
  for (const at of packages) {
    const { status, stderr } = publish(at);
    assert.equal(status, 0, stderr);
    assert.deepEqual(warningsIn(stderr), [], at);
    for (const name of ["package.json", "LICENSE", "NOTICE"]) assert.match(stderr, new RegExp(` ${name}$`, "m"), at);
  }
});

test("is what these tests would notice", () => {
  const at = packages[1];
  const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
  writeFileSync(
    join(at, "package.json"),
    JSON.stringify({ ...manifest, bin: { canopy: "./missing.js" }, repository: 7 }),
  );
  assert.notDeepEqual(warningsIn(publish(at).stderr), []);
});
