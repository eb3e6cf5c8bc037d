/** Vectors in float64, as the solvers use them. */

/** Inner product of the first `length` elements. In four sums, because each addition waits for the one before. */
export function dot(a: Float64Array, b: Float64Array, length = a.length): number {
  const whole = length - (length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (let i = whole; i < length; i++) s0 += a[i] * b[i];
  return s0 + s1 + (s2 + s3);
}

/** Adds `scale` times `other` to the first `length` elements of `target`. */
export function addScaled(target: Float64Array, scale: number, other: Float64Array, length = target.length): void {
  for (let i = 0; i < length; i++) target[i] += scale * other[i];
}

/** `a + scale * b` */
export function combine(a: Float64Array, scale: number, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = a[i] + scale * b[i];
  return sum;
}
