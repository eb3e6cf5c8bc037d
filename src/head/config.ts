/** How a head is trained: two kinds of recipe, and their defaults. */
import { checkInRange, checkInteger, checkKinds, checkOneOf, type OptionKinds } from "../check.js";
import { OptionError } from "../errors.js";

export const OPTIMIZERS = ["rmsprop", "adam", "sgd", "lbfgs"] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/**
 * "standard" centres a feature and divides it by its standard deviation; "pareto" divides it by the root of that, which
 * leaves strong features some of their weight under an L2 penalty (and gives the better mAP); "none" takes features as
 * they are.
 */
export const SCALINGS = ["none", "standard", "pareto"] as const;
export type Scaling = (typeof SCALINGS)[number];

/** Mini-batch descent on binary cross-entropy, exactly as Keras 3 does it. */
export interface GradientConfig {
  optimizer: "rmsprop" | "adam" | "sgd";
  /** Step width. @default 1e-4 for rmsprop (the tutorial's), 1e-3 for adam, 1e-2 for sgd (Keras') */
  learningRate: number;
  /** Passes over the tiles. @default 50 */
  epochs: number;
  /** Tiles per step. @default 32 */
  batchSize: number;
  /** Decides the initial weights and the order of tiles in each epoch. @default 1 */
  seed: number;
  /** A new order of tiles each epoch. @default true */
  shuffle: boolean;
  /** Momentum of rmsprop and sgd. @default 0 */
  momentum: number;
  /** Decay of rmsprop's mean square. @default 0.9 */
  rho: number;
  /** Decay of adam's mean gradient. @default 0.9 */
  beta1: number;
  /** Decay of adam's mean squared gradient. @default 0.999 */
  beta2: number;
  /** Added to the divisor of adam and rmsprop. @default 1e-7 */
  epsilon: number;
  /** Nesterov momentum for sgd. @default false */
  nesterov: boolean;
  /** How features are scaled first, folded back into the weights. @default "none", as in Keras */
  scaling: Scaling;
  /** As for L-BFGS; has no effect without scaling. @default [] */
  blocks: readonly number[];
}

/** Full batch to convergence: L2-regularised logistic regression. */
export interface LbfgsConfig {
  optimizer: "lbfgs";
  /** Strength of the penalty `l2 / 2 * |w|^2` beside the mean loss of a tag; "auto" chooses it by cross-validation. @default "auto" */
  l2: number | "auto";
  /** Iterations at most. @default 500 */
  maxIterations: number;
  /** Largest gradient component at which a tag is done, as in scikit-learn. @default 1e-4 */
  tolerance: number;
  /** Decides the folds that choose `l2`. @default 1 */
  seed: number;
  /** How features are scaled first, folded back into the weights. @default "pareto" */
  scaling: Scaling;
  /** Widths of groups of features; scaling gives each group the same total variance. [] for one group. @default [] */
  blocks: readonly number[];
}

export type HeadConfig = GradientConfig | LbfgsConfig;

/** What a user may set; everything else has its default. */
export type HeadOptions = Partial<Omit<GradientConfig, "optimizer"> & Omit<LbfgsConfig, "optimizer">> & {
  /** What fits the head. @default "lbfgs", or that of `recipe` */
  optimizer?: OptimizerName;
  /** "tutorial" is RMSprop 1e-4, 50 epochs, batch 32. @default none */
  recipe?: "tutorial";
};

const GRADIENT_DEFAULTS = {
  epochs: 50,
  batchSize: 32,
  seed: 1,
  shuffle: true,
  momentum: 0,
  rho: 0.9,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-7,
  nesterov: false,
  scaling: "none",
  blocks: [],
} as const satisfies Omit<GradientConfig, "optimizer" | "learningRate">;

const LBFGS_DEFAULTS = {
  l2: "auto",
  maxIterations: 500,
  tolerance: 1e-4,
  seed: 1,
  scaling: "pareto",
  blocks: [],
} as const satisfies Omit<LbfgsConfig, "optimizer">;

const LEARNING_RATES = { rmsprop: 1e-4, adam: 1e-3, sgd: 1e-2 } as const;

const HEAD_OPTIONS: OptionKinds<HeadOptions> = {
  recipe: true,
  optimizer: true,
  learningRate: true,
  ...kindsOf(GRADIENT_DEFAULTS),
  ...kindsOf(LBFGS_DEFAULTS),
};

function kindsOf<T extends Partial<HeadOptions>>(
  defaults: T,
): Pick<OptionKinds<HeadOptions>, keyof T & keyof HeadOptions> {
  const kinds = Object.entries(defaults).map(([name, value]) => [name, typeof value === "boolean" ? "boolean?" : true]);
  return Object.fromEntries(kinds);
}

/**
 * The whole configuration for `options`, checked. An option that the optimiser has no use for is an OptionError: none
 * is ignored.
 */
export function resolveHeadConfig(options: HeadOptions = {}): HeadConfig {
  checkKinds(options, HEAD_OPTIONS, "head.");
  const { recipe, ...given } = options;
  if (recipe !== undefined) {
    checkOneOf("recipe", recipe, ["tutorial"]);
  }
  if (recipe === "tutorial" && given.optimizer !== undefined && given.optimizer !== "rmsprop") {
    throw new OptionError(`The recipe tutorial is RMSprop: leave out the optimizer ${given.optimizer}, or the recipe.`);
  }
  const optimizer = given.optimizer ?? (recipe === "tutorial" ? "rmsprop" : "lbfgs");
  checkOneOf("optimizer", optimizer, OPTIMIZERS);
  const defaults =
    optimizer === "lbfgs" ? LBFGS_DEFAULTS : { ...GRADIENT_DEFAULTS, learningRate: LEARNING_RATES[optimizer] };
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && name !== "optimizer" && !(name in defaults)) {
      throw new OptionError(`\`${name}\` has no meaning for the optimizer ${optimizer}; leave it out.`);
    }
  }
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const config = { ...defaults, ...said, optimizer } as HeadConfig;
  checkHeadConfig(config);
  return config;
}

/** RangeError for the first value out of its range. */
export function checkHeadConfig(config: HeadConfig): void {
  checkInteger("seed", config.seed, 0, 0xffffffff);
  checkOneOf("scaling", config.scaling, SCALINGS);
  for (const width of config.blocks) checkInteger("blocks", width, 1);
  if (config.optimizer === "lbfgs") {
    if (config.l2 !== "auto") {
      checkInRange("l2", config.l2, 0, 1e6);
    }
    checkInteger("maxIterations", config.maxIterations, 1);
    checkInRange("tolerance", config.tolerance, 0, 1);
    return;
  }
  checkInRange("learningRate", config.learningRate, Number.MIN_VALUE, 1e6);
  checkInteger("epochs", config.epochs, 1);
  checkInteger("batchSize", config.batchSize, 1, 65536);
  for (const name of ["momentum", "rho", "beta1", "beta2"] as const) {
    checkInRange(name, config[name], 0, 1);
  }
  checkInRange("epsilon", config.epsilon, 0, 1);
}

/** How many moments an optimiser keeps: mean square and momentum; two moments; momentum. */
export function momentCount({ optimizer, momentum }: GradientConfig): number {
  const moving = momentum > 0 ? 1 : 0;
  return { rmsprop: 1 + moving, adam: 2, sgd: moving }[optimizer];
}
