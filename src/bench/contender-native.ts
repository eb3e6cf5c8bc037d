/**
 * The addon's own measurements: libjpeg-turbo's bare loop (the ceiling), and the stages of canopy's decoding, both on
 * one thread.
 */
import { type BenchStage, loadAddon, type NativeAddon, type NativeTile } from "../addon.js";
import { DECODE_DEFAULTS } from "../decode/decoder.js";
import { nativeOptions } from "../decode/native.js";
import { type Contender, type SetupRequest, WHOLE } from "./protocol.js";

/** In the order in which data pass them. */
export const STAGES = ["read", "decode", "color", "resize", "whole"] as const satisfies readonly BenchStage[];

export function openCeiling(setup: SetupRequest): Contender {
  const { addon, time } = openBench(setup);
  return {
    version: `libjpeg-turbo ${addon.jpegVersion}`,
    round: async (indices) => ({ [WHOLE]: time("ceiling", indices) }),
  };
}

export function openStages(setup: SetupRequest): Contender {
  const { addon, time } = openBench(setup);
  return {
    version: addon.simd,
    round: async (indices) => Object.fromEntries(STAGES.map((stage) => [stage, time(stage, indices)])),
  };
}

function openBench({ paths, size }: SetupRequest) {
  const addon = loadAddon() as NativeAddon;
  const options = nativeOptions({ ...DECODE_DEFAULTS, size });
  const tiles: NativeTile[] = paths.map((path) => ({ path }));
  /** In parts, so that the ceiling holds few bytes in memory. */
  const time = (stage: BenchStage, indices: readonly number[]): number => {
    let seconds = 0;
    for (let from = 0; from < indices.length; from += 256) {
      const part = indices.slice(from, from + 256).map((index) => tiles[index]);
      seconds += addon.benchStage(stage, part, options);
    }
    return seconds;
  };
  return { addon, time };
}
