/** The options of `train` with their defaults, checked before anything is read. */
import { checkInRange, checkOneOf } from "../check.js";
import { type HeadConfig, type HeadOptions, resolveHeadConfig } from "../head/config.js";
import { CALIBRATIONS, type CalibrationName } from "../tags/calibration.js";
import { variantsFor } from "./labelled.js";
import type { TrainOptions } from "./train.js";

export interface TrainSettings {
  config: HeadConfig;
  val: number;
  augment: "none" | "d4";
  tta: "none" | "d4";
  beta: number;
  exclusive: readonly (readonly string[])[];
  stacking: "auto" | "none";
  calibrate: CalibrationName;
  /** Elements of the dihedral group that are needed. */
  variants: readonly number[];
}

/** @throws OptionError for a value out of range, and for one that the optimiser has no use for */
export function resolveTrainSettings(options: TrainOptions): TrainSettings {
  // The tutorial's head is to be Keras', weight for weight.
  const plain = options.head?.recipe === "tutorial";
  const { val = 0.2, augment = "none", tta = "none", beta = 2, exclusive = [] } = options;
  const { stacking = plain ? "none" : "auto", calibrate = plain ? "none" : "platt" } = options;
  checkInRange("val", val, 0, 0.9);
  checkInRange("beta", beta, 0.01, 100);
  checkOneOf("augment", augment, ["none", "d4"]);
  checkOneOf("tta", tta, ["none", "d4"]);
  checkOneOf("stacking", stacking, ["auto", "none"]);
  checkOneOf("calibrate", calibrate, CALIBRATIONS);
  const said = Object.entries(options.head ?? {}).filter(([, value]) => value !== undefined);
  const config = resolveHeadConfig(Object.fromEntries(said) as HeadOptions);
  return { config, val, augment, tta, beta, exclusive, stacking, calibrate, variants: variantsFor(augment, tta) };
}
