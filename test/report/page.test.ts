import assert from "node:assert/strict";
import { test } from "node:test";
import { REPORT_BYTE_LIMIT, renderReport } from "../../src/report/page.js";
import { sampleReport } from "./sample.js";

const ATTACK = `"><img src=x onerror=alert(1)><script>alert(1)</script>`;

/** What a reader sees, without the style sheet and the script. */
function contentOf(page: string): string {
  return page.replace(/<style>.*?<\/style>/s, "").replace(/<script>.*?<\/script>/s, "");
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

test("names from files never become markup", async () => {
  const data = await sampleReport({ tags: [`a${ATTACK}`, `b${ATTACK}`], tileName: (row) => `${row}${ATTACK}` });
  data.name = ATTACK;
  data.warnings = [ATTACK];
  data.createdBy = ATTACK;
  data.createdAt = ATTACK;
  data.labelErrors!.file = ATTACK;
  data.training = { ...data.training, input: ATTACK, labels: ATTACK, device: ATTACK, machine: ATTACK };
  data.training.recipe = { optimizer: ATTACK, [ATTACK]: ATTACK };
  data.training.versions = { [ATTACK]: ATTACK };
  data.speed[0].stage = ATTACK;
  const page = renderReport(data);
  assert.equal(countOf(page, /<script/g), 1);
  assert.equal(countOf(page, /<img src="?x/g), 0);
  assert.equal(countOf(page, /\sonerror=[^&]*>/g), 0, "every quote and bracket of a name is escaped");
  assert.doesNotMatch(page, /"&#62;?<img|"><img src=x/);
});

test("a picture is shown only where it is an image in the data itself", async () => {
  for (const picture of ["https://example.org/x.png", "javascript:alert(1)", 'data:image/webp;base64,AA" onload="x']) {
    const page = renderReport(await sampleReport({ picture }));
    assert.equal(countOf(page, /<img /g), 0);
    assert.doesNotMatch(page, /example\.org|javascript:|onload/);
  }
});

test("nothing is loaded from anywhere", async () => {
  const page = renderReport(await sampleReport());
  assert.equal(countOf(page, /(?:src|href)="(?!data:|#)/g), 0);
  assert.equal(countOf(page, /url\((?!#)|@import|https?:/g), 0);
});

test("pictures are left out rather than growing beyond the limit", async () => {
  const large = `data:image/webp;base64,${"A".repeat(100_000)}`;
  const page = renderReport(await sampleReport({ picture: large }));
  assert.ok(Buffer.byteLength(page) < REPORT_BYTE_LIMIT, `${Buffer.byteLength(page)} bytes`);
  assert.ok(countOf(page, /<img /g) >= 15, "as many as fit are shown");
  assert.match(page, /class="no-picture"/);
});

test("100 tags and a thousand tiles stay within the limit, with pictures", async () => {
  const tags = Array.from({ length: 100 }, (_, i) => `tag_with_a_rather_long_name_${i}`);
  const page = renderReport(await sampleReport({ tags, rows: 1000 }));
  assert.ok(Buffer.byteLength(page) < REPORT_BYTE_LIMIT);
  assert.ok(countOf(page, /<img /g) > 100);
  assert.match(page, /40 more are in the table/);
  assert.equal(
    countOf(page, /<th scope="row" class="text">(?:<a [^>]*>)?\w+(?:<\/a>)?<\/th>/g),
    100 + 90 + 1,
    "tags, tags that were missed, and one stage",
  );
});

test("ids are distinct, and every link within the page has its target", async () => {
  const page = renderReport(await sampleReport());
  const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length);
  const targets = [...page.matchAll(/(?:href="#|url\(#|aria-labelledby=")([^")]*)/g)].map((match) => match[1]);
  assert.deepEqual(
    targets.filter((target) => !ids.includes(target)),
    [],
  );
});

test("the same data give the same bytes", async () => {
  const data = await sampleReport();
  assert.equal(renderReport(data), renderReport(data));
});

test("without history, label errors, pictures, interval and speed the page says so or leaves them out", async () => {
  const data = await sampleReport({ epochs: 0, picture: "" });
  data.labelErrors = null;
  data.score.interval = null;
  data.speed = [];
  const page = contentOf(renderReport(data));
  assert.match(page, /Training history<\/h2>\s*<p class="muted">None was kept/);
  assert.doesNotMatch(page, /label-errors|interval|NaN|undefined|Infinity|<img /);
});

test("a tag without positives is said to have none, and gets no curve", async () => {
  const page = contentOf(renderReport(await sampleReport()));
  assert.match(page, /No curve: no tile has this tag/);
  assert.match(page, /no positives/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
});

test("one tag and one tile are enough for a page", async () => {
  const page = contentOf(renderReport(await sampleReport({ tags: ["only"], rows: 2 })));
  assert.match(page, /too few positives to tell/);
  assert.doesNotMatch(page, /NaN|undefined|Infinity/);
});

test("one tag alone is scored by its own F2, and the page says so", async () => {
  const label = /class="label">([^<]*)</;
  assert.equal(
    label.exec(renderReport(await sampleReport({ tags: ["mine"] })))?.[1],
    "F2 of mine, counted over all tiles",
  );
  assert.equal(label.exec(renderReport(await sampleReport()))?.[1], "F2, averaged over tiles");
});

test("a model no better than a constant answer is said to be so", async () => {
  const data = await sampleReport();
  data.summary.constant.f2 = 0.85;
  assert.match(renderReport(data), /Not clearly better than giving every tile the same tags/);
  data.summary.constant.f2 = 0.7;
  assert.match(renderReport(data), /Better than giving every tile the same tags/);
});

test("a rising held-out loss asks for fewer epochs, a falling one for more", async () => {
  const data = await sampleReport();
  assert.match(renderReport(data), /Train for more epochs/);
  data.history.forEach((row, i) => {
    row.valLoss = 1 + (i - 5) ** 2;
  });
  assert.match(renderReport(data), /lowest after epoch 6 of 20/);
});

test("the history of L-BFGS goes by iterations, shows its points and asks for no other number of them", async () => {
  const data = await sampleReport({ epochs: 6 });
  data.training.recipe["optimizer"] = "lbfgs";
  data.history.forEach((row, i) => {
    row.epoch = 2 ** i;
    row.valLoss = 1 + (i - 2) ** 2;
  });
  const page = renderReport(data);
  assert.match(page, /loss by iteration\. After iteration 32/);
  assert.doesNotMatch(page, /fewer epochs|more epochs/);
  const [chart] = page.slice(page.indexOf("loss by iteration")).split("</svg>");
  // Six rows of two curves; a mark is a circle scaled by 3.
  assert.equal(chart.match(/transform="matrix\(3,0,0,3,/g)?.length, 6 + 6);
  data.history.splice(1);
  const short = renderReport(data);
  assert.match(short, /Only its end was scored, after 1 iteration: loss \d/);
  assert.doesNotMatch(short, /loss by iteration/);
});

test("of many suspects twelve tiles are in sight, the others folded away", async () => {
  const data = await sampleReport();
  const [first] = data.labelErrors!.suspects;
  data.labelErrors!.suspects = Array.from({ length: 20 }, (_, i) => ({ ...first, name: `tile-${i}` }));
  const page = renderReport(data);
  const [seen, folded] = page.slice(page.indexOf('id="label-errors"'), page.indexOf('id="by-tag"')).split("<details");
  assert.equal(seen.match(/tile-\d+<\/span>/g)!.length, 12);
  assert.equal(folded.match(/tile-\d+<\/span>/g)!.length, 8);
  assert.match(folded, /8 more tiles/);
  assert.match(
    seen,
    /2 labels worth a look, of which about 2 are wrong, the surest first\. A struck-out tag is in the labels/,
  );
});

test("a head whose loss ran away still gets its page, also from the data read back", async () => {
  const data = await sampleReport();
  data.history[19].loss = Number.NaN;
  data.history[19].valLoss = Number.POSITIVE_INFINITY;
  const page = renderReport(JSON.parse(JSON.stringify(data)) as typeof data);
  assert.doesNotMatch(contentOf(page), /NaN|undefined|Infinity/);
  assert.doesNotMatch(contentOf(renderReport(data)), /NaN|undefined|Infinity/);
});

test("a fine-tuning is shown by the scores before and after, kept or not", async () => {
  const data = await sampleReport();
  assert.doesNotMatch(contentOf(renderReport(data)), /Fine-tuning/);
  const scores = { epochs: 12, f2Before: 0.8123, f2After: 0.8456, mapBefore: 0.5, mapAfter: 0.6 };
  const kept = contentOf(renderReport({ ...data, finetune: { kept: true, ...scores } }));
  assert.match(
    kept,
    /Fine-tuning<\/dt><dd>0\.812 → 0\.846 <small>F2 of unseen tiles; mAP 0\.500 → 0\.600; kept, 12 epochs/,
  );
  const dropped = contentOf(renderReport({ ...data, finetune: { kept: false, ...scores } }));
  assert.match(dropped, /dropped: the frozen backbone is as good/);
});
