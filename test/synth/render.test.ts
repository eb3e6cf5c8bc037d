import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { renderTile } from "../../src/synth/render.js";
import { drawTags, PLANET_TAGS, type PlanetTag } from "../../src/synth/tag-model.js";

const WEATHER = ["clear", "cloudy", "haze", "partly_cloudy"];

function digest(seed: number, index: number, size: number): string {
  return createHash("sha256")
    .update(renderTile(seed, index, size).rgba)
    .digest("hex");
}

test("a tile depends on seed and index alone, not on what was rendered before", () => {
  const alone = digest(5, 3, 64);
  for (const index of [9, 0, 4]) {
    renderTile(5, index, 64);
  }
  assert.equal(digest(5, 3, 64), alone);
  assert.notEqual(digest(6, 3, 64), alone);
  assert.notEqual(digest(5, 4, 64), alone);
});

test("every tile has one weather, and cloudy stands alone", () => {
  for (let index = 0; index < 2000; index++) {
    const tags = drawTags(1, index);
    assert.equal(tags.filter((tag) => WEATHER.includes(tag)).length, 1);
    assert.ok(!tags.includes("cloudy") || tags.length === 1, tags.join(" "));
    assert.deepEqual(tags, [...new Set(tags)].sort());
  }
});

test("tags are about as frequent as in the 40,479 labelled Planet tiles, rare ones at least 0.5 %", () => {
  const planet: Partial<Record<PlanetTag, number>> = {
    primary: 0.927,
    clear: 0.702,
    agriculture: 0.304,
    road: 0.199,
    water: 0.183,
    partly_cloudy: 0.179,
    cultivation: 0.111,
    habitation: 0.09,
    haze: 0.067,
    cloudy: 0.052,
  };
  const count = 20_000;
  const counts = new Map<PlanetTag, number>();
  for (let index = 0; index < count; index++) {
    for (const tag of drawTags(2, index)) {
      counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
  }
  for (const tag of PLANET_TAGS) {
    const share = (counts.get(tag) ?? 0) / count;
    const expected = planet[tag];
    assert.ok(
      expected === undefined ? share > 0.005 && share < 0.03 : Math.abs(share / expected - 1) < 0.15,
      `${tag}: ${share}`,
    );
  }
});

test("each layer changes the picture: tiles with a tag differ from what is below it", () => {
  const forest = meanOf((tags) => tags.join(" ") === "clear primary");
  const cloudy = meanOf((tags) => tags.includes("cloudy"));
  const farmed = meanOf((tags) => tags.includes("agriculture") && tags.includes("clear"));
  const hazy = meanOf((tags) => tags.join(" ") === "haze primary");
  assert.ok(cloudy > hazy && hazy > forest + 8 && farmed > forest + 3, `${forest} ${farmed} ${hazy} ${cloudy}`);
});

test("forest is dark, faint in contrast and opaque, as in Planet's tiles", () => {
  for (let index = 0; index < 12; index++) {
    const { rgba, tags } = renderTile(3, index, 64);
    for (let i = 3; i < rgba.length; i += 4) {
      assert.equal(rgba[i], 255);
    }
    if (tags.join(" ") === "clear primary") {
      const mean = meanLevel(rgba);
      assert.ok(mean > 20 && mean < 135, `mean ${mean}`);
    }
  }
});

test("a size that is no size is refused", () => {
  assert.throws(() => renderTile(1, 0, 0), RangeError);
  assert.throws(() => renderTile(-1, 0), RangeError);
});

/** Mean level of the first few tiles whose tags pass. */
function meanOf(wanted: (tags: PlanetTag[]) => boolean): number {
  const means: number[] = [];
  for (let index = 0; means.length < 8; index++) {
    if (wanted(drawTags(4, index))) {
      means.push(meanLevel(renderTile(4, index, 64).rgba));
    }
  }
  return means.reduce((a, b) => a + b) / means.length;
}

function meanLevel(rgba: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    sum += rgba[i] + rgba[i + 1] + rgba[i + 2];
  }
  return sum / (rgba.length * 0.75);
}
