/**
 * Program of realm.test.ts, to be run with --experimental-vm-modules: loads the library as Jest does, into a context with its own
 * Uint8Array, and tags a file, bytes and pixels made there. In: model and tile. Out: results as JSON.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const [model, tile] = process.argv.slice(2);
const context = vm.createContext();
// What Node adds to the language, as test runners hand it on.
const own = new Set(vm.runInContext("Object.getOwnPropertyNames(globalThis)", context) as string[]);
for (const name of Object.getOwnPropertyNames(globalThis)) {
  if (!own.has(name)) context[name] = (globalThis as Record<string, unknown>)[name];
}
const modules = new Map<string, Promise<vm.Module>>();

function load(url: string): Promise<vm.Module> {
  const known = modules.get(url) ?? create(url);
  modules.set(url, known);
  return known;
}

async function create(url: string): Promise<vm.Module> {
  if (!url.startsWith("file:") || !url.includes("/dist/src/")) return wrap(await import(url));
  return new vm.SourceTextModule(readFileSync(fileURLToPath(url), "utf8"), {
    context,
    identifier: url,
    initializeImportMeta: (meta) => Object.assign(meta, { url }),
    importModuleDynamically: async (name) => evaluate(await load(resolve(name, url))),
  });
}

/** Node's own modules and dependencies stay in this realm, as compiled ones do in a test runner. */
function wrap(exports: Record<string, unknown>): vm.Module {
  const names = Object.keys(exports);
  return new vm.SyntheticModule(
    names,
    function () {
      for (const name of names) this.setExport(name, exports[name]);
    },
    { context },
  );
}

function resolve(name: string, from: string): string {
  return name.startsWith(".") ? new URL(name, from).href : name;
}

async function evaluate(module: vm.Module): Promise<vm.Module> {
  if (module.status === "unlinked") await module.link((name, { identifier }) => load(resolve(name, identifier)));
  if (module.status === "linked") await module.evaluate();
  return module;
}

const { namespace } = await evaluate(await load(new URL("../../src/index.js", import.meta.url).href));
const test = vm.runInContext(
  `async ({ Tagger }, model, tile, bytes) => {
    const tagger = await Tagger.open(model, { device: "cpu" });
    const foreign = bytes instanceof Uint8Array;
    const pixels = { data: new Uint8Array([255, 0, 0]), width: 1, height: 1, channels: 3 };
    const results = await tagger.tag([tile, bytes, Uint8Array.from(bytes), pixels, new ArrayBuffer(4)]);
    await tagger.close();
    return { foreign, results };
  }`,
  context,
);
console.log(JSON.stringify(await test(namespace, model, tile, readFileSync(tile))));
