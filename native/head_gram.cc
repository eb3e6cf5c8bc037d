#include "head_gram.h"

#include <vector>

#include "parallel.h"

namespace canopy {
namespace {

typedef double Vec __attribute__((vector_size(32)));
typedef double UnalignedVec __attribute__((vector_size(32), aligned(8), may_alias));

// Rows of one tile: 2 x 3 sums of four lanes, so that sums and operands fit the registers of SSE2 and of NEON.
constexpr size_t kTall = 2;
constexpr size_t kWide = 3;
// Features of one pass over the tiles: their rows stay in the first and second-level caches.
constexpr size_t kDepth = 256;
// Rows that one piece of work owns.
constexpr size_t kStrip = 16;

inline Vec Load(const double* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline double Sum(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }

// The standardised features, padded with zeros to a multiple of four columns and of the tile's rows.
struct Rows {
  size_t width, padded_rows;
  std::vector<double> data;
};

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

Rows Standardize(const FeatureRows& features, size_t threads) {
  Rows out;
  out.width = RoundUp(features.num_features, 4);
  out.padded_rows = RoundUp(features.rows, kStrip) + kWide;
  out.data.assign(out.padded_rows * out.width, 0.0);
  RunParallel(features.rows, threads, [&](size_t row) {
    const float* from = features.data + row * features.num_features;
    double* to = out.data.data() + row * out.width;
    for (size_t f = 0; f < features.num_features; f++) {
      to[f] =
          features.mean == nullptr ? from[f] : (static_cast<double>(from[f]) - features.mean[f]) * features.scale[f];
    }
  });
  return out;
}

// Adds the products of the features [first, last) to gram, for the tile of rows from (i, j).
void AddTile(const Rows& rows, size_t i, size_t j, size_t first, size_t last, size_t count, double* gram) {
  Vec sums[kTall][kWide] = {};
  const double* a = rows.data.data() + i * rows.width;
  const double* b = rows.data.data() + j * rows.width;
  for (size_t f = first; f < last; f += 4) {
    for (size_t r = 0; r < kTall; r++) {
      const Vec x = Load(a + r * rows.width + f);
      for (size_t c = 0; c < kWide; c++) sums[r][c] += x * Load(b + c * rows.width + f);
    }
  }
  for (size_t r = 0; r < kTall && i + r < count; r++) {
    for (size_t c = 0; c < kWide && j + c <= i + r; c++) gram[(i + r) * count + j + c] += Sum(sums[r][c]);
  }
}

}  // namespace

void ComputeGram(const FeatureRows& features, size_t threads, double* gram) {
  const Rows rows = Standardize(features, threads);
  const size_t count = features.rows;
  const size_t strips = (count + kStrip - 1) / kStrip;
  RunParallel(strips, threads, [&](size_t strip) {
    const size_t top = strip * kStrip;
    const size_t bottom = std::min(top + kStrip, count);
    std::fill(gram + top * count, gram + bottom * count, 0.0);
    for (size_t first = 0; first < rows.width; first += kDepth) {
      const size_t last = std::min(first + kDepth, rows.width);
      for (size_t j = 0; j < bottom; j += kWide) {
        for (size_t i = top; i < bottom; i += kTall) AddTile(rows, i, j, first, last, count, gram);
      }
    }
  });
}

}  // namespace canopy
