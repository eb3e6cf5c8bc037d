// Compares kernels with plain versions: the inverse DCTs on a thousand quads of blocks a round (sparse, dense, as in
// pictures, and beyond any picture); the colour kernels on every colour, and on rows of all widths; and the removal of
// stuffed zeros.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "../color_kernels.h"
#include "../entropy_data.h"
#include "../idct.h"
#include "../idct_factors.h"

namespace {

using canopy::BlockQuad;
using canopy::BlockQuanta;
using canopy::ColorKernels;
using canopy::Simd;

constexpr size_t kStride = 48;
constexpr int kQuadsPerRound = 1000;

struct Trial {
  int coefficients[BlockQuad::kBlocks][64];  // quantised, in natural order
  int quanta[64];
};

// To 16 bits, as a register's additions and its narrowing do it.
int Wrap(int value) { return static_cast<int16_t>(static_cast<uint16_t>(value)); }
int Saturate(int value) { return std::clamp(value, -32768, 32767); }

// One dimension, on every `step`-th of eight values, with libjpeg's names.
void Transform(int* v, int step, int rounding, int shift) {
  using namespace canopy;
  const auto in = [&](int i) { return int64_t{v[i * step]}; };
  const int64_t e1 = (in(2) + in(6)) * k0541;
  const int64_t tmp2 = e1 - in(6) * k1847;
  const int64_t tmp3 = e1 + in(2) * k0765;
  const int64_t tmp0 = (in(0) + in(4)) * 8192 + rounding;
  const int64_t tmp1 = (in(0) - in(4)) * 8192 + rounding;
  const int64_t even[4] = {tmp0 + tmp3, tmp1 + tmp2, tmp1 - tmp2, tmp0 - tmp3};

  const int64_t z3 = Wrap(v[7 * step] + v[3 * step]);
  const int64_t z4 = Wrap(v[5 * step] + v[1 * step]);
  const int64_t z5 = (z3 + z4) * k1175;
  const int64_t z1 = (in(7) + in(1)) * -k0899;
  const int64_t z2 = (in(5) + in(3)) * -k2562;
  const int64_t odd[4] = {in(1) * k1501 + z1 + z4 * -k0390 + z5, in(3) * k3072 + z2 + z3 * -k1961 + z5,
                          in(5) * k2053 + z2 + z4 * -k0390 + z5, in(7) * k0298 + z1 + z3 * -k1961 + z5};
  for (int i = 0; i < 4; i++) {
    v[i * step] = Saturate(static_cast<int32_t>(even[i] + odd[i]) >> shift);
    v[(7 - i) * step] = Saturate(static_cast<int32_t>(even[i] - odd[i]) >> shift);
  }
}

// False if a product is beyond the limit.
bool PlainInverseDct(const Trial& trial, uint8_t* samples) {
  using namespace canopy;
  for (size_t b = 0; b < BlockQuad::kBlocks; b++) {
    int v[64];
    for (int i = 0; i < 64; i++) {
      v[i] = trial.coefficients[b][i] * trial.quanta[i];
      if (v[i] < -kCoefficientLimit || v[i] >= kCoefficientLimit) return false;
    }
    for (int x = 0; x < 8; x++) Transform(v + x, 8, kRoundFirst, kShiftFirst);
    for (int y = 0; y < 8; y++) Transform(v + 8 * y, 1, kRoundSecond, kShiftSecond);
    for (size_t i = 0; i < 64; i++) {
      samples[i / 8 * kStride + b * 8 + i % 8] = static_cast<uint8_t>(std::clamp(v[i], 0, 255));
    }
  }
  return true;
}

Trial MakeTrial(std::mt19937* random) {
  const auto below = [&](int end) { return static_cast<int>((*random)() % static_cast<unsigned>(end)); };
  Trial trial{};
  const int kind = below(5);
  const int most = kind == 0 ? BlockQuanta::kMax : 1 + below(kind == 1 ? 4 : 99);
  for (int& quantum : trial.quanta) quantum = 1 + below(most);
  const int density = 1 + below(64);
  // Of the products: as in a picture falling with the frequency, up to the limit, or up to what 16 bits hold.
  const int loudest = below(8) == 0 ? 32767 : kind == 2 ? canopy::kCoefficientLimit : 1 << below(12);
  for (auto& block : trial.coefficients) {
    for (int i = 0; i < 64; i++) {
      if (i > 0 && below(64) >= density) continue;
      const int reach = (kind > 2 ? loudest / (1 + i / 8 + i % 8) : loudest) / trial.quanta[i];
      block[i] = kind == 2 ? (below(2) == 0 ? reach : -reach) : below(2 * reach + 1) - reach;
    }
  }
  if (below(4) == 0) trial.coefficients[below(4)][below(64)] = below(65536) - 32768;
  return trial;
}

BlockQuanta QuantaOf(const Trial& trial) {
  BlockQuanta quanta;
  for (int i = 0; i < 64; i++) {
    if (!quanta.Set(i, static_cast<unsigned>(trial.quanta[i]))) std::abort();
  }
  if (quanta.Set(0, BlockQuanta::kMax + 1)) std::abort();
  return quanta;
}

// Also checks that nothing is written beside the samples, and that the coefficients are cleared.
bool Agrees(const Trial& trial, canopy::InverseDct inverse_dct, BlockQuad* quad, long* wild) {
  for (int b = 0; b < BlockQuad::kBlocks; b++) {
    for (int i = 0; i < 64; i++) {
      quad->coefficients[BlockQuad::PositionOf(canopy::TransformOrder(i)) + 8 * b] =
          static_cast<int16_t>(trial.coefficients[b][i]);
    }
  }
  uint8_t expected[8 * kStride];
  uint8_t samples[8 * kStride];
  std::memset(expected, 7, sizeof expected);
  std::memset(samples, 7, sizeof samples);
  const bool is_sane = PlainInverseDct(trial, expected);
  *wild += !is_sane;
  if (inverse_dct(quad, QuantaOf(trial), samples, kStride) != is_sane) return false;
  if (is_sane && std::memcmp(samples, expected, sizeof samples) != 0) return false;
  return std::all_of(quad->coefficients, quad->coefficients + BlockQuad::kSize, [](int16_t c) { return c == 0; });
}

// One row through one of the kernels.
using Bytes = std::vector<uint8_t>;
Bytes ToRgb(const ColorKernels& kernels, const Bytes& y, const Bytes& cb, const Bytes& cr, int width) {
  const size_t plane = static_cast<size_t>(width) + 31;
  Bytes rgb(3 * plane);
  kernels.ycc_to_rgb(y.data(), cb.data(), cr.data(), width, rgb.data(), rgb.data() + plane, rgb.data() + 2 * plane);
  for (size_t c = 0; c < 3; c++) std::fill_n(rgb.begin() + static_cast<long>(c * plane) + width, 31, uint8_t{0});
  return rgb;
}

Bytes ToTwice(const ColorKernels& kernels, const Bytes& near, const Bytes& far, int width, bool tall) {
  std::vector<uint16_t> sums(static_cast<size_t>(width) + 64);
  Bytes out(2 * static_cast<size_t>(width) + 62);
  if (tall) {
    kernels.upsample_h2v2(near.data(), far.data(), width, sums.data(), out.data());
  } else {
    kernels.upsample_h2v1(near.data(), width, sums.data(), out.data());
  }
  out.resize(2 * static_cast<size_t>(width));
  return out;
}

bool HasSameColors(const ColorKernels& plain, const ColorKernels& kernels) {
  Bytes y(256 + 31), cb(256 + 31), cr(256 + 31);
  for (size_t i = 0; i < 256; i++) y[i] = static_cast<uint8_t>(i);
  for (int color = 0; color < 65536; color++) {
    std::fill(cb.begin(), cb.end(), static_cast<uint8_t>(color >> 8));
    std::fill(cr.begin(), cr.end(), static_cast<uint8_t>(color));
    if (ToRgb(plain, y, cb, cr, 256) != ToRgb(kernels, y, cb, cr, 256)) return false;
  }
  std::mt19937 random(7);
  for (int width = 1; width < 300; width++) {
    for (Bytes* bytes : {&y, &cb, &cr}) {
      bytes->resize(static_cast<size_t>(width) + 31);
      for (uint8_t& byte : *bytes) byte = random() % 4 == 0 ? 255 : static_cast<uint8_t>(random());
    }
    if (ToRgb(plain, y, cb, cr, width) != ToRgb(kernels, y, cb, cr, width)) return false;
    for (bool tall : {false, true}) {
      if (ToTwice(plain, cb, cr, width, tall) != ToTwice(kernels, cb, cr, width, tall)) return false;
    }
  }
  return true;
}

// Bytes in which FF is frequent, stuffed, with restart markers between; and what EntropyData has to make of them.
bool UnstuffsRight(std::mt19937* random) {
  Bytes stuffed;
  std::vector<Bytes> segments(1);
  const unsigned rarity = 1u << (*random)() % 9;
  for (unsigned left = (*random)() % 2000; left > 0; left--) {
    const uint8_t byte = (*random)() % rarity == 0 ? 255 : static_cast<uint8_t>((*random)());
    segments.back().push_back(byte);
    stuffed.push_back(byte);
    if (byte == 255) stuffed.push_back(0);
    if ((*random)() % 400 != 0) continue;
    stuffed.insert(stuffed.end(), {255, static_cast<uint8_t>(0xD0 + (segments.size() - 1) % 8)});
    segments.emplace_back();
  }
  stuffed.insert(stuffed.end(), {255, canopy::EntropyData::kEndOfImage});
  canopy::EntropyData data;
  if (data.Load({stuffed.data(), stuffed.size() - 1}, stuffed.size())) return false;
  if (!data.Load({stuffed.data(), stuffed.size()}, stuffed.size())) return false;
  if (data.segment_count() != segments.size()) return false;
  for (size_t i = 0; i < segments.size(); i++) {
    const canopy::ByteSpan segment = data.Segment(i);
    if (!std::equal(segments[i].begin(), segments[i].end(), segment.data, segment.data + segment.size)) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: kernels FOLDER ROUNDS\n"), 2;
  const long quads = std::atol(argv[2]) * kQuadsPerRound;
  for (Simd simd : {Simd::k128, Simd::kAvx2, Simd::kAvx512}) {
    if (simd > canopy::ActiveSimd()) continue;
    const char* const name = canopy::SimdName(simd);
    std::mt19937 random(7);
    BlockQuad quad{};
    long wild = 0;
    for (long i = 0; i < quads; i++) {
      if (Agrees(MakeTrial(&random), canopy::InverseDctFor(simd), &quad, &wild)) continue;
      return std::printf("%s: quad %ld is wrong\n", name, i), 1;
    }
    if (!HasSameColors(canopy::ColorKernelsFor(Simd::kScalar), canopy::ColorKernelsFor(simd))) {
      return std::printf("%s: a colour is wrong\n", name), 1;
    }
    std::printf("%s: as plain kernels, %ld quads of blocks, %ld of them wild\n", name, quads, wild);
  }
  std::mt19937 random(7);
  for (long i = 0; i < quads / 10; i++) {
    if (!UnstuffsRight(&random)) return std::printf("data %ld are wrong\n", i), 1;
  }
  return 0;
}
