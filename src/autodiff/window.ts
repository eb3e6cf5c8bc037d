/** Windows that pass over maps: sizes, strides and pads of convolutions and pools, and the way back from results to maps. */
import { intsAttribute, stringAttribute } from "../onnx/editing.js";
import { dimsOf, fail, inputOf, type Site, sizeOf } from "./rule.js";

export interface Window {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** Before and after the map, along each of its axes. */
  begins: readonly number[];
  ends: readonly number[];
}

/** The window of the convolution or pool at `site`; `kernel` is its size. */
export function windowOf(site: Site, kernel: readonly number[]): Window {
  const { node } = site;
  const each = (name: string, fallback: number) => intsAttribute(node, name) ?? kernel.map(() => fallback);
  const [strides, dilations] = [each("strides", 1), each("dilations", 1)];
  const automatic = stringAttribute(node, "auto_pad");
  if (automatic.startsWith("SAME")) {
    const totals = kernel.map((width, axis) => samePadding(site, axis, width, strides[axis], dilations[axis]));
    const smaller = totals.map((total) => Math.floor(total / 2));
    const larger = totals.map((total) => Math.ceil(total / 2));
    const [begins, ends] = automatic === "SAME_UPPER" ? [smaller, larger] : [larger, smaller];
    return { kernel, strides, dilations, begins, ends };
  }
  const pads = intsAttribute(node, "pads") ?? kernel.flatMap(() => [0, 0]);
  return { kernel, strides, dilations, begins: pads.slice(0, kernel.length), ends: pads.slice(kernel.length) };
}

/** Padding with which the result has ceil(size / stride) values. */
function samePadding(site: Site, axis: number, width: number, stride: number, dilation: number): number {
  const size = mapSize(site, axis);
  const count = Math.ceil(size / stride);
  return Math.max(0, (count - 1) * stride + dilation * (width - 1) + 1 - size);
}

/** The size of the map that the window passes over, along its spatial axis `axis`. */
export function mapSize(site: Site, axis: number): number {
  return sizeOf(site, inputOf(site, 0), axis + 2);
}

/** How many places the window takes along the map's spatial axis `axis`. */
export function placeCount(site: Site, axis: number): number {
  return sizeOf(site, site.node.output[0] ?? "", axis + 2);
}

/** How far the window's last place reaches past the end of the map, along each axis. Negative: pixels that it leaves out. */
export function endsOf(site: Site, { kernel, strides, dilations, begins }: Window): number[] {
  return kernel.map((width, axis) => {
    const covered = (placeCount(site, axis) - 1) * strides[axis] + dilations[axis] * (width - 1) + 1;
    return covered - begins[axis] - mapSize(site, axis);
  });
}

/**
 * The transpose of a convolution: `value` `[N, M, ...]` of the window's places is spread over maps `[N, C, ...]` of the
 * size of the node's input. `weight` is `[M, C / group, ...]`.
 */
export function spread(site: Site, value: string, weight: string, window: Window, group: number): string {
  const { emit } = site;
  const { strides, dilations, begins } = window;
  const ends = endsOf(site, window);
  return emit.op("ConvTranspose", [value, weight], {
    group,
    strides,
    dilations,
    pads: [...begins, ...ends.map((end) => Math.max(0, end))],
    // Pixels at the border that no window reached.
    output_padding: ends.map((end) => Math.max(0, -end)),
  });
}

/** Channels of the map, which must be known. */
export function channelsOf(site: Site): number {
  return dimsOf(site, inputOf(site, 0))[1] ?? fail(site.node, "the number of channels is not fixed");
}
