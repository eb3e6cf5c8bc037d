/** Conv, with any number of spatial axes, groups, strides, dilations and pads. */
import { intAttribute } from "../onnx/editing.js";
import { axesBut, dimsOf, inputOf, type Rule, type Site, sizeOf } from "./rule.js";
import { mapSize, spread, type Window, windowOf } from "./window.js";

interface Convolution extends Window {
  group: number;
  /** `[outputs, inputs of a group, ...kernel]` */
  outputs: number;
  inputs: number;
  isPointwise: boolean;
  isDepthwise: boolean;
}

export const conv: Rule = (site) => {
  const c = describe(site);
  const rank = c.kernel.length + 2;
  return [
    site.wants(0) ? inputGradient(site, c) : undefined,
    site.wants(1) ? weightGradient(site, c) : undefined,
    site.wants(2) ? site.emit.sum(site.dy, axesBut(rank, 1), 0) : undefined,
  ];
};

function describe(site: Site): Convolution {
  const weight = inputOf(site, 1);
  const [outputs, inputs, ...kernel] = dimsOf(site, weight).map((_, axis) => sizeOf(site, weight, axis));
  const group = intAttribute(site.node, "group", 1);
  const window = windowOf(site, kernel);
  const isPlain = [...window.strides, ...window.dilations].every((each) => each === 1);
  const isUnpadded = [...window.begins, ...window.ends].every((each) => each === 0);
  return {
    ...window,
    group,
    outputs,
    inputs,
    isPointwise: group === 1 && isPlain && isUnpadded && kernel.every((width) => width === 1),
    isDepthwise: inputs === 1 && outputs === group,
  };
}

/** The transposed convolution; where an ordinary one does the same, that is faster. */
function inputGradient(site: Site, c: Convolution): string {
  const { emit, dy } = site;
  const weight = inputOf(site, 1);
  const steps = c.strides.every((stride) => stride === 1);
  if (c.isPointwise) {
    const perm = [1, 0, ...c.kernel.map((_, axis) => axis + 2)];
    return emit.op("Conv", [dy, emit.op("Transpose", [weight], { perm })]);
  }
  if (!c.isDepthwise || !steps) return spread(site, dy, weight, c, c.group);
  const pads = [c.begins, c.ends].flatMap((side) =>
    c.kernel.map((width, axis) => c.dilations[axis] * (width - 1) - side[axis]),
  );
  if (pads.some((pad) => pad < 0)) return spread(site, dy, weight, c, c.group);
  return emit.op("Conv", [dy, flipped(site, weight, c)], { group: c.group, dilations: c.dilations, pads });
}

/** The kernel from its last value to its first, along all spatial axes. */
function flipped({ emit }: Site, weight: string, { kernel }: Convolution): string {
  const each = (value: number) => emit.ints(kernel.map(() => value));
  const axes = emit.ints(kernel.map((_, axis) => axis + 2));
  return emit.op("Slice", [weight, each(-1), each(-(2 ** 31)), axes, each(-1)]);
}

function weightGradient(site: Site, c: Convolution): string {
  return c.isPointwise ? pointwiseWeight(site, c) : correlated(site, c);
}

/** dW = dY X', tile by tile, summed. */
function pointwiseWeight(site: Site, c: Convolution): string {
  const { emit, dy } = site;
  const columns = (value: string, channels: number) => emit.op("Reshape", [value, emit.ints([0, channels, -1])]);
  const turned = emit.op("Transpose", [columns(inputOf(site, 0), c.inputs)], { perm: [0, 2, 1] });
  const sum = emit.sum(emit.op("MatMul", [columns(dy, c.outputs), turned]), [0], 0);
  return emit.op("Reshape", [sum, emit.ints([c.outputs, c.inputs, ...c.kernel])]);
}

/**
 * dW is the convolution of the maps with the gradients as kernels: tiles take the place of channels, and strides that of
 * dilations. The maps of a group's channels at one place in each group come in one run `[inputs, group * N, ...]`.
 */
function correlated(site: Site, c: Convolution): string {
  const { emit, dy } = site;
  const swap = [1, 0, ...c.kernel.map((_, axis) => axis + 2)];
  const kernels = emit.op("Transpose", [dy], { perm: swap });
  const { strides, dilations, begins, ends, group } = c;
  const sums = emit.op("Conv", [tilesAsChannels(site, c, swap), kernels], {
    group,
    strides: dilations,
    dilations: strides,
    pads: [...begins, ...ends],
  });
  // Pixels at the border that no window reached make the result larger.
  const zeros = emit.ints(c.kernel.map(() => 0));
  const axes = emit.ints(c.kernel.map((_, axis) => axis + 2));
  const cut = emit.op("Slice", [sums, zeros, emit.ints(c.kernel), axes]);
  return emit.op("Transpose", [cut], { perm: swap });
}

function tilesAsChannels(site: Site, c: Convolution, swap: readonly number[]): string {
  const { emit } = site;
  const x = inputOf(site, 0);
  if (c.group === 1) return emit.op("Transpose", [x], { perm: swap });
  const sizes = c.kernel.map((_, axis) => mapSize(site, axis));
  const split = emit.op("Reshape", [x, emit.ints([-1, c.group, c.inputs, ...sizes])]);
  const perm = [2, 1, 0, ...c.kernel.map((_, axis) => axis + 3)];
  return emit.op("Reshape", [emit.op("Transpose", [split], { perm }), emit.ints([c.inputs, -1, ...sizes])]);
}
