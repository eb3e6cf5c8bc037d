/* Batch normalisation + ReLU6 in training, forward and backward, over channels-last bfloat16 activations [rows, channels].
   PyTorch runs these as half a dozen passes over memory; here they are two passes each way. Built by fused.py. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>

#define BLOCK 64 /* rows whose sums stay in float before they are added to the double totals */

static inline float widen(uint16_t x) {
  uint32_t bits = (uint32_t)x << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint16_t narrow(float x) { /* round to nearest, ties to even; no NaN expected */
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* sums[0..c) += sum of x, sums[c..2c) += sum of x*x, per channel. */
void channel_sums(const uint16_t *x, long rows, long c, double *sums) {
#pragma omp parallel
  {
    float *part = calloc(2 * c, sizeof(float));
    double *total = calloc(2 * c, sizeof(double));
#pragma omp for schedule(static)
    for (long first = 0; first < rows; first += BLOCK) {
      long last = first + BLOCK < rows ? first + BLOCK : rows;
      for (long r = first; r < last; r++) {
        const uint16_t *row = x + r * c;
        float *sum = part, *square = part + c;
        for (long k = 0; k < c; k++) {
          float v = widen(row[k]);
          sum[k] += v;
          square[k] += v * v;
        }
      }
      for (long k = 0; k < 2 * c; k++) { total[k] += part[k]; part[k] = 0; }
    }
#pragma omp critical
    for (long k = 0; k < 2 * c; k++) sums[k] += total[k];
    free(part);
    free(total);
  }
}

/* y = clip(x * scale + shift), the clip to [0, 6] only where relu is set. */
void scale_clip(const uint16_t *x, uint16_t *y, long rows, long c, const float *scale, const float *shift, int relu) {
  const float low = relu ? 0.f : -3e38f, high = relu ? 6.f : 3e38f;
#pragma omp parallel for schedule(static)
  for (long r = 0; r < rows; r++) {
    const uint16_t *in = x + r * c;
    uint16_t *out = y + r * c;
    for (long k = 0; k < c; k++) {
      float v = widen(in[k]) * scale[k] + shift[k];
      v = v < low ? low : v;
      v = v > high ? high : v;
      out[k] = narrow(v);
    }
  }
}

/* sums[0..c) += sum of g, sums[c..2c) += sum of g * x, with g = gradient where the clip let the value through. */
void gradient_sums(const uint16_t *x, const uint16_t *dy, long rows, long c, const float *scale, const float *shift,
                   int relu, double *sums) {
  const float low = relu ? 0.f : -3e38f, high = relu ? 6.f : 3e38f;
#pragma omp parallel
  {
    float *part = calloc(2 * c, sizeof(float));
    double *total = calloc(2 * c, sizeof(double));
#pragma omp for schedule(static)
    for (long first = 0; first < rows; first += BLOCK) {
      long last = first + BLOCK < rows ? first + BLOCK : rows;
      for (long r = first; r < last; r++) {
        const uint16_t *in = x + r * c, *grad = dy + r * c;
        float *sum = part, *product = part + c;
        for (long k = 0; k < c; k++) {
          float v = widen(in[k]), y = v * scale[k] + shift[k], g = widen(grad[k]);
          g = (y > low) & (y < high) ? g : 0.f;
          sum[k] += g;
          product[k] += g * v;
        }
      }
      for (long k = 0; k < 2 * c; k++) { total[k] += part[k]; part[k] = 0; }
    }
#pragma omp critical
    for (long k = 0; k < 2 * c; k++) sums[k] += total[k];
    free(part);
    free(total);
  }
}

/* dx = a * g + b * x + d per channel. */
void gradient_input(const uint16_t *x, const uint16_t *dy, uint16_t *dx, long rows, long c, const float *scale,
                    const float *shift, int relu, const float *a, const float *b, const float *d) {
  const float low = relu ? 0.f : -3e38f, high = relu ? 6.f : 3e38f;
#pragma omp parallel for schedule(static)
  for (long r = 0; r < rows; r++) {
    const uint16_t *in = x + r * c, *grad = dy + r * c;
    uint16_t *out = dx + r * c;
    for (long k = 0; k < c; k++) {
      float v = widen(in[k]), y = v * scale[k] + shift[k], g = widen(grad[k]);
      g = (y > low) & (y < high) ? g : 0.f;
      out[k] = narrow(a[k] * g + b[k] * v + d[k]);
    }
  }
}
