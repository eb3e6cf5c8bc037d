// The inner loops of head.cc, which includes this file once per instruction set, inside a namespace of its own: hence
// no include guard. Matrices are padded: rows of `width` floats, a multiple of 16, the padding zero.

typedef float Vec __attribute__((vector_size(32)));
typedef float UnalignedVec __attribute__((vector_size(32), aligned(4), may_alias));

static inline Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
static inline void Store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

static inline Vec Sqrt(Vec v) {
#ifdef CANOPY_HEAD_FMA
  return reinterpret_cast<Vec>(_mm256_sqrt_ps(reinterpret_cast<__m256>(v)));
#else
  for (int i = 0; i < 8; i++) v[i] = std::sqrt(v[i]);
  return v;
#endif
}

// Pairs first, so that rounding grows with the logarithm of the lanes.
static inline float Sum(Vec v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

// Cuts `count` columns into tiles of 4 and 3 (or fewer, if there are fewer), as even as possible: a single last column
// would be slow.
template <typename Visit>
static inline void ForTiles(size_t count, const Visit& visit) {
  const size_t tiles = (count + 3) / 4;
  for (size_t i = 0, t = 0; i < tiles; i++) {
    const size_t tile = (count - t + (tiles - i) - 1) / (tiles - i);
    visit(t, tile);
    t += tile;
  }
}

template <int kTags, int kRows>
static inline void LogitsTile(const float* x, const float* w, size_t width, size_t x_stride, float* out,
                              size_t out_stride) {
  Vec sums[kTags][kRows] = {};
  for (size_t f = 0; f < width; f += 8) {
    Vec xs[kRows];
    for (int r = 0; r < kRows; r++) xs[r] = Load(x + r * x_stride + f);
    for (int t = 0; t < kTags; t++) {
      const Vec ws = Load(w + t * width + f);
      for (int r = 0; r < kRows; r++) sums[t][r] += ws * xs[r];
    }
  }
  for (int r = 0; r < kRows; r++) {
    for (int t = 0; t < kTags; t++) out[r * out_stride + t] = Sum(sums[t][r]);
  }
}

template <int kTags>
static inline void LogitsStrip(const float* x, size_t rows, const float* w, size_t width, size_t x_stride, float* out,
                               size_t out_stride) {
  size_t r = 0;
  for (; r + 3 <= rows; r += 3) {
    LogitsTile<kTags, 3>(x + r * x_stride, w, width, x_stride, out + r * out_stride, out_stride);
  }
  for (; r < rows; r++) LogitsTile<kTags, 1>(x + r * x_stride, w, width, x_stride, out + r * out_stride, out_stride);
}

// out[r, t] = x[r] . w[t] for rows x [rows, width] and w [count, width].
static void Logits(const float* x, size_t rows, size_t x_stride, const float* w, size_t count, size_t width, float* out,
                   size_t out_stride) {
  ForTiles(count, [&](size_t t, size_t tile) {
    const float* from = w + t * width;
    switch (tile) {
      case 4:
        return LogitsStrip<4>(x, rows, from, width, x_stride, out + t, out_stride);
      case 3:
        return LogitsStrip<3>(x, rows, from, width, x_stride, out + t, out_stride);
      case 2:
        return LogitsStrip<2>(x, rows, from, width, x_stride, out + t, out_stride);
      default:
        return LogitsStrip<1>(x, rows, from, width, x_stride, out + t, out_stride);
    }
  });
}

// Gradient of kTags tags for the 16 features at x: sum over rows of delta[r, t] * x[r, f]; `apply(t, half, gradient)`
// takes it.
template <int kTags, typename Apply>
static inline void GradientTile(const float* x, size_t rows, size_t x_stride, const float* delta, size_t delta_stride,
                                const Apply& apply) {
  Vec sums[kTags][2] = {};
  for (size_t r = 0; r < rows; r++) {
    const Vec low = Load(x + r * x_stride);
    const Vec high = Load(x + r * x_stride + 8);
    for (int t = 0; t < kTags; t++) {
      const float d = delta[r * delta_stride + t];
      sums[t][0] += low * d;
      sums[t][1] += high * d;
    }
  }
  for (int t = 0; t < kTags; t++) {
    apply(t, 0, sums[t][0]);
    apply(t, 8, sums[t][1]);
  }
}

// Calls apply(offset, gradient) for each 8 floats of the gradient [count, width] of x [rows, width] and delta [rows,
// count].
template <typename Apply>
static inline void Gradient(const float* x, size_t rows, size_t x_stride, const float* delta, size_t count,
                            size_t width, const Apply& apply) {
  for (size_t f = 0; f < width; f += 16) {
    ForTiles(count, [&](size_t t, size_t tile) {
      const auto at = [&](size_t tag, size_t half, Vec gradient) { apply((t + tag) * width + f + half, gradient); };
      switch (tile) {
        case 4:
          return GradientTile<4>(x + f, rows, x_stride, delta + t, count, at);
        case 3:
          return GradientTile<3>(x + f, rows, x_stride, delta + t, count, at);
        case 2:
          return GradientTile<2>(x + f, rows, x_stride, delta + t, count, at);
        default:
          return GradientTile<1>(x + f, rows, x_stride, delta + t, count, at);
      }
    });
  }
}

// Keras 3: epsilon is inside the square root here, outside it for Adam.
static inline void Rmsprop(const StepConstants& c, float* w, float* mean, float* momentum, Vec g) {
  const Vec mean_square = Load(mean) * c.rho + (g * g) * c.one_minus_rho;
  Store(mean, mean_square);
  Vec step = (g * c.learning_rate) / Sqrt(mean_square + c.epsilon);
  if (momentum != nullptr) {
    step = Load(momentum) * c.momentum + step;
    Store(momentum, step);
  }
  Store(w, Load(w) - step);
}

static inline void Adam(const StepConstants& c, float* w, float* first, float* second, Vec g) {
  const Vec m = Load(first) + (g - Load(first)) * c.one_minus_beta1;
  const Vec v = Load(second) + (g * g - Load(second)) * c.one_minus_beta2;
  Store(first, m);
  Store(second, v);
  Store(w, Load(w) - (m * c.learning_rate) / (Sqrt(v) + c.epsilon));
}

static inline void Sgd(const StepConstants& c, float* w, float* velocity, Vec g) {
  Vec step = -(g * c.learning_rate);
  if (velocity != nullptr) {
    const Vec kept = Load(velocity) * c.momentum + step;
    Store(velocity, kept);
    step = c.nesterov ? kept * c.momentum + step : kept;
  }
  Store(w, Load(w) + step);
}

static inline void Update(const StepConstants& c, float* w, float* moment0, float* moment1, Vec gradient) {
  switch (c.kind) {
    case OptimizerKind::kRmsprop:
      return Rmsprop(c, w, moment0, moment1, gradient);
    case OptimizerKind::kAdam:
      return Adam(c, w, moment0, moment1, gradient);
    case OptimizerKind::kSgd:
      return Sgd(c, w, moment0, gradient);
  }
}

// The bias gradient, in the same padded form as a row of weights: [padded tags].
static inline void UpdateBias(const StepConstants& c, const PaddedState& state, const float* delta, size_t rows) {
  for (size_t t = 0; t < state.padded_tags; t += 8) {
    Vec gradient = {};
    for (size_t i = 0; i < 8 && t + i < state.num_tags; i++) {
      for (size_t r = 0; r < rows; r++) gradient[i] += delta[r * state.num_tags + t + i];
    }
    Update(c, state.bias + t, At(state.bias_moments[0], t), At(state.bias_moments[1], t), gradient);
  }
}

// One optimiser step from x [rows, width] and delta [rows, tags]. The gradient is never written to memory.
static void Step(const StepConstants& c, const PaddedState& state, const float* x, size_t rows, size_t x_stride,
                 const float* delta) {
  float* const moment0 = state.moments[0];
  float* const moment1 = state.moments[1];
  Gradient(x, rows, x_stride, delta, state.num_tags, state.width, [&](size_t offset, Vec gradient) {
    Update(c, state.weight + offset, At(moment0, offset), At(moment1, offset), gradient);
  });
  UpdateBias(c, state, delta, rows);
}

static void AddGradient(const float* x, size_t rows, size_t x_stride, const float* delta, size_t count, size_t width,
                        float* gradient) {
  Gradient(x, rows, x_stride, delta, count, width,
           [&](size_t offset, Vec sum) { Store(gradient + offset, Load(gradient + offset) + sum); });
}
