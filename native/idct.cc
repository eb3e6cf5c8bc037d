#include "idct.h"

#include <cstring>

#include "idct_x86.h"
#include "simd.h"

namespace canopy {
namespace {

constexpr int kFractionBits = 13;
constexpr int kPass1Bits = 2;

// Arithmetic is modulo 2^32, as that of SIMD registers is.
constexpr uint32_t Factor(double factor) { return static_cast<uint32_t>(factor * (1 << kFractionBits) + 0.5); }

template <int kShift>
inline int32_t Descale(uint32_t sum) {
  return static_cast<int32_t>(sum + (1u << (kShift - 1))) >> kShift;
}

inline int32_t Clamp(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

// One dimension for eight columns at once, after Loeffler, Ligtenberg and Moschytz (1989), "Practical fast 1-D DCT
// algorithms with 11 multiplications". `in` and `out` are [8, 8]; the transform runs along the first axis.
template <int kShift>
inline void Transform(const int32_t* in, int32_t* out) {
  for (int x = 0; x < 8; x++) {
    uint32_t v[8];
    for (int y = 0; y < 8; y++) v[y] = static_cast<uint32_t>(in[8 * y + x]);
    const uint32_t even = (v[2] + v[6]) * Factor(0.541196100);
    const uint32_t c2 = even - v[6] * Factor(1.847759065);
    const uint32_t c3 = even + v[2] * Factor(0.765366865);
    const uint32_t c0 = (v[0] + v[4]) << kFractionBits;
    const uint32_t c1 = (v[0] - v[4]) << kFractionBits;
    const uint32_t e[4] = {c0 + c3, c1 + c2, c1 - c2, c0 - c3};

    const uint32_t odd = (v[7] + v[3] + v[5] + v[1]) * Factor(1.175875602);
    const uint32_t z1 = (v[7] + v[1]) * Factor(0.899976223);
    const uint32_t z2 = (v[5] + v[3]) * Factor(2.562915447);
    const uint32_t z3 = odd - (v[7] + v[3]) * Factor(1.961570560);
    const uint32_t z4 = odd - (v[5] + v[1]) * Factor(0.390180644);
    const uint32_t o[4] = {v[1] * Factor(1.501321110) - z1 + z4, v[3] * Factor(3.072711026) - z2 + z3,
                           v[5] * Factor(2.053119869) - z2 + z4, v[7] * Factor(0.298631336) - z1 + z3};
    for (int i = 0; i < 4; i++) {
      out[8 * i + x] = Clamp(Descale<kShift>(e[i] + o[i]), INT16_MIN, INT16_MAX);
      out[8 * (7 - i) + x] = Clamp(Descale<kShift>(e[i] - o[i]), INT16_MIN, INT16_MAX);
    }
  }
}

inline void Transpose(const int32_t* in, int32_t* out) {
  for (int y = 0; y < 8; y++) {
    for (int x = 0; x < 8; x++) out[8 * x + y] = in[8 * y + x];
  }
}

void TransformBlock(const int16_t* coefficients, uint8_t* samples, size_t stride) {
  int32_t a[64];
  int32_t b[64];
  for (int y = 0; y < 8; y++) {
    for (int x = 0; x < 8; x++) a[8 * y + x] = coefficients[16 * y + x];
  }
  Transform<kFractionBits - kPass1Bits>(a, b);
  Transpose(b, a);
  Transform<kFractionBits + kPass1Bits + 3>(a, b);
  for (int y = 0; y < 8; y++) {
    for (int x = 0; x < 8; x++) {
      samples[static_cast<size_t>(y) * stride + static_cast<size_t>(x)] =
          static_cast<uint8_t>(Clamp(b[8 * x + y] + 128, 0, 255));
    }
  }
}

void InverseDctScalar(BlockPair* blocks, BlockFill fill, uint8_t* samples, size_t stride) {
  for (int block = 0; block < 2; block++, samples += 8) {
    int16_t* coefficients = blocks->coefficients + 8 * block;
    if (fill == BlockFill::kDc) {
      for (size_t y = 0; y < 8; y++) std::memset(samples + y * stride, FlatSample(coefficients[0]), 8);
    } else {
      TransformBlock(coefficients, samples, stride);
    }
  }
  std::memset(blocks->coefficients, 0, sizeof(blocks->coefficients));
}

}  // namespace

InverseDct ActiveInverseDct() {
#ifdef CANOPY_X86
  if (ActiveSimd() == Simd::kAvx2) return InverseDctAvx2;
#endif
  return InverseDctScalar;
}

}  // namespace canopy
