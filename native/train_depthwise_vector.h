// Depthwise convolution, forward and back, on vectors; included after train_kernels_vector.h, as that is. One vector of
// channels is done for the whole map before the next, so that its weights and their gradient stay in registers. Rows
// beyond the map are read from a row of zeros; columns beyond it are left out.

// The rows of a map that the taps ky of a window see, or zeros; `first` may lie before the map.
template <int kKernel>
CANOPY_INLINE void FindRows(const float* map, ptrdiff_t first, ptrdiff_t step, size_t height, size_t row_floats,
                            const float* zeros, const float* (&rows)[kKernel]) {
  for (int i = 0; i < kKernel; i++) {
    const ptrdiff_t y = first + i * step;
    rows[i] = y < 0 || y >= static_cast<ptrdiff_t>(height) ? zeros : map + static_cast<size_t>(y) * row_floats;
  }
}

template <int kKernel, bool kInside>
CANOPY_INLINE Vec WindowSum(const float* const (&rows)[kKernel], const Vec (&w)[kKernel * kKernel], ptrdiff_t left,
                            ptrdiff_t width, size_t channels) {
  Vec sums[kKernel] = {};
  CANOPY_UNROLL
  for (int kx = 0; kx < kKernel; kx++) {
    const ptrdiff_t x = left + kx;
    if (!kInside && (x < 0 || x >= width)) continue;
    CANOPY_UNROLL
    for (int ky = 0; ky < kKernel; ky++) {
      sums[ky] += Load(rows[ky] + x * static_cast<ptrdiff_t>(channels)) * w[ky * kKernel + kx];
    }
  }
  Vec sum = sums[0];
  CANOPY_UNROLL
  for (int ky = 1; ky < kKernel; ky++) sum += sums[ky];
  return sum;
}

template <int kKernel>
static void DepthwiseMap(const DepthwiseShape& shape, const float* x, const float* weight, const float* zeros,
                         const Finish& finish, float* y) {
  const size_t channels = shape.input.stride();
  const KernelWindow& window = shape.window;
  const ptrdiff_t width = static_cast<ptrdiff_t>(shape.input.width);
  for (size_t c = 0; c < channels; c += kLanes) {
    Vec w[kKernel * kKernel];
    for (int tap = 0; tap < kKernel * kKernel; tap++) w[tap] = Load(weight + tap * channels + c);
    for (size_t oy = 0; oy < shape.output.height; oy++) {
      const float* rows[kKernel];
      const ptrdiff_t top = static_cast<ptrdiff_t>(oy * window.stride_y) - static_cast<ptrdiff_t>(window.pad_top);
      FindRows<kKernel>(x + c, top, 1, shape.input.height, shape.input.width * channels, zeros, rows);
      for (size_t ox = 0; ox < shape.output.width; ox++) {
        const ptrdiff_t left = static_cast<ptrdiff_t>(ox * window.stride_x) - static_cast<ptrdiff_t>(window.pad_left);
        const Vec sum = left >= 0 && left + kKernel <= width
                            ? WindowSum<kKernel, true>(rows, w, left, width, channels)
                            : WindowSum<kKernel, false>(rows, w, left, width, channels);
        const size_t at = (oy * shape.output.width + ox) * channels + c;
        Store(y + at, Finished(finish, sum, c, at, y));
      }
    }
  }
}

// What one pixel of the input gets from the outputs that see it, and gives to the weights' gradient. Its taps are those
// from kPhaseY and kPhaseX on, kStride apart; tap kx belongs to output column right - (kx - kPhaseX) / kStride.
template <int kKernel, int kStride, int kPhaseY, int kPhaseX, bool kInside>
CANOPY_INLINE Vec PixelBack(const float* const (&rows)[kKernel], Vec x, const float* w, ptrdiff_t right,
                            ptrdiff_t width, size_t channels, Vec* dw) {
  Vec sum = {};
  CANOPY_UNROLL
  for (int kx = kPhaseX; kx < kKernel; kx += kStride) {
    const ptrdiff_t column = right - (kx - kPhaseX) / kStride;
    if (!kInside && (column < 0 || column >= width)) continue;
    CANOPY_UNROLL
    for (int ky = kPhaseY; ky < kKernel; ky += kStride) {
      const Vec dy = Load(rows[(ky - kPhaseY) / kStride] + column * static_cast<ptrdiff_t>(channels));
      const int tap = ky * kKernel + kx;
      sum += dy * Load(w + tap * channels);
      dw[tap] += dy * x;
    }
  }
  return sum;
}

struct DepthwiseBackCall {
  const DepthwiseShape& shape;
  const float *x, *dy, *weight, *zeros;
  const Finish& finish;
  float* dx;
};

