// Depthwise convolution, forward and back, on vectors; part of train_kernels_vector.h. One vector of
// channels is done for a band of rows before the next, so that its weights and their gradient stay in registers. Rows
// beyond the map are read from a row of zeros; columns beyond it are left out.

// Rows of a band: as many as the first-level cache may hold.
static size_t BandRows(const MapShape& shape) {
  constexpr size_t kBandFloats = 1 << 13;
  return std::max<size_t>(1, kBandFloats / (shape.width * shape.stride()));
}

// The rows of a map that the taps ky of a window see, or zeros; `first` may lie before the map.
template <int kKernel>
CANOPY_INLINE void FindRows(const float* map, ptrdiff_t first, ptrdiff_t step, size_t height, size_t row_floats,
                            const float* zeros, const float* (&rows)[kKernel]) {
  for (int i = 0; i < kKernel; i++) {
    const ptrdiff_t y = first + i * step;
    rows[i] = y < 0 || y >= static_cast<ptrdiff_t>(height) ? zeros : map + static_cast<size_t>(y) * row_floats;
  }
}

// The sum of a window whose left column is `left`; `offset` is that column's place in a row.
template <int kKernel, bool kInside>
CANOPY_INLINE Vec WindowSum(const float* const (&rows)[kKernel], const Vec (&w)[kKernel * kKernel], ptrdiff_t left,
                            ptrdiff_t width, ptrdiff_t channels) {
  const ptrdiff_t offset = left * channels;
  Vec sums[kKernel] = {};
  CANOPY_UNROLL
  for (int kx = 0; kx < kKernel; kx++) {
    if (!kInside && (left + kx < 0 || left + kx >= width)) continue;
    CANOPY_UNROLL
    for (int ky = 0; ky < kKernel; ky++) sums[ky] += Load(rows[ky] + offset + kx * channels) * w[ky * kKernel + kx];
  }
  Vec sum = sums[0];
  CANOPY_UNROLL
  for (int ky = 1; ky < kKernel; ky++) sum += sums[ky];
  return sum;
}

// Output rows [first, last).
template <int kKernel>
static void DepthwiseBand(const DepthwiseShape& shape, size_t first, size_t last, const float* x, const float* weight,
                          const float* zeros, QuickFinish finish, float* y) {
  const size_t channels = shape.input.stride();
  const ptrdiff_t signed_channels = static_cast<ptrdiff_t>(channels);
  const ptrdiff_t width = static_cast<ptrdiff_t>(shape.input.width);
  const ptrdiff_t stride = static_cast<ptrdiff_t>(shape.window.stride_x);
  const ptrdiff_t pad = static_cast<ptrdiff_t>(shape.window.pad_left);
  const ptrdiff_t end = static_cast<ptrdiff_t>(shape.output.width);
  // Columns [inside, beyond) see nothing beyond the map.
  const ptrdiff_t inside = std::min((pad + stride - 1) / stride, end);
  const ptrdiff_t last_left = width - kKernel + pad;
  const ptrdiff_t beyond = std::max(inside, last_left < 0 ? 0 : std::min(last_left / stride + 1, end));
  for (size_t c = 0; c < channels; c += kLanes) {
    Vec w[kKernel * kKernel];
    CANOPY_UNROLL
    for (int tap = 0; tap < kKernel * kKernel; tap++) w[tap] = Load(weight + tap * channels + c);
    const Vec bias = finish.Bias(c);
    for (size_t oy = first; oy < last; oy++) {
      const float* rows[kKernel];
      const ptrdiff_t top =
          static_cast<ptrdiff_t>(oy * shape.window.stride_y) - static_cast<ptrdiff_t>(shape.window.pad_top);
      FindRows<kKernel>(x + c, top, 1, shape.input.height, shape.input.width * channels, zeros, rows);
      float* const out = y + oy * shape.output.width * channels + c;
      const auto run = [&](ptrdiff_t from, ptrdiff_t to, auto is_inside) CANOPY_INLINE_LAMBDA {
        for (ptrdiff_t ox = from; ox < to; ox++) {
          const Vec sum = WindowSum<kKernel, is_inside>(rows, w, ox * stride - pad, width, signed_channels);
          Store(out + ox * signed_channels, Clip(sum + bias, finish.low, finish.high));
        }
      };
      run(0, inside, std::false_type());
      run(inside, beyond, std::true_type());
      run(beyond, end, std::false_type());
    }
  }
}

