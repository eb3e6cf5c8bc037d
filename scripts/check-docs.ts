/**
 * `npm run docs:check [PAGE...]`: runs every snippet that the pages show on generated tiles, each page in a folder of
 * its own, and prints a line for each: that it ran, or why it does not run here.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { excuseFor } from "./docs-excuses.js";
import { makeScene } from "./docs-scene.js";
import { shellIn } from "./docs-shell.js";
import { runSnippet } from "./run-snippet.js";
import { isShell, listSnippets, partsOf, type Snippet } from "./snippets.js";

const wanted = process.argv.slice(2);
const snippets = listSnippets().filter(({ page }) => wanted.length === 0 || wanted.includes(page));
const root = mkdtempSync(join(tmpdir(), "canopy-docs-"));
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
const failures: string[] = [];

const scene = join(root, "scene");
mkdirSync(scene);
await makeScene(scene);
const countOf = (page: string) => snippets.filter((each) => each.page === page).length;
// The longest first, so that no long one is left alone at the end.
const pages = [...new Set(snippets.map(({ page }) => page))].sort((a, b) => countOf(b) - countOf(a));
const checkNext = async (): Promise<void> => {
  for (let page = pages.shift(); page !== undefined; page = pages.shift()) await checkPage(page);
};
await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, checkNext));
for (const failure of failures) console.error(`\nFAILED ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function checkPage(page: string): Promise<void> {
  const folder = join(root, page.replaceAll(/\W/g, "_"));
  cpSync(scene, folder, { recursive: true, verbatimSymlinks: true });
  rmSync(join(folder, "bin"), { recursive: true });
  const shell = shellIn(folder);
  for (const snippet of snippets.filter((each) => each.page === page)) {
    for (const part of partsOf(snippet)) {
      await check(part, () => runSnippet(part, { folder, shell, isShell: isShell(part) }));
    }
  }
}

async function check(part: Snippet, run: () => Promise<void>): Promise<void> {
  const place = `${part.page}:${part.line}`;
  const first = part.code.trim().split("\n")[0];
  const reason = excuseFor(part, part.code);
  if (reason !== undefined) return console.log(`not run  ${place}  ${first}  (${reason})`);
  const startedAt = performance.now();
  await run().then(
    () => console.log(`ran      ${place}  ${first}  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`),
    (error: Error) => {
      console.log(`FAILED   ${place}  ${error.message}`);
      failures.push(`${place}: ${error.message}`);
    },
  );
}
