#include "filter_table.h"

#include <algorithm>
#include <cmath>

#include "image.h"
#include "simd.h"

// Each product and each sum is rounded: on ARM compilers would fuse them, and some weights would differ from x86's.
#if defined(__clang__)
#pragma clang fp contract(off)
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

namespace canopy {
namespace {

struct Taps {
  int start;
  std::vector<double> weights;
};

// Pillow's BILINEAR: a triangle as wide as two result pixels (two source pixels if the image grows), cut at the border.
void TriangleTaps(const AxisKey& key, int i, Taps* taps) {
  const double scale = static_cast<double>(key.source.length) / key.size;
  const double radius = std::max(scale, 1.0);
  const double center = (i + 0.5) * scale;
  const int first = std::max(static_cast<int>(center - radius + 0.5), 0);
  const int end = std::min(static_cast<int>(center + radius + 0.5), key.source.length);
  taps->start = first;
  taps->weights.clear();
  for (int x = first; x < end; x++) {
    taps->weights.push_back(std::max(0.0, 1.0 - std::abs(x + 0.5 - center) / radius));
  }
}

// tf.image.resize with half-pixel centres and no antialiasing: the two nearest pixels.
void NearestTwoTaps(const AxisKey& key, int i, Taps* taps) {
  const double position = (i + 0.5) * key.source.length / key.size - 0.5;
  const double floor = std::floor(position);
  const int low = std::clamp(static_cast<int>(floor), 0, key.source.length - 1);
  const int high = std::clamp(static_cast<int>(floor) + 1, 0, key.source.length - 1);
  const double share = position - floor;
  taps->start = low;
  taps->weights.assign(1, low == high ? 1.0 : 1.0 - share);
  if (low != high) taps->weights.push_back(share);
}

// Adds up the weights of the original pixels that one given sample averages.
void Fold(int fold, Taps* taps) {
  const int first = taps->start;
  taps->start /= fold;
  size_t at = 0;
  for (size_t k = 0; k < taps->weights.size(); k++) {
    const double weight = taps->weights[k];
    const size_t to = static_cast<size_t>((first + static_cast<int>(k)) / fold - taps->start);
    taps->weights[to] = to == at && k > 0 ? taps->weights[to] + weight : weight;
    at = to;
  }
  taps->weights.resize(at + 1);
}

void FindTaps(const AxisKey& key, int i, Taps* taps) {
  if (key.antialias) {
    TriangleTaps(key, i, taps);
  } else {
    NearestTwoTaps(key, i, taps);
  }
  taps->start += key.source.from;
  if (key.fold > 1) Fold(key.fold, taps);
}

// Rounds to Q16 such that the sum is exactly kWeightSum: the rounding error is carried from tap to tap.
void Quantise(const Taps& taps, uint16_t* out) {
  double total = 0;
  for (double weight : taps.weights) total += weight;
  double exact = 0;
  int given = 0;
  for (size_t k = 0; k < taps.weights.size(); k++) {
    exact += taps.weights[k] / total * kWeightSum;
    const int weight = static_cast<int>(std::lround(exact)) - given;
    out[k] = static_cast<uint16_t>(weight);
    given += weight;
  }
}

// The last place where a window of a block may begin without reaching beyond the padding of the rows. Negative if there
// is none.
int LastWideStart(int windows, int taps, const FilterTable& table) {
  return table.source + static_cast<int>(kRowPadding) - 64 * windows - (taps - 1);
}

// The layouts for AVX-512, with `windows` windows per block. False if these, or the rows, are too narrow for its
// results.
bool BuildWide(int windows, const FilterTable& table, WideTable* wide) {
  const size_t taps = static_cast<size_t>(table.taps);
  const size_t blocks = (static_cast<size_t>(table.size) + 31) / 32;
  const int last_start = LastWideStart(windows, table.taps, table);
  if (last_start < 0) return false;
  int last_place = 0;
  wide->start.assign(blocks, 0);
  wide->places.assign(blocks, ByteLanes{});
  wide->weights.assign(blocks * taps, Lanes{});
  for (size_t i = 0; i < static_cast<size_t>(table.size); i++) {
    const size_t block = i / 32;
    const size_t lane = i % 32;
    if (lane == 0) wide->start[block] = std::min(table.start[i], last_start);
    const int place = table.start[i] - wide->start[block];
    last_place = std::max(last_place, place);
    wide->places[block].of[2 * lane + 1] = static_cast<uint8_t>(place);
    for (size_t k = 0; k < taps; k++) wide->weights[block * taps + k].of[lane] = table.weights[i * taps + k];
  }
  wide->taps_per_load = 64 * windows - last_place;
  return wide->taps_per_load > 0;
}

bool BuildLongWide(int windows, const FilterTable& table, WideTable* wide) {
  const size_t taps = static_cast<size_t>(table.taps);
  const size_t eights = (taps + 7) / 8;
  const size_t blocks = (static_cast<size_t>(table.size) + 7) / 8;
  const int last_start = LastWideStart(windows, static_cast<int>(eights) * 8 - 7, table);
  if (last_start < 0) return false;
  wide->start.assign(blocks, 0);
  wide->places.assign(blocks, ByteLanes{});
  wide->byte_weights.assign(blocks * eights * 2, ByteLanes{});
  for (size_t i = 0; i < static_cast<size_t>(table.size); i++) {
    const size_t block = i / 8;
    const size_t lane = i % 8 * 8;
    if (lane == 0) wide->start[block] = std::min(table.start[i], last_start);
    const int place = table.start[i] - wide->start[block];
    if (place + 8 > 64 * windows) return false;
    for (size_t k = 0; k < 8; k++) wide->places[block].of[lane + k] = static_cast<uint8_t>(place + static_cast<int>(k));
    for (size_t k = 0; k < taps; k++) {
      const int weight = table.weights[i * taps + k];
      const int lower = static_cast<int8_t>(weight & 255);
      const size_t at = (block * eights + k / 8) * 2;
      wide->byte_weights[at].of[lane + k % 8] = static_cast<uint8_t>(lower);
      wide->byte_weights[at + 1].of[lane + k % 8] = static_cast<uint8_t>((weight - lower) >> 8);
    }
  }
  return true;
}

// The layout for narrower SIMD, with `windows` windows per eight results. False if a window is too narrow for its
// results.
bool BuildWindows(int windows, FilterTable* table) {
  const int blocks = (table->size + 15) / 16;
  const int per_window = 8 / windows;
  const size_t rows = static_cast<size_t>(blocks) * static_cast<size_t>(table->taps);
  table->window_start.assign(static_cast<size_t>(blocks * 2 * windows), 0);
  table->shuffle.assign(rows * static_cast<size_t>(windows) * 32, 0x80);
  table->lane_weights.assign(rows * 16, 0);
  for (int i = 0; i < table->size; i++) {
    const int start = table->start[static_cast<size_t>(i)];
    int& window = table->window_start[static_cast<size_t>(i / per_window)];
    if (i % per_window == 0) window = start;
    const int lane = i % 16;
    const int part = i % 8 / per_window;
    for (int k = 0; k < table->taps; k++) {
      const uint16_t weight = table->weights[static_cast<size_t>(i * table->taps + k)];
      if (weight == 0) continue;
      const int offset = start + k - window;
      if (offset > 15) return false;
      const int row = i / 16 * table->taps + k;
      table->shuffle[static_cast<size_t>((row * windows + part) * 32 + lane * 2 + 1)] = static_cast<uint8_t>(offset);
      table->lane_weights[static_cast<size_t>(row * 16 + lane)] = weight;
    }
  }
  return true;
}

}  // namespace

void BuildFilterTable(const AxisKey& key, FilterTable* table) {
  // Memory kept from one table to the next: tiles of different sizes need new tables all the time.
  static thread_local Taps taps;
  size_t most = 1;
  for (int i = 0; i < key.size; i++) {
    FindTaps(key, i, &taps);
    most = std::max(most, taps.weights.size());
  }
  table->source = (key.source.whole + key.fold - 1) / key.fold;
  table->size = key.size;
  // Every result has the same number of taps. Windows at the border start earlier, so that none reads past the end.
  table->taps = static_cast<int>(std::min(most, static_cast<size_t>(table->source)));
  table->start.assign(static_cast<size_t>(key.size), 0);
  table->weights.assign(static_cast<size_t>(key.size) * static_cast<size_t>(table->taps) + kWeightPadding, 0);
  for (int i = 0; i < key.size; i++) {
    FindTaps(key, i, &taps);
    const int start = std::min(taps.start, table->source - table->taps);
    table->start[static_cast<size_t>(i)] = start;
    Quantise(taps, table->weights.data() + i * table->taps + (taps.start - start));
  }
  table->is_short = table->taps <= kShortTaps;
  table->wide.windows = table->windows = 0;
  const auto build = table->is_short ? BuildWide : BuildLongWide;
  for (int windows = 1; ActiveSimd() >= Simd::kAvx512 && windows <= 2 && table->wide.windows == 0; windows++) {
    if (build(windows, *table, &table->wide)) table->wide.windows = windows;
  }
  if (!table->is_short || table->wide.windows > 0) return;
  for (int windows = 1; windows <= 4 && table->windows == 0; windows *= 2) {
    if (BuildWindows(windows, table)) table->windows = windows;
  }
}

}  // namespace canopy
