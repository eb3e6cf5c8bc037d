/** The picture being made: three planes of surface brightness, scratch planes, and how a surface is painted through a mask. */

/**
 * Brightness that a surface adds to the light scattered by the air, in levels of red, green and blue. The levels of
 * real tiles are the air's (about 16, 33, 31 if it is clean) plus this; forest adds about (32, 30, 23).
 */
export type Surface = readonly [red: number, green: number, blue: number];

/** A shape: cover in [0, 1] per pixel, a plane `[size, size]`, valid in columns `from[y]` to `to[y]` (excluded) of each row alone. */
export interface Mask {
  cover: Float32Array;
  from: Int32Array;
  to: Int32Array;
}

export interface Canvas {
  /** Pixels per side. */
  size: number;
  /** Pixels per scene unit: a scene always spans 256 units, whatever the size. */
  unit: number;
  /** Planes `[size, size]` float32. */
  red: Float32Array;
  green: Float32Array;
  blue: Float32Array;
  /** Memory of the current mask: one plane to draw on, one to warp it into. */
  drawn: Float32Array;
  warped: Float32Array;
  /** The target of the next blurred plane. */
  spare: Float32Array;
  /** Scratch planes for use within a single layer. */
  scratch: readonly [Float32Array, Float32Array];
}

/** A canvas; all its memory is allocated here, and used again for every tile of a thread. */
export function createCanvas(size: number): Canvas {
  const plane = () => new Float32Array(size * size);
  return {
    size,
    unit: size / 256,
    red: plane(),
    green: plane(),
    blue: plane(),
    drawn: plane(),
    warped: plane(),
    spare: plane(),
    scratch: [plane(), plane()],
  };
}

/** A mask over the whole canvas with the cover in `plane`. */
export function wholeMask(canvas: Canvas, plane: Float32Array): Mask {
  return { cover: plane, from: new Int32Array(canvas.size), to: new Int32Array(canvas.size).fill(canvas.size) };
}

/** Makes `surface`, modulated by `1 + light`, the whole picture. */
export function cover(canvas: Canvas, surface: Surface, light: Float32Array): void {
  const { red, green, blue } = canvas;
  const [r, g, b] = surface;
  for (let i = 0; i < red.length; i++) {
    const factor = 1 + light[i];
    red[i] = r * factor;
    green[i] = g * factor;
    blue[i] = b * factor;
  }
}

/** Paints `surface`, modulated by `1 + contrast * texture`, over the canvas where `mask` is above 0. */
export function paint(canvas: Canvas, mask: Mask, surface: Surface, texture: Float32Array, contrast: number): void {
  const { red, green, blue, size } = canvas;
  const plane = mask.cover;
  const [r, g, b] = surface;
  for (let y = 0; y < size; y++) {
    for (let i = y * size + mask.from[y], end = y * size + mask.to[y]; i < end; i++) {
      const share = plane[i];
      if (share > 0) {
        const light = 1 + contrast * texture[i];
        red[i] += share * (r * light - red[i]);
        green[i] += share * (g * light - green[i]);
        blue[i] += share * (b * light - blue[i]);
      }
    }
  }
}

/** Multiplies the canvas by `1 + amount * texture` where `mask` is above 0. */
export function modulate(canvas: Canvas, mask: Mask, texture: Float32Array, amount: number): void {
  const { red, green, blue, size } = canvas;
  const plane = mask.cover;
  for (let y = 0; y < size; y++) {
    for (let i = y * size + mask.from[y], end = y * size + mask.to[y]; i < end; i++) {
      if (plane[i] > 0) {
        const factor = 1 + amount * plane[i] * texture[i];
        red[i] *= factor;
        green[i] *= factor;
        blue[i] *= factor;
      }
    }
  }
}

/** `surface` moved in brightness by up to `amount` (0.2 = 20 %), and in hue by a quarter of that. */
export function vary(surface: Surface, random: { range(min: number, max: number): number }, amount: number): Surface {
  const light = 1 + random.range(-amount, amount);
  const hue = () => light * (1 + random.range(-amount, amount) / 4);
  return [surface[0] * hue(), surface[1] * hue(), surface[2] * hue()];
}
