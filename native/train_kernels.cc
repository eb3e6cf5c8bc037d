#include "train_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd.h"
#include "train_kernel_sets.h"

namespace canopy {

const TrainKernels* FindTrainKernels(const char* name) {
  for (const TrainKernels* set :
       {PlainTrainKernels(), PortableTrainKernels(), Avx2TrainKernels(), Avx512TrainKernels()}) {
    if (set != nullptr && std::strcmp(set->name, name) == 0) return set;
  }
  return nullptr;
}

const TrainKernels& ChosenTrainKernels() {
  const Simd simd = ActiveSimd();
  if (simd >= Simd::kAvx512 && Avx512TrainKernels() != nullptr) return *Avx512TrainKernels();
  if (simd >= Simd::kAvx2 && Avx2TrainKernels() != nullptr) return *Avx2TrainKernels();
  // Without x86 there is one level, and it is not the user's wish.
#ifdef CANOPY_X86
  if (simd == Simd::kScalar) return *PlainTrainKernels();
#endif
  return *PortableTrainKernels();
}

void PackPanels(Matrix w, size_t depth, size_t columns, size_t used, bool is_transposed, size_t panel, float* packed) {
  for (size_t first = 0; first < columns; first += panel) {
    const size_t width = std::min(panel, columns - first);
    const size_t filled = first < used ? std::min(width, used - first) : 0;
    float* const out = packed + first * depth;
    if (filled < width) std::fill_n(out, width * depth, 0.0f);
    if (is_transposed) {
      for (size_t c = 0; c < filled; c++) {
        const float* const from = w.data + (first + c) * w.stride;
        for (size_t d = 0; d < depth; d++) out[d * width + c] = from[d];
      }
    } else {
      for (size_t d = 0; d < depth; d++) std::copy_n(w.data + d * w.stride + first, filled, out + d * width);
    }
  }
}

float ApplyActivation(const Activation& activation, float x) {
  // With these comparisons NaN stays NaN.
  const auto clip = [](float value, float low, float high) { return value < low ? low : value > high ? high : value; };
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return x;
    case ActivationKind::kClip:
      return clip(x, activation.low, activation.high);
    case ActivationKind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case ActivationKind::kHardSigmoid:
      return clip(activation.low * x + activation.high, 0, 1);
    case ActivationKind::kHardSwish:
      return x * clip(x / 6 + 0.5f, 0, 1);
  }
  return x;
}

float DerivativeOf(const Activation& activation, float y) {
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      return 1;
    case ActivationKind::kClip:
      return y > activation.low && y < activation.high ? 1 : 0;
    case ActivationKind::kSigmoid:
      return y * (1 - y);
    case ActivationKind::kHardSigmoid:
      return y > 0 && y < 1 ? activation.low : 0;
    case ActivationKind::kHardSwish:
      return y <= -3 ? 0 : y >= 3 ? 1 : y / 3 + 0.5f;
  }
  return 1;
}

}  // namespace canopy
