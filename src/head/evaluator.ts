/** Evaluator: computes values and gradients from the features for the solver. */

/** Mean cross-entropies and gradients of `problems` at `weights` `[problems, numFeatures + 1]`. */
export interface Evaluator {
  evaluate(problems: Int32Array, weights: Float32Array, losses: Float64Array, gradients: Float32Array): Promise<void>;
  close(): Promise<void>;
}
