/** The picture being made: three planes of surface brightness, scratch planes, and how a surface is painted through a mask. */

/**
 * Brightness a surface adds to what the air alone scatters, in levels of red, green and blue. The levels of real tiles are the air's
 * (about 50, 53, 62) plus this; forest adds about (28, 19, 13).
 */
export type Surface = readonly [red: number, green: number, blue: number];

export interface Canvas {
  /** Pixels per side. */
  size: number;
  /** Pixels per scene unit: a scene always spans 256 units, whatever the size. */
  unit: number;
  /** Planes `[size, size]` float32. */
  red: Float32Array;
  green: Float32Array;
  blue: Float32Array;
  /** Masks `[size, size]` float32 in [0, 1]: one to draw on, one to warp it into. */
  mask: Float32Array;
  warped: Float32Array;
  /** Free planes for whoever needs one during a single layer. */
  scratch: [Float32Array, Float32Array];
}

/** A canvas; all its memory is allocated here, and reused for every tile of a thread. */
export function createCanvas(size: number): Canvas {
  const plane = () => new Float32Array(size * size);
  return {
    size,
    unit: size / 256,
    red: plane(),
    green: plane(),
    blue: plane(),
    mask: plane(),
    warped: plane(),
    scratch: [plane(), plane()],
  };
}

/** Lays `surface`, modulated by `1 + contrast * texture`, over the canvas where `mask` is above 0. */
export function paint(
  canvas: Canvas,
  mask: Float32Array,
  surface: Surface,
  texture: Float32Array,
  contrast: number,
): void {
  const { red, green, blue } = canvas;
  for (let i = 0; i < mask.length; i++) {
    const cover = mask[i]!;
    if (cover > 0) {
      const light = 1 + contrast * texture[i]!;
      red[i]! += cover * (surface[0] * light - red[i]!);
      green[i]! += cover * (surface[1] * light - green[i]!);
      blue[i]! += cover * (surface[2] * light - blue[i]!);
    }
  }
}

/** Multiplies what is there by `1 + amount * texture`, where `mask` is above 0. */
export function modulate(canvas: Canvas, mask: Float32Array, texture: Float32Array, amount: number): void {
  const { red, green, blue } = canvas;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i]! > 0) {
      const factor = 1 + amount * mask[i]! * texture[i]!;
      red[i]! *= factor;
      green[i]! *= factor;
      blue[i]! *= factor;
    }
  }
}

/** `surface` moved in brightness and hue by up to `amount` (0.2 = 20 %). */
export function vary(surface: Surface, random: { range(min: number, max: number): number }, amount: number): Surface {
  const light = 1 + random.range(-amount, amount);
  const hue = () => 1 + random.range(-amount, amount) / 3;
  return [surface[0] * light * hue(), surface[1] * light * hue(), surface[2] * light * hue()];
}
