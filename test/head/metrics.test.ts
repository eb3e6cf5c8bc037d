import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { averagePrecision, precisionRecallCurve } from "../../src/head/average-precision.js";
import { computeMetrics, decide, fBeta, meanFBeta, setFBetaDifference, tileFBetas } from "../../src/head/metrics.js";
import type { LabelMatrix } from "../../src/tiles/label-matrix.js";

function close(got: number | null, want: number): void {
  assert.ok(got !== null && Math.abs(got - want) < 1e-7, `${got} for ${want}`);
}

function single(labels: number[]): LabelMatrix {
  return { data: Uint8Array.from(labels), rows: labels.length, tags: ["tag"] };
}

/** Four tiles, three tags; no tile has the last. */
const LABELS: LabelMatrix = {
  data: Uint8Array.of(1, 0, 0, /**/ 1, 1, 0, /**/ 0, 1, 0, /**/ 0, 0, 0),
  rows: 4,
  tags: ["a", "b", "none"],
};
const PROBABILITIES = Float32Array.of(0.9, 0.6, 0.1, /**/ 0.4, 0.7, 0.2, /**/ 0.3, 0.8, 0.6, /**/ 0.1, 0.1, 0.1);
const HALF = Float32Array.of(0.5, 0.5, 0.5);

describe("averagePrecision", () => {
  it("is scikit-learn's, on the example of its manual", () => {
    close(averagePrecision(Float32Array.of(0.1, 0.4, 0.35, 0.8), single([0, 0, 1, 1]), 0), 0.8333333333333333);
  });

  it("takes equal probabilities as one threshold", () => {
    close(averagePrecision(Float32Array.of(0.5, 0.5, 0.5, 0.1), single([1, 0, 0, 1]), 0), 0.5 / 3 + 0.5 * 0.5);
  });

  it("has no value where no tile has the tag, and is 1 where all have it", () => {
    assert.equal(averagePrecision(PROBABILITIES, LABELS, 2), null);
    close(averagePrecision(Float32Array.of(0.1, 0.9), single([1, 1]), 0), 1);
  });

  it("comes with a curve that ends at full recall", () => {
    const curve = precisionRecallCurve(PROBABILITIES, LABELS, 0);
    assert.equal(curve.at(-1)!.recall, 1);
    assert.equal(curve.at(-1)!.precision, 0.5);
  });
});

describe("computeMetrics", () => {
  const metrics = computeMetrics(PROBABILITIES, LABELS, HALF, { minSupport: 1 });

  it("averages F2 over tiles, a tile without tags that is given none scoring 1", () => {
    // Tile by tile: 5*1/(4*1+2), 5*1/(4*2+1), 5*1/(4*1+2), 1.
    close(metrics.f2, (5 / 6 + 5 / 9 + 5 / 6 + 1) / 4);
    close(metrics.f2AtHalf, metrics.f2);
  });

  it("counts per tag, with null where a number has no meaning", () => {
    assert.deepEqual(metrics.perTag[0], {
      tag: "a",
      support: 2,
      predicted: 1,
      threshold: 0.5,
      precision: 1,
      recall: 0.5,
      f2: 5 / 9,
      averagePrecision: 1,
      rocAuc: 1,
      precisionAtRecall90: 1,
    });
    const { precision, recall, f2, averagePrecision: ap } = metrics.perTag[2];
    assert.deepEqual([precision, recall, f2, ap], [0, null, null, null]);
  });

  it("leaves tags without tiles out of means, and wants enough tiles for mAP", () => {
    close(metrics.map, (1 + 1) / 2);
    assert.equal(computeMetrics(PROBABILITIES, LABELS, HALF).map, null);
    close(metrics.macroF1, (2 / 3 + 0.8) / 2);
    close(metrics.microF1, (2 * 3) / (5 + 4));
    close(metrics.binaryAccuracy, 9 / 12);
  });

  it("scores decisions made otherwise", () => {
    const right = computeMetrics(PROBABILITIES, LABELS, HALF, { decisions: LABELS.data });
    close(right.f2, 1);
    close(right.binaryAccuracy, 1);
  });

  it("refuses shapes that do not fit", () => {
    assert.throws(() => computeMetrics(PROBABILITIES, LABELS, HALF.subarray(1)), RangeError);
  });
});

