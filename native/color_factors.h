// What the kernels of YCbCr to RGB have in common.
#ifndef CANOPY_NATIVE_COLOR_FACTORS_H_
#define CANOPY_NATIVE_COLOR_FACTORS_H_

#include <cstdint>

namespace canopy {

// libjpeg's coefficients of ITU-R BT.601 in 16.16: 1.402, 0.344136, 0.714136, 1.772.
constexpr int kCrToR = 91881;
constexpr int kCbToG = 22554;
constexpr int kCrToG = 46802;
constexpr int kCbToB = 116130;
constexpr int kHalf = 32768;

// Rounding of the triangle filters for the left and the right of two results. libjpeg alternates it.
struct Rounding {
  int left;
  int right;
  int shift;
};
constexpr Rounding kH2v1{1, 2, 2};
constexpr Rounding kH2v2{8, 7, 4};

}  // namespace canopy

#endif  // CANOPY_NATIVE_COLOR_FACTORS_H_
