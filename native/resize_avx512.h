// What the resize kernels for AVX-512 have in common.
#ifndef CANOPY_NATIVE_RESIZE_AVX512_H_
#define CANOPY_NATIVE_RESIZE_AVX512_H_

#include "avx512.h"
#include "resize_kernels.h"

#ifdef CANOPY_X86

namespace canopy {

void LongHorizontalAvx512(const FilterTable& table, const uint8_t* const* row, uint16_t* out, size_t plane_length);
void LongVerticalAvx512(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                        uint32_t* sums, uint8_t* out);

constexpr uint64_t kHighBytes = 0xAAAAAAAAAAAAAAAA;

// Loads once. Compilers would load again for every use.
CANOPY_AVX512 inline __m512i LoadOnce(const void* from) {
  __m512i value = _mm512_loadu_si512(from);
  __asm__("" : "+v"(value));
  return value;
}

// Of 32 pixels, for each of their 96 bytes its place: R in the low and G in the high bytes of the lanes of one
// register, B in the high bytes of another, 64 further on.
struct MergePlaces {
  alignas(64) uint8_t of[128];
  constexpr MergePlaces() : of{} {
    for (int i = 0; i < 96; i++) {
      const int place = i / 3 * 2 + (i % 3 == 0 ? 0 : 1);
      of[i] = static_cast<uint8_t>(i % 3 == 2 ? 64 + place : place);
    }
  }
};
constexpr MergePlaces kMergePlaces;

// The high bytes of three times 32 lanes as RGB; only the first `pixels` of them if that is less than 32.
CANOPY_AVX512 inline void StoreRgb(__m512i r, __m512i g, __m512i b, int pixels, uint8_t* out) {
  const __m512i rg = _mm512_mask_blend_epi8(kHighBytes, _mm512_srli_epi16(r, 8), g);
  const __m512i low = _mm512_permutex2var_epi8(rg, _mm512_load_si512(kMergePlaces.of), b);
  const __m512i high = _mm512_permutex2var_epi8(rg, _mm512_load_si512(kMergePlaces.of + 64), b);
  if (pixels >= 32) {
    _mm512_storeu_si512(out, low);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + 64), _mm512_castsi512_si256(high));
  } else {
    const unsigned bytes = static_cast<unsigned>(pixels) * 3;
    _mm512_mask_storeu_epi8(out, bytes >= 64 ? ~uint64_t{0} : (uint64_t{1} << bytes) - 1, low);
    _mm512_mask_storeu_epi8(out + 64, bytes > 64 ? (uint64_t{1} << (bytes - 64)) - 1 : 0, high);
  }
}

}  // namespace canopy

#endif  // CANOPY_X86

#endif  // CANOPY_NATIVE_RESIZE_AVX512_H_
