/** One cycle: rates rise along a line, then fall to nothing along half a cosine (Smith and Topin, Super-Convergence, 2019). */
import type { FinetuneConfig } from "./config.js";
import type { StepRates } from "./engine.js";

/** Rates of the step after `done` of `total` steps. */
export function ratesOf(done: number, total: number, config: FinetuneConfig): StepRates {
  const { learningRate, headRate, weightDecay, warmUp } = config;
  const rise = Math.floor(total * warmUp);
  const factor =
    done < rise ? (done + 1) / (rise + 1) : (1 + Math.cos((Math.PI * (done - rise)) / Math.max(1, total - rise))) / 2;
  return { backbone: learningRate * factor, head: headRate * factor, weightDecay };
}
