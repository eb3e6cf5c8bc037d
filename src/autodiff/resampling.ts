/** Resize: each axis on its own is a matrix, so that the way back is its transpose. */
import { intAttribute, intsAttribute, stringAttribute } from "../onnx/editing.js";
import { alongAxis } from "./movement.js";
import { constantInput, dimsOf, fail, fromFront, inputOf, type Rule, type Site, sizeOf } from "./rule.js";

export const resize: Rule = (site) => {
  const { node } = site;
  const rank = dimsOf(site, inputOf(site, 0)).length;
  const mode = stringAttribute(node, "mode") || "nearest";
  const isPlain = intAttribute(node, "antialias", 0) === 0 && stringAttribute(node, "keep_aspect_ratio_policy") === "";
  if ((mode !== "nearest" && mode !== "linear") || !isPlain) fail(node, `its mode is ${mode}, or antialiased`);
  const axes = (intsAttribute(node, "axes") ?? [...new Array(rank).keys()]).map((axis) => fromFront(axis, rank));
  return [
    axes.reduce((value, axis, i) => {
      const matrix = resampling(site, axis, i, mode);
      return matrix === undefined ? value : alongAxis(site, value, rank, axis, matrix);
    }, site.dy),
  ];
};

/** The matrix `[results, samples]` of an axis; undefined if the axis stays as it is. */
function resampling(site: Site, axis: number, place: number, mode: "nearest" | "linear"): string | undefined {
  const scales = constantInput(site, 2);
  const scale = scales?.length ? scales[place] : undefined;
  if (scale === 1) return undefined;
  const samples = sizeOf(site, inputOf(site, 0), axis);
  const results = constantInput(site, 3)?.[place] ?? Math.floor(samples * (scale ?? Number.NaN));
  if (results === samples) return undefined;
  const matrix = new Float32Array(results * samples);
  const source = sourceOf(site, samples, results, scale ?? results / samples);
  for (let result = 0; result < results; result++) {
    const at = source(result);
    const shares = mode === "linear" ? linear(at) : [[nearest(site, at), 1] as const];
    for (const [sample, share] of shares) {
      matrix[result * samples + Math.min(samples - 1, Math.max(0, sample))] += share;
    }
  }
  return site.emit.floats([results, samples], matrix);
}

function linear(at: number): (readonly [number, number])[] {
  const low = Math.floor(at);
  return [
    [low, 1 - (at - low)],
    [low + 1, at - low],
  ];
}

/** Where result i lies among the samples. */
function sourceOf({ node }: Site, samples: number, results: number, scale: number): (result: number) => number {
  const mode = stringAttribute(node, "coordinate_transformation_mode") || "half_pixel";
  const halfPixel = (i: number) => (i + 0.5) / scale - 0.5;
  switch (mode) {
    case "half_pixel":
      return halfPixel;
    case "pytorch_half_pixel":
      return (i) => (results > 1 ? halfPixel(i) : 0);
    case "asymmetric":
      return (i) => i / scale;
    case "align_corners":
      return (i) => (results > 1 ? (i * (samples - 1)) / (results - 1) : 0);
    default:
      return fail(node, `its coordinates are ${mode}`);
  }
}

function nearest({ node }: Site, at: number): number {
  const mode = stringAttribute(node, "nearest_mode") || "round_prefer_floor";
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(at - 0.5);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    default:
      return fail(node, `it rounds by ${mode}`);
  }
}