template <int kKernel, int kStride, int kPhaseY, int kPhaseX>
static void RowBack(const DepthwiseBackCall& call, size_t iy, size_t c, Vec* dw) {
  const DepthwiseShape& shape = call.shape;
  const size_t channels = shape.input.stride();
  const ptrdiff_t width = static_cast<ptrdiff_t>(shape.output.width);
  const size_t pad = shape.window.pad_left;
  constexpr int kReach = (kKernel - 1 - kPhaseX) / kStride;
  const float* rows[kKernel];
  const size_t bottom = (iy + shape.window.pad_top - kPhaseY) / kStride;
  FindRows<kKernel>(call.dy + c, static_cast<ptrdiff_t>(bottom), -1, shape.output.height, shape.output.width * channels,
                    call.zeros, rows);
  Vec sums[kKernel * kKernel];
  CANOPY_UNROLL
  for (int tap = 0; tap < kKernel * kKernel; tap++) sums[tap] = dw[tap];
  const size_t first = (kPhaseX + kStride - pad % kStride) % kStride;
  for (size_t ix = first; ix < shape.input.width; ix += kStride) {
    const size_t at = (iy * shape.input.width + ix) * channels + c;
    const ptrdiff_t right = static_cast<ptrdiff_t>(ix + pad - kPhaseX) / kStride;
    const Vec x = Load(call.x + at);
    const float* const w = call.weight + c;
    const Vec sum =
        right < width && right >= kReach
            ? PixelBack<kKernel, kStride, kPhaseY, kPhaseX, true>(rows, x, w, right, width, channels, sums)
            : PixelBack<kKernel, kStride, kPhaseY, kPhaseX, false>(rows, x, w, right, width, channels, sums);
    if (call.dx != nullptr) Store(call.dx + at, Finished(call.finish, sum, c, at, call.dx));
  }
  CANOPY_UNROLL
  for (int tap = 0; tap < kKernel * kKernel; tap++) dw[tap] = sums[tap];
}

template <int kKernel, int kStride>
static void DepthwiseMapBack(const DepthwiseBackCall& call, float* weight_gradient) {
  const size_t channels = call.shape.input.stride();
  const size_t pad = call.shape.window.pad_top;
  for (size_t c = 0; c < channels; c += kLanes) {
    Vec dw[kKernel * kKernel] = {};
    for (size_t iy = 0; iy < call.shape.input.height; iy++) {
      if constexpr (kStride == 1) {
        RowBack<kKernel, 1, 0, 0>(call, iy, c, dw);
      } else if ((iy + pad) % 2 == 0) {
        RowBack<kKernel, 2, 0, 0>(call, iy, c, dw);
        RowBack<kKernel, 2, 0, 1>(call, iy, c, dw);
      } else {
        RowBack<kKernel, 2, 1, 0>(call, iy, c, dw);
        RowBack<kKernel, 2, 1, 1>(call, iy, c, dw);
      }
    }
    for (int tap = 0; tap < kKernel * kKernel; tap++) {
      float* const out = weight_gradient + tap * channels + c;
      Store(out, Load(out) + dw[tap]);
    }
  }
}

static bool IsSquare(const KernelWindow& window, size_t kernel) {
  return window.kernel_height == kernel && window.kernel_width == kernel;
}

// Windows of other sizes are rare, and left to the reference.
static void Depthwise(const DepthwiseShape& shape, const float* x, const float* weight, const float* zeros,
                      const Finish& finish, float* y) {
  if (IsSquare(shape.window, 3)) return DepthwiseMap<3>(shape, x, weight, zeros, finish, y);
  if (IsSquare(shape.window, 5)) return DepthwiseMap<5>(shape, x, weight, zeros, finish, y);
  PlainTrainKernels()->depthwise(shape, x, weight, zeros, finish, y);
}

static void DepthwiseBack(const DepthwiseShape& shape, const float* x, const float* dy, const float* weight,
                          const float* zeros, const Finish& finish, float* dx, float* weight_gradient) {
  const DepthwiseBackCall call{shape, x, dy, weight, zeros, finish, dx};
  const KernelWindow& window = shape.window;
  const bool is_even = window.stride_y == window.stride_x && window.stride_x <= 2;
  if (is_even && IsSquare(window, 3)) {
    return window.stride_x == 1 ? DepthwiseMapBack<3, 1>(call, weight_gradient)
                                : DepthwiseMapBack<3, 2>(call, weight_gradient);
  }
  if (is_even && IsSquare(window, 5)) {
    return window.stride_x == 1 ? DepthwiseMapBack<5, 1>(call, weight_gradient)
                                : DepthwiseMapBack<5, 2>(call, weight_gradient);
  }
  PlainTrainKernels()->depthwise_back(shape, x, dy, weight, zeros, finish, dx, weight_gradient);
}
