// The kernels on vectors of kLanes floats. train_kernel_sets.cc includes this file once for each instruction set,
// inside a namespace that defines kName, kLanes, kTileRows, kTileVecs and Sqrt: hence no include guard.

// Loops over registers must be unrolled, or the registers become memory.
#define CANOPY_UNROLL _Pragma("GCC unroll 32")
#define CANOPY_INLINE static inline __attribute__((always_inline))
#define CANOPY_INLINE_LAMBDA __attribute__((always_inline))

typedef float UnalignedVec __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

CANOPY_INLINE Vec Load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
CANOPY_INLINE void Store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }
CANOPY_INLINE Vec Broadcast(float x) { return x - Vec{}; }

// NaN stays NaN.
CANOPY_INLINE Vec Clip(Vec v, float low, float high) {
  const Vec raised = v < Broadcast(low) ? Broadcast(low) : v;
  return raised > Broadcast(high) ? Broadcast(high) : raised;
}

static Vec Activated(const Activation& activation, Vec v) {
  if (activation.kind == ActivationKind::kClip) return Clip(v, activation.low, activation.high);
  if (activation.kind == ActivationKind::kIdentity) return v;
  for (int i = 0; i < kLanes; i++) v[i] = ApplyActivation(activation, v[i]);
  return v;
}

CANOPY_INLINE Vec ClipDerivative(Vec y, float low, float high) {
  const Vec above = y > Broadcast(low) ? Broadcast(1) : Vec{};
  return y < Broadcast(high) ? above : Vec{};
}

static Vec Derivative(const Activation& activation, Vec y) {
  if (activation.kind == ActivationKind::kClip) return ClipDerivative(y, activation.low, activation.high);
  if (activation.kind == ActivationKind::kSigmoid) return y * (Broadcast(1) - y);
  for (int i = 0; i < kLanes; i++) y[i] = DerivativeOf(activation, y[i]);
  return y;
}

// A Finish of which nothing is left but what takes no call. With a call in them, loops would keep no sums in registers.
// Kernels take it by value: after each store, the compiler would read again what lies in memory.
struct QuickFinish {
  const float *bias, *outputs;
  bool adds;
  float low, high;                        // of the activation
  float derivative_low, derivative_high;  // where the derivative is 1

  explicit QuickFinish(const Finish& finish)
      : bias(finish.bias),
        outputs(finish.outputs),
        adds(finish.adds),
        low(finish.activation.low),
        high(finish.activation.high),
        derivative_low(finish.derivative.low),
        derivative_high(finish.derivative.high) {
    if (finish.activation.kind == ActivationKind::kClip) return;
    low = -std::numeric_limits<float>::infinity();
    high = -low;
  }

  Vec Bias(size_t column) const { return bias == nullptr ? Vec{} : Load(bias + column); }
};

static bool IsQuick(const Finish& finish) {
  const ActivationKind kind = finish.activation.kind;
  return (kind == ActivationKind::kIdentity || kind == ActivationKind::kClip) &&
         (finish.outputs == nullptr || finish.derivative.kind == ActivationKind::kClip);
}

// What a quick kernel can do of a Finish, before FinishRest does the rest.
static QuickFinish QuickPart(const Finish& finish) {
  if (IsQuick(finish)) return QuickFinish(finish);
  Finish part;
  part.bias = finish.bias;
  part.adds = finish.adds;
  return QuickFinish(part);
}

static void FinishRest(const Finish& finish, size_t floats, float* out) {
  if (IsQuick(finish)) return;
  for (size_t i = 0; i < floats; i += kLanes) {
    Vec v = Activated(finish.activation, Load(out + i));
    if (finish.outputs != nullptr) v *= Derivative(finish.derivative, Load(finish.outputs + i));
    Store(out + i, v);
  }
}

// Finishes the result at out + at.
CANOPY_INLINE Vec Finished(const QuickFinish& finish, Vec v, Vec bias, size_t at, const float* out) {
  if (finish.adds) v += Load(out + at);
  v = Clip(v + bias, finish.low, finish.high);
  if (finish.outputs != nullptr) {
    v *= ClipDerivative(Load(finish.outputs + at), finish.derivative_low, finish.derivative_high);
  }
  return v;
}

// Matrix products: kRows rows by kVecs vectors of columns are summed in registers.

