// Factors of the inverse DCT: Loeffler, Ligtenberg and Moschytz (ICASSP 1989), in Q13 as libjpeg has them.
#ifndef CANOPY_NATIVE_IDCT_FACTORS_H_
#define CANOPY_NATIVE_IDCT_FACTORS_H_

#include <cstdint>

namespace canopy {

constexpr int Q13(double factor) { return static_cast<int>(factor * 8192 + (factor < 0 ? -0.5 : 0.5)); }
constexpr int k0298 = Q13(0.298631336), k0390 = Q13(0.390180644), k0541 = Q13(0.541196100), k0765 = Q13(0.765366865),
              k0899 = Q13(0.899976223), k1175 = Q13(1.175875602), k1501 = Q13(1.501321110), k1847 = Q13(1.847759065),
              k1961 = Q13(1.961570560), k2053 = Q13(2.053119869), k2562 = Q13(2.562915447), k3072 = Q13(3.072711026);

// Shifts of the two passes: the first keeps two bits more than samples have, the second drops them.
constexpr int kShiftFirst = 11;
constexpr int kShiftSecond = 18;
// Rounding; the second pass also adds the centre of the samples.
constexpr int kRoundFirst = 1 << (kShiftFirst - 1);
constexpr int kRoundSecond = (1 << (kShiftSecond - 1)) + (128 << kShiftSecond);

// Two factors for a multiply-and-add of pairs of 16 bits.
constexpr int FactorPair(int first, int second) {
  return static_cast<int>((static_cast<uint32_t>(second) << 16) | (static_cast<uint32_t>(first) & 0xFFFF));
}

}  // namespace canopy

#endif  // CANOPY_NATIVE_IDCT_FACTORS_H_
