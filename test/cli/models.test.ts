import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runCli, temporaryFolder } from "../helpers.js";
import { flatten, gemm, network, pool, scores } from "../onnx/networks.js";

test("models lists what is known, and imports a network under a name of its own", (t) => {
  const folder = temporaryFolder(t);
  const env = { CANOPY_CACHE: join(folder, "cache") };
  const file = join(folder, "net.onnx");
  writeFileSync(
    file,
    network((g, map) => scores(g, gemm(g, flatten(g, pool(g, map))))),
  );
  const imported = runCli(["models", "import", file, "--name", "mine"], { env });
  assert.equal(imported.status, 0, imported.stderr);
  assert.match(imported.stderr, /Warning: Nothing says how .*net.onnx wants its pixels/);
  assert.match(imported.stdout, /Use it with --backbone mine/);
  const { models } = JSON.parse(runCli(["models", "list", "--json"], { env }).stdout) as { models: { name: string }[] };
  assert.ok(["imagenet", "untrained", "mine"].every((name) => models.some((each) => each.name === name)));
  const shown = JSON.parse(runCli(["models", "show", "mine", "--json"], { env }).stdout);
  assert.deepEqual([shown.place, shown.features, shown.default], ["cache", 8, false]);
});

test("an unknown backbone, an unknown verb and a taken name are told apart by their exit codes", (t) => {
  const env = { CANOPY_CACHE: temporaryFolder(t) };
  const unknown = runCli(["models", "show", "imagnet"], { env });
  assert.deepEqual([unknown.status, /did you mean "imagenet"/.test(unknown.stderr)], [2, true]);
  assert.equal(runCli(["models", "lst"], { env }).status, 2);
  assert.equal(runCli(["models", "import", join(env.CANOPY_CACHE, "none.onnx")], { env }).status, 1);
});