template <int kRows, int kVecs>
CANOPY_INLINE void StoreTile(const Vec (&sums)[kRows][kVecs], const QuickFinish& finish, size_t column, size_t at,
                             size_t stride, float* c) {
  Vec bias[kVecs];
  CANOPY_UNROLL
  for (int v = 0; v < kVecs; v++) bias[v] = finish.Bias(column + v * kLanes);
  CANOPY_UNROLL
  for (int r = 0; r < kRows; r++) {
    CANOPY_UNROLL
    for (int v = 0; v < kVecs; v++) {
      const size_t place = at + r * stride + v * kLanes;
      Store(c + place, Finished(finish, sums[r][v], bias[v], place, c));
    }
  }
}

template <int kRows, int kVecs>
CANOPY_INLINE void MultiplyTile(Matrix a, const float* panel, size_t depth, size_t columns, const QuickFinish& finish,
                                size_t column, size_t at, float* c) {
  Vec sums[kRows][kVecs] = {};
  for (size_t d = 0; d < depth; d++) {
    Vec bs[kVecs];
    CANOPY_UNROLL
    for (int v = 0; v < kVecs; v++) bs[v] = Load(panel + d * kVecs * kLanes + v * kLanes);
    CANOPY_UNROLL
    for (int r = 0; r < kRows; r++) {
      const Vec x = Broadcast(a.data[r * a.stride + d]);
      CANOPY_UNROLL
      for (int v = 0; v < kVecs; v++) sums[r][v] += x * bs[v];
    }
  }
  StoreTile(sums, finish, column, at, columns, c);
}

template <int kRows>
static void MultiplyRows(Matrix a, const float* packed, size_t row, size_t depth, size_t columns, QuickFinish finish,
                         float* c) {
  constexpr size_t kPanel = kTileVecs * kLanes;
  const Matrix from{a.data + row * a.stride, a.stride};
  for (size_t first = 0; first < columns; first += kPanel) {
    const float* const panel = packed + first * depth;
    const size_t at = row * columns + first;
    if (columns - first >= kPanel) {
      MultiplyTile<kRows, kTileVecs>(from, panel, depth, columns, finish, first, at, c);
    } else {
      MultiplyTile<kRows, 1>(from, panel, depth, columns, finish, first, at, c);
    }
  }
}

// Calls visit(first, integral constant) for blocks of kTileRows, and of fewer at the end, which together make `rows`.
template <typename Visit>
CANOPY_INLINE void ForRowBlocks(size_t rows, const Visit& visit) {
  size_t r = 0;
  const auto blocks = [&](auto size) {
    for (; r + size <= rows; r += size) visit(r, size);
  };
  blocks(std::integral_constant<int, kTileRows>());
  if constexpr (kTileRows > 8) blocks(std::integral_constant<int, 8>());
  blocks(std::integral_constant<int, 4>());
  blocks(std::integral_constant<int, 2>());
  blocks(std::integral_constant<int, 1>());
}

static void Multiply(Matrix a, const float* packed, size_t rows, size_t depth, size_t columns, const Finish& finish,
                     float* c) {
  const QuickFinish quick = QuickPart(finish);
  ForRowBlocks(rows, [&](size_t r, auto size) { MultiplyRows<size>(a, packed, r, depth, columns, quick, c); });
  FinishRest(finish, rows * columns, c);
}

template <int kRows, int kVecs>
static void SumProductsTile(Matrix a, Matrix b, size_t rows, size_t stride, bool adds, float* c) {
  Vec sums[kRows][kVecs] = {};
  for (size_t p = 0; p < rows; p++) {
    const float* const x = a.data + p * a.stride;
    const float* const y = b.data + p * b.stride;
    Vec bs[kVecs];
    CANOPY_UNROLL
    for (int v = 0; v < kVecs; v++) bs[v] = Load(y + v * kLanes);
    CANOPY_UNROLL
    for (int r = 0; r < kRows; r++) {
      CANOPY_UNROLL
      for (int v = 0; v < kVecs; v++) sums[r][v] += x[r] * bs[v];
    }
  }
  CANOPY_UNROLL
  for (int r = 0; r < kRows; r++) {
    CANOPY_UNROLL
    for (int v = 0; v < kVecs; v++) {
      float* const out = c + r * stride + v * kLanes;
      Store(out, adds ? Load(out) + sums[r][v] : sums[r][v]);
    }
  }
}

// Rows whose products are summed before they are added to the result: a block of them stays in the first-level cache.
constexpr size_t kProductRows = 128;