template <int kKernel>
static void DepthwiseMap(const DepthwiseShape& shape, const float* x, const float* weight, const float* zeros,
                         QuickFinish finish, float* y) {
  const size_t rows = BandRows(shape.output);
  for (size_t first = 0; first < shape.output.height; first += rows) {
    const size_t last = std::min(first + rows, shape.output.height);
    DepthwiseBand<kKernel>(shape, first, last, x, weight, zeros, finish, y);
  }
}

// What one pixel of the input gets from the outputs that see it, and gives to the weights' gradient. Its taps are those
// from kPhaseY and kPhaseX on, kStride apart; tap kx belongs to output column right - (kx - kPhaseX) / kStride.
template <int kKernel, int kStride, int kPhaseY, int kPhaseX, bool kInside>
CANOPY_INLINE Vec PixelBack(const float* const (&rows)[kKernel], Vec x, const Vec (&w)[kKernel * kKernel],
                            ptrdiff_t right, ptrdiff_t width, ptrdiff_t channels, Vec (&dw)[kKernel * kKernel]) {
  Vec sum = {};
  CANOPY_UNROLL
  for (int kx = kPhaseX; kx < kKernel; kx += kStride) {
    const ptrdiff_t column = right - (kx - kPhaseX) / kStride;
    if (!kInside && (column < 0 || column >= width)) continue;
    CANOPY_UNROLL
    for (int ky = kPhaseY; ky < kKernel; ky += kStride) {
      const Vec dy = Load(rows[(ky - kPhaseY) / kStride] + column * channels);
      sum += dy * w[ky * kKernel + kx];
      dw[ky * kKernel + kx] += dy * x;
    }
  }
  return sum;
}

struct DepthwiseBackCall {
  const DepthwiseShape& shape;
  const float *x, *dy, *weight, *zeros;
  const QuickFinish& finish;
  float* dx;
};

template <int kKernel, int kStride, int kPhaseY, int kPhaseX>
static void RowBack(const DepthwiseBackCall& call, size_t iy, size_t c, float* weight_gradient) {
  const DepthwiseShape& shape = call.shape;
  const QuickFinish finish = call.finish;
  const size_t channels = shape.input.stride();
  const ptrdiff_t signed_channels = static_cast<ptrdiff_t>(channels);
  const ptrdiff_t width = static_cast<ptrdiff_t>(shape.output.width);
  const float* rows[kKernel];
  const size_t bottom = (iy + shape.window.pad_top - kPhaseY) / kStride;
  FindRows<kKernel>(call.dy + c, static_cast<ptrdiff_t>(bottom), -1, shape.output.height, shape.output.width * channels,
                    call.zeros, rows);
  Vec w[kKernel * kKernel];
  Vec dw[kKernel * kKernel];
  CANOPY_UNROLL
  for (int tap = 0; tap < kKernel * kKernel; tap++) {
    w[tap] = Load(call.weight + tap * channels + c);
    dw[tap] = Load(weight_gradient + tap * channels + c);
  }
  const size_t row = iy * shape.input.width * channels + c;
  const float* const x = call.x + row;
  float* const dx = call.dx == nullptr ? nullptr : call.dx + row;
  const float* const outputs = finish.outputs == nullptr ? nullptr : finish.outputs + row;
  const ptrdiff_t pad = static_cast<ptrdiff_t>(shape.window.pad_left);
  const ptrdiff_t end = static_cast<ptrdiff_t>(shape.input.width);
  // Column ix is seen from output columns right - kReach to right, where right = (ix + pad - kPhaseX) / kStride.
  constexpr ptrdiff_t kReach = (kKernel - 1 - kPhaseX) / kStride;
  const ptrdiff_t first = (kPhaseX + kStride - pad % kStride) % kStride;
  const auto run = [&](ptrdiff_t from, ptrdiff_t to, auto is_inside) CANOPY_INLINE_LAMBDA {
    ptrdiff_t ix = from;
    for (; ix < to; ix += kStride) {
      const ptrdiff_t at = ix * signed_channels;
      const ptrdiff_t right = (ix + pad - kPhaseX) / kStride;
      Vec v = PixelBack<kKernel, kStride, kPhaseY, kPhaseX, is_inside>(rows, Load(x + at), w, right, width,
                                                                       signed_channels, dw);
      if (dx == nullptr) continue;
      if (finish.adds) v += Load(dx + at);
      if (outputs != nullptr) v *= ClipDerivative(Load(outputs + at), finish.derivative_low, finish.derivative_high);
      Store(dx + at, v);
    }
    return ix;
  };
  const ptrdiff_t inside = run(first, std::min(kReach * kStride + kPhaseX - pad, end), std::false_type());
  const ptrdiff_t beyond = run(inside, std::min(width * kStride + kPhaseX - pad, end), std::true_type());
  run(beyond, end, std::false_type());
  CANOPY_UNROLL
  for (int tap = 0; tap < kKernel * kKernel; tap++) Store(weight_gradient + tap * channels + c, dw[tap]);
}

