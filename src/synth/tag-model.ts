/**
 * The tags of a generated tile: Planet's seventeen, drawn so that their rates and combinations are much like those of
 * the real set.
 */
import { createDraws, type Draws } from "./draws.js";

export const PLANET_TAGS = [
  "agriculture",
  "artisinal_mine",
  "bare_ground",
  "blooming",
  "blow_down",
  "clear",
  "cloudy",
  "conventional_mine",
  "cultivation",
  "habitation",
  "haze",
  "partly_cloudy",
  "primary",
  "road",
  "selective_logging",
  "slash_burn",
  "water",
] as const;
export type PlanetTag = (typeof PLANET_TAGS)[number];

const TAG_STREAM = 1;

/** Factor on rates of land use under haze, where people noted less of it. */
const SEEN_THROUGH = { clear: 1, partly_cloudy: 1.1, haze: 0.5 } as const;

/**
 * The tags of tile `index`, in alphabetical order; depends on `(seed, index)` alone.
 *
 * A chain of conditional draws: the weather first (one tag; `cloudy` hides everything else), then agriculture and
 * mining, then tags that depend on them. The common tags' rates are those of the 40,479 labelled tiles of the Kaggle
 * set (primary 93 %, clear 70 %, agriculture 30 %, road 20 %, water 18 %, ...); tags rarer there than 1 % are raised to
 * about 1 %, so that a few hundred tiles hold some of each.
 */
export function drawTags(seed: number, index: number): PlanetTag[] {
  const random = createDraws(seed, index, TAG_STREAM);
  const weather = drawWeather(random);
  if (weather === "cloudy") {
    return ["cloudy"];
  }
  const tags = new Set<PlanetTag>([weather]);
  addLandUse(tags, random, SEEN_THROUGH[weather]);
  addMining(tags, random);
  addForestEvents(tags, random);
  if (random.chance(primaryRate(tags))) {
    tags.add("primary");
  }
  return [...tags].sort();
}

function drawWeather(random: Draws) {
  const draw = random.next();
  return draw < 0.703 ? "clear" : draw < 0.882 ? "partly_cloudy" : draw < 0.949 ? "haze" : "cloudy";
}

function addLandUse(tags: Set<PlanetTag>, random: Draws, seen: number): void {
  const add = (tag: PlanetTag, rate: number) => {
    const chosen = random.chance(rate);
    if (chosen) {
      tags.add(tag);
    }
    return chosen;
  };
  const farmed = add("agriculture", 0.325 * seen);
  const road = add("road", farmed ? 0.49 : 0.075 * seen);
  add("habitation", farmed ? (road ? 0.4 : 0.1) : road ? 0.14 : 0.01 * seen);
  add("cultivation", farmed ? 0.28 : 0.04 * seen);
  add("water", (farmed ? 0.23 : 0.15) * seen);
  add("bare_ground", road ? 0.035 : 0.018);
  add("slash_burn", farmed || tags.has("cultivation") ? 0.02 : 0.004);
}

function addMining(tags: Set<PlanetTag>, random: Draws): void {
  const kind = random.next();
  if (kind < 0.012) {
    tags.add("artisinal_mine").add("water");
  } else if (kind < 0.022) {
    tags.add("conventional_mine");
  } else {
    return;
  }
  if (random.chance(kind < 0.012 ? 0.3 : 0.7)) {
    tags.add("road");
  }
}

function addForestEvents(tags: Set<PlanetTag>, random: Draws): void {
  const untouched = !tags.has("agriculture") && !tags.has("haze");
  if (untouched && random.chance(0.018)) {
    tags.add("blooming").add("primary");
  }
  if (untouched && random.chance(0.016)) {
    tags.add("blow_down").add("primary");
  }
  if (!tags.has("haze") && random.chance(0.013)) {
    tags.add("selective_logging").add("primary");
    if (random.chance(0.5)) {
      tags.add("road");
    }
  }
}

function primaryRate(tags: ReadonlySet<PlanetTag>): number {
  if (tags.has("bare_ground")) {
    return 0.8;
  }
  return tags.has("water") || tags.has("habitation") ? 0.95 : 0.985;
}