describe("F-beta", () => {
  it("weighs recall the more the larger beta", () => {
    close(fBeta(1, 2, 1, 1), 2 / 3);
    close(fBeta(1, 2, 1, 2), 5 / 6);
    assert.deepEqual([fBeta(0, 0, 0, 2), fBeta(0, 1, 0, 2), fBeta(0, 0, 1, 2)], [1, 0, 0]);
    const decisions = decide(PROBABILITIES, HALF);
    assert.ok(meanFBeta(decisions, LABELS, 0.5) < meanFBeta(decisions, LABELS, 2));
    close(meanFBeta(LABELS.data, LABELS, 2), 1);
  });
});

it("of one tag alone F2 is that of the tag, not the share of tiles decided right", () => {
  const labels = single([1, 0, 0, 0, 0, 0, 0, 1]);
  const none = computeMetrics(new Float32Array(8), labels, Float32Array.of(0.5));
  assert.equal(none.f2, 0);
  const one = new Float32Array(8).with(0, 0.9).with(1, 0.8);
  close(computeMetrics(one, labels, Float32Array.of(0.5)).f2, (5 * 1) / (4 * 2 + 2));
});

it("the area under the ROC curve is the share of pairs in the right order, and precision is found at 90% recall", () => {
  const { perTag } = computeMetrics(
    Float32Array.of(0.9, 0.8, 0.7, 0.7, 0.1),
    single([1, 0, 1, 0, 0]),
    Float32Array.of(0.5),
  );
  // Pairs: 0.9 beats three; 0.7 beats one, ties with one and loses to one.
  close(perTag[0].rocAuc as number, (3 + 1.5) / 6);
  close(perTag[0].precisionAtRecall90 as number, 2 / 4);
  assert.equal(computeMetrics(Float32Array.of(0.2, 0.4), single([1, 1]), Float32Array.of(0.5)).perTag[0].rocAuc, null);
});

it("of a settled group each tile has the most probable tag and no other", () => {
  const decisions = decide(Float32Array.of(0.3, 0.2, 0.9, /**/ 0.8, 0.7, 0.1), Float32Array.of(0.5, 0.5, 0.5), [
    [0, 1],
  ]);
  assert.deepEqual([...decisions], [1, 0, 1, /**/ 1, 0, 0]);
});

it("tileFBetas gives each tile's own", () => {
  const labels = { data: Uint8Array.of(1, 0, 0, 1), rows: 2, tags: ["a", "b"] };
  assert.deepEqual([...tileFBetas(Uint8Array.of(1, 1, 1, 0), labels, 2)], [5 / 6, 0]);
});

it("a tag is given where its probability just reaches the threshold", () => {
  assert.deepEqual([...decide(Float32Array.of(0.5, 0.25, 0.5, 0.2), Float32Array.of(0.5, 0.25))], [1, 1, 1, 0]);
});

it("the interval of a difference is as wide as the tiles that the two decide differently", () => {
  // Hard and easy tiles in turn: apart, either score would be uncertain.
  const rows = 40;
  const labels = { data: new Uint8Array(rows * 2).fill(1), rows, tags: ["a", "b"] };
  const others = Uint8Array.from(labels.data, (_one, cell) => ((cell >> 1) % 2 === 0 ? 1 : 0));
  assert.deepEqual(setFBetaDifference(others, others, labels, 2), { low: 0, high: 0, level: 0.95 });
  const better = others.slice();
  better.set([1, 1], 2 * (rows - 1));
  const { low, high } = setFBetaDifference(better, others, labels, 2);
  assert.ok(low >= 0 && high > 0 && high < 0.1, `${low} to ${high}`);
});

it("with one tag both scores of a difference are of the same resample", () => {
  const labels = single([1, 0, 1, 0, 1, 0]);
  assert.deepEqual(setFBetaDifference(labels.data, labels.data, labels, 2), { low: 0, high: 0, level: 0.95 });
  const { low, high } = setFBetaDifference(labels.data, new Uint8Array(6).fill(1), labels, 2);
  assert.ok(low >= 0 && high > 0, `${low} to ${high}`);
});
