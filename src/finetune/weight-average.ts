/** WeightAverage: the exponential mean of weights along a training. It scores better than the weights of its last step. */

export type Weights = Map<string, Float32Array>;

export class WeightAverage {
  readonly #decay: number;
  #mean: Weights | undefined;
  /** Weights added so far. */
  #count: number;

  /** `window`: how many additions it reaches back. */
  constructor(window: number, { mean, count }: { mean?: Weights | undefined; count: number } = { count: 0 }) {
    this.#decay = 1 - 1 / Math.max(1, window);
    this.#mean = mean;
    this.#count = count;
  }

  /** In the beginning it is the plain mean of what there is. */
  add(weights: ReadonlyMap<string, Float32Array>): void {
    this.#count++;
    const share = Math.max(1 - this.#decay, 1 / this.#count);
    this.#mean ??= new Map([...weights].map(([name, values]) => [name, values.slice()]));
    for (const [name, values] of weights) {
      const mean = this.#mean.get(name) as Float32Array;
      for (let i = 0; i < mean.length; i++) mean[i] += (values[i] - mean[i]) * share;
    }
  }

  /** All of its state: what the constructor takes. */
  get state(): { mean?: Weights | undefined; count: number } {
    return { mean: this.#mean, count: this.#count };
  }
}