// Input rows [top, bottom).
template <int kKernel, int kStride>
static void DepthwiseBandBack(const DepthwiseBackCall& call, size_t top, size_t bottom, float* weight_gradient) {
  const size_t pad = call.shape.window.pad_top;
  for (size_t c = 0; c < call.shape.input.stride(); c += kLanes) {
    for (size_t iy = top; iy < bottom; iy++) {
      if constexpr (kStride == 1) {
        RowBack<kKernel, 1, 0, 0>(call, iy, c, weight_gradient);
      } else if ((iy + pad) % 2 == 0) {
        RowBack<kKernel, 2, 0, 0>(call, iy, c, weight_gradient);
        RowBack<kKernel, 2, 0, 1>(call, iy, c, weight_gradient);
      } else {
        RowBack<kKernel, 2, 1, 0>(call, iy, c, weight_gradient);
        RowBack<kKernel, 2, 1, 1>(call, iy, c, weight_gradient);
      }
    }
  }
}

template <int kKernel, int kStride>
static void DepthwiseMapBack(const DepthwiseBackCall& call, float* weight_gradient) {
  const MapShape& input = call.shape.input;
  const size_t rows = BandRows(input);
  for (size_t top = 0; top < input.height; top += rows) {
    DepthwiseBandBack<kKernel, kStride>(call, top, std::min(top + rows, input.height), weight_gradient);
  }
}

static bool IsSquare(const KernelWindow& window, size_t kernel) {
  return window.kernel_height == kernel && window.kernel_width == kernel;
}

// Windows of other sizes are rare, and left to the reference.
static void Depthwise(const DepthwiseShape& shape, const float* x, const float* weight, const float* zeros,
                      const Finish& finish, float* y) {
  const QuickFinish quick = QuickPart(finish);
  if (IsSquare(shape.window, 3)) {
    DepthwiseMap<3>(shape, x, weight, zeros, quick, y);
  } else if (IsSquare(shape.window, 5)) {
    DepthwiseMap<5>(shape, x, weight, zeros, quick, y);
  } else {
    return PlainTrainKernels()->depthwise(shape, x, weight, zeros, finish, y);
  }
  FinishRest(finish, shape.output.floats(), y);
}

static void DepthwiseBack(const DepthwiseShape& shape, const float* x, const float* dy, const float* weight,
                          const float* zeros, const Finish& finish, float* dx, float* weight_gradient) {
  const QuickFinish quick = QuickPart(finish);
  const DepthwiseBackCall call{shape, x, dy, weight, zeros, quick, dx};
  const KernelWindow& window = shape.window;
  const bool is_even = window.stride_y == window.stride_x && window.stride_x <= 2;
  if (is_even && IsSquare(window, 3)) {
    window.stride_x == 1 ? DepthwiseMapBack<3, 1>(call, weight_gradient)
                         : DepthwiseMapBack<3, 2>(call, weight_gradient);
  } else if (is_even && IsSquare(window, 5)) {
    window.stride_x == 1 ? DepthwiseMapBack<5, 1>(call, weight_gradient)
                         : DepthwiseMapBack<5, 2>(call, weight_gradient);
  } else {
    return PlainTrainKernels()->depthwise_back(shape, x, dy, weight, zeros, finish, dx, weight_gradient);
  }
  if (dx != nullptr) FinishRest(finish, shape.input.floats(), dx);
}
