import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { writeReport } from "../../src/report/store.js";
import { sampleReport } from "./sample.js";

const EXECUTABLE = [
  process.env["CHROMIUM_PATH"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));
const needsChromium = EXECUTABLE === undefined ? { skip: "no Chromium here; CHROMIUM_PATH names one" } : {};

/** Chromium, without looking up hosts at every start. */
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser: Browser | undefined;
const folder = mkdtempSync(join(tmpdir(), "canopy-test-"));
let address = "";

before(async () => {
  if (EXECUTABLE === undefined) {
    return;
  }
  const tags = ["clear", "a_tag_whose_name_is_quite_long_and_has_no_space_in_it", "<b>haze</b>", "none"];
  address = pathToFileURL((await writeReport(folder, await sampleReport({ tags }))).path).href;
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: QUIET });
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface OpenReport {
  page: Page;
  /** Console messages, page errors and requests for anything but the page itself. */
  complaints: string[];
}

async function openReport(t: TestContext, options: BrowserContextOptions): Promise<OpenReport> {
  const context = await browser!.newContext(options);
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) {
      complaints.push(request.url());
    }
  });
  await page.goto(address);
  return { page, complaints };
}

for (const [width, scheme] of [
  [375, "light"],
  [1280, "dark"],
] as const) {
  test(
    `at ${width} pixels in ${scheme} the page is silent, fits, shows its pictures and passes axe`,
    needsChromium,
    async (t) => {
      const { page, complaints } = await openReport(t, { viewport: { width, height: 800 }, colorScheme: scheme });
      const state = (await page.evaluate(`({
      overflow: document.documentElement.scrollWidth - window.innerWidth,
      pictures: document.images.length,
      broken: [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length,
    })`)) as { overflow: number; pictures: number; broken: number };
      assert.ok(state.overflow <= 0, `overflows by ${state.overflow} pixels`);
      assert.ok(state.pictures > 10);
      assert.equal(state.broken, 0);
      await page.evaluate(axe.source);
      const violations = (await page.evaluate(`axe.run().then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")))`)) as string[];
      assert.deepEqual(violations, []);
      assert.deepEqual(complaints, []);
    },
  );
}

test(
  "on a phone a tag's F2 is seen without scrolling, and its name stays while the rest scrolls",
  needsChromium,
  async (t) => {
    const { page } = await openReport(t, { viewport: { width: 375, height: 800 } });
    const edges = (child: number) =>
      page.$eval(`table[data-sortable] tbody tr > :nth-child(${child})`, (cell) => ({
        left: cell.getBoundingClientRect().left,
        right: cell.getBoundingClientRect().right,
      }));
    assert.equal(await page.locator("table[data-sortable] thead th").nth(1).textContent(), "F2");
    assert.ok((await edges(2)).right <= 375);
    const before = await edges(1);
    await page.$eval(".scroll:has(table[data-sortable])", (region) => region.scrollTo(200, 0));
    assert.deepEqual(await edges(1), before);
    assert.ok((await edges(2)).left < before.right);
  },
);

test("the tag table sorts by keyboard", needsChromium, async (t) => {
  const { page, complaints } = await openReport(t, { viewport: { width: 1280, height: 800 } });
  const positives = () =>
    page.$$eval("table[data-sortable] tbody tr", (rows) => rows.map((row) => Number(row.children[5]!.textContent)));
  const sorted = [...(await positives())].sort((a, b) => a - b);
  const button = page.getByRole("button", { name: "Positives" });
  await button.focus();
  await page.keyboard.press("Enter");
  assert.deepEqual(await positives(), sorted.toReversed());
  await page.keyboard.press("Enter");
  assert.deepEqual(await positives(), sorted);
  assert.equal(await page.locator("th[aria-sort=ascending]").textContent(), "Positives");
  assert.deepEqual(complaints, []);
});

test("a picture is enlarged by mouse and keyboard", needsChromium, async (t) => {
  const { page, complaints } = await openReport(t, { viewport: { width: 1280, height: 800 } });
  const small = page.locator("main img").first();
  const { width } = (await small.boundingBox()) ?? { width: 0 };
  await small.focus();
  await page.keyboard.press("Enter");
  const large = page.locator("dialog[open] img");
  assert.ok(((await large.boundingBox())?.width ?? 0) > 3 * width);
  assert.equal(await page.locator("dialog[open] p").textContent(), await small.getAttribute("alt"));
  await large.click();
  assert.equal(await page.locator("dialog[open]").count(), 0);
  await small.click();
  assert.equal(await page.locator("dialog[open]").count(), 1);
  assert.deepEqual(complaints, []);
});

test("without JavaScript the page reads the same", needsChromium, async (t) => {
  const { page } = await openReport(t, { javaScriptEnabled: false });
  assert.equal(await page.locator("table[data-sortable] tbody tr").count(), 4);
  assert.ok(await page.getByRole("heading", { name: "Labels that may be wrong" }).isVisible());
});
