/** A tile from two integers: seed and index in, RGBA pixels and tags out. */
import { checkInteger } from "../check.js";
import { paintAgriculture, paintBareGround, paintCultivation, paintSlashBurn } from "./clearings.js";
import { developTile } from "./finish.js";
import { paintBlooming, paintBlowDown } from "./forest-marks.js";
import { paintGround } from "./ground.js";
import { paintHabitation, paintRoads, paintSelectiveLogging } from "./roads.js";
import { openScene, type Scene } from "./scene.js";
import { drawTags, type PlanetTag } from "./tag-model.js";
import { paintArtisanalMine, paintConventionalMine, paintWater } from "./water.js";
import { paintCloudy, paintHaze, paintPartlyCloudy } from "./weather.js";

/** Changes whenever the pixels or tags of a tile may change. */
export const GENERATOR_VERSION = 1;

interface RenderedTile {
  /** Pixels `[size, size, 4]` uint8, alpha 255. */
  rgba: Uint8Array;
  tags: PlanetTag[];
}

/** The layer of each tag, in the order in which things lie on each other. `primary` and `clear` have none. */
const LAYERS: readonly (readonly [PlanetTag, (scene: Scene) => void])[] = [
  ["bare_ground", paintBareGround],
  ["agriculture", paintAgriculture],
  ["cultivation", paintCultivation],
  ["slash_burn", paintSlashBurn],
  ["blooming", paintBlooming],
  ["blow_down", paintBlowDown],
  ["selective_logging", paintSelectiveLogging],
  ["water", paintWater],
  ["artisinal_mine", paintArtisanalMine],
  ["conventional_mine", paintConventionalMine],
  ["road", paintRoads],
  ["habitation", paintHabitation],
  ["partly_cloudy", paintPartlyCloudy],
  ["haze", paintHaze],
  ["cloudy", paintCloudy],
];

/**
 * Tile `index` of the set that `seed` names; depends on nothing else. A tile shows the same 256-unit scene at any `size`.
 * @default size 256
 */
export function renderTile(seed: number, index: number, size = 256): RenderedTile {
  checkInteger("seed", seed, 0, 0xffffffff);
  checkInteger("index", index, 0, 0xffffffff);
  checkInteger("size", size, 16, 4096);
  const rgba = new Uint8Array(size * size * 4);
  return { rgba, tags: renderInto(rgba, seed, index, size) };
}

/** `renderTile` into memory `[size, size, 4]` that the caller uses again; gives the tags. */
export function renderInto(rgba: Uint8Array, seed: number, index: number, size: number): PlanetTag[] {
  const tags = drawTags(seed, index);
  const scene = openScene(seed, index, size, tags);
  paintGround(scene);
  for (const [tag, paintLayer] of LAYERS) {
    if (scene.tags.has(tag)) {
      paintLayer(scene);
    }
  }
  developTile(scene, new Uint8ClampedArray(rgba.buffer, rgba.byteOffset, rgba.length));
  return tags;
}