static void SumProducts(Matrix a, size_t a_columns, Matrix b, size_t b_columns, size_t rows, bool adds, float* c) {
  constexpr size_t kPanel = kTileVecs * kLanes;
  for (size_t p = 0; p < rows; p += kProductRows) {
    const size_t count = std::min(kProductRows, rows - p);
    const bool adds_now = adds || p > 0;
    for (size_t first = 0; first < b_columns; first += kPanel) {
      const Matrix right{b.data + p * b.stride + first, b.stride};
      const bool is_whole = b_columns - first >= kPanel;
      ForRowBlocks(a_columns, [&](size_t r, auto size) {
        const Matrix left{a.data + p * a.stride + r, a.stride};
        float* const out = c + r * b_columns + first;
        if (is_whole) return SumProductsTile<size, kTileVecs>(left, right, count, b_columns, adds_now, out);
        SumProductsTile<size, 1>(left, right, count, b_columns, adds_now, out);
      });
    }
  }
}

static void SumRows(Matrix a, size_t rows, size_t columns, bool adds, float* sums) {
  for (size_t c = 0; c < columns; c += kLanes) {
    Vec parts[4] = {};
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      for (size_t i = 0; i < 4; i++) parts[i] += Load(a.data + (r + i) * a.stride + c);
    }
    for (; r < rows; r++) parts[0] += Load(a.data + r * a.stride + c);
    const Vec sum = (parts[0] + parts[1]) + (parts[2] + parts[3]);
    Store(sums + c, adds ? Load(sums + c) + sum : sum);
  }
}

// Element by element.

static void Activate(const float* x, size_t floats, const Activation& activation, float* y) {
  for (size_t i = 0; i < floats; i += kLanes) Store(y + i, Activated(activation, Load(x + i)));
}

static void Add(const float* a, const float* b, size_t floats, float* y) {
  for (size_t i = 0; i < floats; i += kLanes) Store(y + i, Load(a + i) + Load(b + i));
}

static void Scale(const float* a, Matrix factor, size_t pixels, size_t channels, float* y) {
  for (size_t p = 0; p < pixels; p++) {
    for (size_t c = 0; c < channels; c += kLanes) {
      const size_t at = p * channels + c;
      Store(y + at, Load(a + at) * Load(factor.data + p * factor.stride + c));
    }
  }
}

static void SumPixels(const float* a, const float* b, size_t pixels, size_t channels, float scale, const Finish& finish,
                      float* y) {
  const QuickFinish quick = QuickPart(finish);
  for (size_t c = 0; c < channels; c += kLanes) {
    Vec sum = {};
    for (size_t at = c; at < pixels * channels; at += channels) {
      sum += b == nullptr ? Load(a + at) : Load(a + at) * Load(b + at);
    }
    Store(y + c, Finished(quick, sum * scale, quick.Bias(c), c, y));
  }
  FinishRest(finish, channels, y);
}

static void Gradient(const GradientProduct& given, size_t pixels, size_t channels, const Finish& finish, float* dx) {
  const GradientProduct product = given;
  const QuickFinish quick = QuickPart(finish);
  for (size_t p = 0; p < pixels; p++) {
    const float* const gradient = product.gradient.data + p * product.gradient.stride;
    for (size_t c = 0; c < channels; c += kLanes) {
      Vec v = Load(gradient + c) * product.scale;
      if (product.factor.data != nullptr) {
        const Vec factor = Load(product.factor.data + p * product.factor.stride + c);
        v *= product.is_derivative ? Derivative(product.of, factor) : factor;
      }
      Store(dx + p * channels + c, Finished(quick, v, Vec{}, p * channels + c, dx));
    }
  }
  FinishRest(finish, pixels * channels, dx);
}

static void Adamw(const AdamwStep& given, const float* gradient, size_t parts, size_t part_stride, size_t floats,
                  float* weight, float* first, float* second) {
  const AdamwStep step = given;
  for (size_t i = 0; i < floats; i += kLanes) {
    Vec g = Load(gradient + i);
    for (size_t part = 1; part < parts; part++) g += Load(gradient + part * part_stride + i);
    const Vec m = Load(first + i) * step.beta1 + g * (1 - step.beta1);
    const Vec s = Load(second + i) * step.beta2 + g * g * (1 - step.beta2);
    Store(first + i, m);
    Store(second + i, s);
    Store(weight + i, Load(weight + i) * step.decay - m * step.step_size / (Sqrt(s) * step.correction + step.epsilon));
  }
}

#include "train_depthwise_vector.h"

constexpr TrainKernels kKernels = {kName,     kTileVecs* kLanes, Multiply, SumProducts, SumRows,
                                   Depthwise, DepthwiseBack,     Activate, Add,         Scale,
                                   SumPixels, Gradient,          Adamw};
