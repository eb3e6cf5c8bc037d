// The inner loops of the resize. Each exists as a plain scalar reference and, if the CPU allows, as SIMD; all give the
// same bits.
#ifndef CANOPY_NATIVE_RESIZE_KERNELS_H_
#define CANOPY_NATIVE_RESIZE_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace canopy {

constexpr size_t kWeightPadding = 16;
constexpr int kWeightSum = 65535;

// The content of the widest registers: 32 samples in 8.8, or 64 bytes.
struct alignas(64) Lanes {
  uint16_t of[32];
};
struct alignas(64) ByteLanes {
  uint8_t of[64];
};

// The layout of a table for AVX-512. The samples of a block of results are found at `places` within the `windows` (1 or
// 2) windows of 64 source bytes from start + k on; none if `windows` is 0.
struct WideTable {
  int windows = 0;
  std::vector<int> start;         // [blocks]
  std::vector<ByteLanes> places;  // [blocks]

  // Up to kShortTaps taps: blocks of 32 results. Places are those of the first tap, for the high byte of each lane.
  int taps_per_load = 0;       // taps whose samples all lie within the windows of the first of them
  std::vector<Lanes> weights;  // [blocks, taps]
  // More taps: blocks of eight results, eight taps at a time. Places are eight for each result.
  std::vector<ByteLanes> byte_weights;  // [blocks, taps / 8 rounded up, 2]: signed lower bytes, then the rest
};

// Filter weights of one axis: result i is the sum over k < taps of weights[i * taps + k] * source[start[i] + k].
// Weights are Q16 and add up to kWeightSum for each i.
struct FilterTable {
  int source = 0;
  int size = 0;
  int taps = 0;
  std::vector<int> start;
  std::vector<uint16_t> weights;  // and kWeightPadding more, so that kernels can load 16 at a time

  // Up to kShortTaps taps every product is truncated to 8.8 bits at once, so that 16-bit lanes suffice. Products of
  // more taps are summed in 32 bits.
  bool is_short = false;
  WideTable wide;
  // For narrower SIMD, and if the above is not enough: blocks of 16 results in two halves. The samples of a half come
  // from `windows` (1, 2 or 4) windows of 16 source bytes, each for 8, 4 or 2 neighbouring results; 0 if that is not
  // enough.
  int windows = 0;
  std::vector<int> window_start;  // [blocks, 2, windows]
  std::vector<uint8_t> shuffle;  // [blocks, taps, windows, 32]: puts a sample in the high byte of its lane, 0 elsewhere
  std::vector<uint16_t> lane_weights;  // [blocks, taps, 16]
};

constexpr int kShortTaps = 12;

struct ResizeKernels {
  // One row of three planes to `table.size` results each in 8.8; `out` has three planes of `plane_length`, which is a
  // multiple of 32.
  void (*horizontal)(const FilterTable& table, const uint8_t* const* row, uint16_t* out, size_t plane_length);
  // The same for more than kShortTaps taps, summed in 32 bits.
  void (*long_horizontal)(const FilterTable& table, const uint8_t* const* row, uint16_t* out, size_t plane_length);
  // One result row: `rows[k]` are three planes of `plane_length` 8.8 samples; writes `size` RGB pixels. At most
  // kShortTaps taps.
  void (*vertical)(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                   uint8_t* out);
  // The same for more than kShortTaps taps, summed in 32 bits; `sums` has room for three planes.
  void (*long_vertical)(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                        uint32_t* sums, uint8_t* out);
  // Interleaved RGB to planes and back.
  void (*split)(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b);
  void (*merge)(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb);
};

// The same for each of three planes, with a kernel for one plane.
template <void (*kRow)(const FilterTable& table, const uint8_t* row, uint16_t* out)>
void EachPlane(const FilterTable& table, const uint8_t* const* row, uint16_t* out, size_t plane_length) {
  for (size_t c = 0; c < 3; c++) kRow(table, row[c], out + c * plane_length);
}

extern const ResizeKernels kScalarKernels;
void ScalarHorizontal(const FilterTable& table, const uint8_t* row, uint16_t* out);
void ScalarLongHorizontal(const FilterTable& table, const uint8_t* row, uint16_t* out);
void ScalarLongVertical(const uint16_t* const* rows, const uint16_t* weights, int taps, size_t plane_length, int size,
                        uint32_t* sums, uint8_t* out);
// `split` and `merge` of all CPUs with registers of 128 bits; wider ones gain nothing.
void Split128(const uint8_t* rgb, int width, uint8_t* r, uint8_t* g, uint8_t* b);
void Merge128(const uint8_t* r, const uint8_t* g, const uint8_t* b, int width, uint8_t* rgb);

const ResizeKernels& ActiveKernels();

}  // namespace canopy

#endif  // CANOPY_NATIVE_RESIZE_KERNELS_H_
