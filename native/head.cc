#include "head.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "parallel.h"
#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define CANOPY_HEAD_X86 1
#endif

namespace canopy {
namespace {

// Rows that the full-batch kernels gather at a time: with 1280 features they stay in the second-level cache.
constexpr size_t kBlockRows = 32;
// The full-batch gradient is summed in this many parts, whatever the number of threads.
constexpr size_t kSegments = 16;
// A row of the gather buffer is longer than its features by this, so that rows do not share cache sets.
constexpr size_t kRowGap = 16;

// Factors of one step, as float32 like Keras' variables.
struct StepConstants {
  OptimizerKind kind;
  float learning_rate;
  float momentum;
  float rho, one_minus_rho;
  float one_minus_beta1, one_minus_beta2;
  float epsilon;
  bool nesterov;
};

// A head with its moments in the layout of the kernels: weight [tags, width], width a multiple of 16, bias
// [padded_tags].
struct PaddedState {
  size_t num_tags, padded_tags, width;
  float* weight;
  float* bias;
  float* moments[2];
  float* bias_moments[2];
};

inline float* At(float* base, size_t offset) { return base == nullptr ? nullptr : base + offset; }

namespace plain {
#include "head_kernels.h"
}  // namespace plain

#ifdef CANOPY_HEAD_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#define CANOPY_HEAD_FMA 1
namespace fma {
#include "head_kernels.h"
}  // namespace fma
#undef CANOPY_HEAD_FMA
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

// The compiler makes NEON of the vectors.
#ifdef CANOPY_NEON
constexpr const char* kPlainName = "neon";
#else
constexpr const char* kPlainName = "plain";
#endif

struct HeadKernels {
  const char* name;
  decltype(&plain::Logits) logits;
  decltype(&plain::Step) step;
  decltype(&plain::AddGradient) add_gradient;
};

const HeadKernels& ChosenKernels() {
  static const HeadKernels kChosen = [] {
#ifdef CANOPY_HEAD_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
      return HeadKernels{"fma", fma::Logits, fma::Step, fma::AddGradient};
    }
#endif
    return HeadKernels{kPlainName, plain::Logits, plain::Step, plain::AddGradient};
  }();
  return kChosen;
}

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// Copies row `row` to `out` [num_features], standardised if asked for. The padding after it is not touched: it is zero.
void GatherRow(const FeatureRows& features, size_t row, float* out) {
  const float* from = features.data + row * features.num_features;
  if (features.mean == nullptr) {
    std::memcpy(out, from, features.num_features * sizeof(float));
    return;
  }
  for (size_t f = 0; f < features.num_features; f++) out[f] = (from[f] - features.mean[f]) * features.scale[f];
}

// [num_features, num_tags] <-> [num_tags, width].
void Pad(const float* from, size_t num_features, size_t num_tags, size_t width, float* to) {
  for (size_t f = 0; f < num_features; f++) {
    for (size_t t = 0; t < num_tags; t++) to[t * width + f] = from[f * num_tags + t];
  }
}

void Unpad(const float* from, size_t num_features, size_t num_tags, size_t width, float* to) {
  for (size_t f = 0; f < num_features; f++) {
    for (size_t t = 0; t < num_tags; t++) to[f * num_tags + t] = from[t * width + f];
  }
}

// Owns the padded copy of a HeadState for the length of a call.
class PaddedHead {
 public:
  PaddedHead(const HeadState& state, size_t num_features, size_t moment_count) : num_features_(num_features) {
    const size_t width = RoundUp(num_features, 16);
    const size_t padded_tags = RoundUp(state.num_tags, 8);
    const size_t part = state.num_tags * width + padded_tags;
    memory_.assign(part * (1 + moment_count), 0.0f);
    view_ = {state.num_tags, padded_tags, width, memory_.data(), memory_.data() + part - padded_tags, {}, {}};
    Pad(state.weight, num_features, state.num_tags, width, view_.weight);
    std::copy_n(state.bias, state.num_tags, view_.bias);
    for (size_t s = 0; s < moment_count; s++) {
      view_.moments[s] = memory_.data() + part * (s + 1);
      view_.bias_moments[s] = view_.moments[s] + part - padded_tags;
      Pad(state.moments[s], num_features, state.num_tags, width, view_.moments[s]);
      std::copy_n(state.moments[s] + num_features * state.num_tags, state.num_tags, view_.bias_moments[s]);
    }
  }

  void StoreTo(HeadState* state) const {
    Unpad(view_.weight, num_features_, view_.num_tags, view_.width, state->weight);
    std::copy_n(view_.bias, view_.num_tags, state->bias);
    for (size_t s = 0; s < 2 && view_.moments[s] != nullptr; s++) {
      Unpad(view_.moments[s], num_features_, view_.num_tags, view_.width, state->moments[s]);
      std::copy_n(view_.bias_moments[s], view_.num_tags, state->moments[s] + num_features_ * view_.num_tags);
    }
  }

  const PaddedState& view() const { return view_; }

 private:
  size_t num_features_;
  std::vector<float> memory_;
  PaddedState view_;
};

StepConstants ConstantsFor(const OptimizerSettings& s, uint64_t iteration) {
  double learning_rate = s.learning_rate;
  if (s.kind == OptimizerKind::kAdam) {
    const double t = static_cast<double>(iteration);
    learning_rate *= std::sqrt(1 - std::pow(s.beta2, t)) / (1 - std::pow(s.beta1, t));
  }
  const auto f = [](double value) { return static_cast<float>(value); };
  return {s.kind,         f(learning_rate), f(s.momentum), f(s.rho),  f(1 - s.rho),
          f(1 - s.beta1), f(1 - s.beta2),   f(s.epsilon),  s.nesterov};
}

struct CellLoss {
  float loss;
  // Derivative by the logit.
  float delta;
};

// Cross-entropy from the logit, without overflow: max(z, 0) - z y + log(1 + exp(-|z|)).
CellLoss CrossEntropy(float z, bool present) {
  const float e = std::exp(-std::fabs(z));
  const float p = (z >= 0 ? 1.0f : e) / (1.0f + e);
  return {std::max(present ? -z : z, 0.0f) + std::log1p(e), present ? p - 1.0f : p};
}

double SampleF2(uint32_t hits, uint32_t predicted, uint32_t present) {
  if (hits == 0) return predicted == 0 && present == 0 ? 1 : 0;
  return 5.0 * hits / (4.0 * present + predicted);
}

// Turns logits [rows, tags] into the derivative of the mean loss, in place, and adds up loss and scores.
void LossOfBatch(const uint8_t* const* labels, size_t rows, size_t num_tags, const float* bias, float* logits,
                 EpochSums* sums) {
  const float share = 1.0f / static_cast<float>(rows * num_tags);
  double loss = 0;
  for (size_t r = 0; r < rows; r++) {
    uint32_t hits = 0, predicted = 0, present = 0;
    for (size_t t = 0; t < num_tags; t++) {
      float& cell = logits[r * num_tags + t];
      const float z = cell + bias[t];
      const bool is_present = labels[r][t] != 0;
      const CellLoss result = CrossEntropy(z, is_present);
      loss += static_cast<double>(result.loss);
      cell = result.delta * share;
      hits += is_present && z > 0;
      predicted += z > 0;
      present += is_present;
    }
    sums->correct += num_tags - (predicted - hits) - (present - hits);
    sums->f2 += SampleF2(hits, predicted, present);
  }
  sums->loss += loss / static_cast<double>(num_tags);
}

// One part of EvaluateProblems: rows [first, last), summed into gradient [problems, width] and the three arrays
// [problems].
struct Segment {
  std::vector<float> gradient;
  std::vector<double> loss, bias_gradient;
};

struct Objective {
  const FeatureRows& features;
  const uint8_t* labels;
  size_t num_tags;
  const uint8_t* folds;
  const Problem* problems;
  size_t problem_count;
  size_t width;
  const float* weight;  // [problem_count, width]
  const float* bias;    // [problem_count]
};

bool HeldOut(const Objective& o, size_t problem, size_t row) {
  return o.folds != nullptr && o.problems[problem].held_out >= 0 && o.folds[row] == o.problems[problem].held_out;
}

void EvaluateBlock(const Objective& o, size_t first, size_t rows, const float* x, float* logits, Segment* segment) {
  const HeadKernels& kernels = ChosenKernels();
  const size_t stride = o.width + kRowGap;
  kernels.logits(x, rows, stride, o.weight, o.problem_count, o.width, logits, o.problem_count);
  for (size_t r = 0; r < rows; r++) {
    for (size_t p = 0; p < o.problem_count; p++) {
      float& cell = logits[r * o.problem_count + p];
      if (HeldOut(o, p, first + r)) {
        cell = 0;
        continue;
      }
      const CellLoss result =
          CrossEntropy(cell + o.bias[p], o.labels[(first + r) * o.num_tags + o.problems[p].tag] != 0);
      segment->loss[p] += result.loss;
      segment->bias_gradient[p] += result.delta;
      cell = result.delta;
    }
  }
  kernels.add_gradient(x, rows, stride, logits, o.problem_count, o.width, segment->gradient.data());
}

void EvaluateSegment(const Objective& o, size_t first, size_t last, Segment* segment) {
  segment->gradient.assign(o.problem_count * o.width, 0.0f);
  segment->loss.assign(o.problem_count, 0.0);
  segment->bias_gradient.assign(o.problem_count, 0.0);
  std::vector<float> x(kBlockRows * (o.width + kRowGap), 0.0f);
  std::vector<float> logits(kBlockRows * o.problem_count);
  for (size_t row = first; row < last; row += kBlockRows) {
    const size_t rows = std::min(kBlockRows, last - row);
    for (size_t r = 0; r < rows; r++) GatherRow(o.features, row + r, x.data() + r * (o.width + kRowGap));
    EvaluateBlock(o, row, rows, x.data(), logits.data(), segment);
  }
}

// Rows that each problem learns from.
std::vector<double> RowCounts(const Objective& o) {
  std::vector<double> counts(o.problem_count, 0.0);
  for (size_t p = 0; p < o.problem_count; p++) {
    for (size_t row = 0; row < o.features.rows; row++) counts[p] += HeldOut(o, p, row) ? 0 : 1;
  }
  return counts;
}

void SumSegments(const Objective& o, const std::vector<Segment>& segments, double* losses, float* gradients) {
  const std::vector<double> counts = RowCounts(o);
  const size_t num_features = o.features.num_features;
  std::vector<double> sum(num_features);
  for (size_t p = 0; p < o.problem_count; p++) {
    double loss = 0, bias = 0;
    std::fill(sum.begin(), sum.end(), 0.0);
    for (const Segment& segment : segments) {
      loss += segment.loss[p];
      bias += segment.bias_gradient[p];
      const float* part = segment.gradient.data() + p * o.width;
      for (size_t f = 0; f < num_features; f++) sum[f] += part[f];
    }
    const double share = counts[p] == 0 ? 0 : 1 / counts[p];
    losses[p] = loss * share;
    float* gradient = gradients + p * (num_features + 1);
    for (size_t f = 0; f < num_features; f++) gradient[f] = static_cast<float>(sum[f] * share);
    gradient[num_features] = static_cast<float>(bias * share);
  }
}

}  // namespace

const char* HeadSimd() { return ChosenKernels().name; }

size_t MomentCount(const OptimizerSettings& settings) {
  switch (settings.kind) {
    case OptimizerKind::kSgd:
      return settings.momentum > 0 ? 1 : 0;
    case OptimizerKind::kRmsprop:
      return settings.momentum > 0 ? 2 : 1;
    case OptimizerKind::kAdam:
      return 2;
  }
  return 0;
}

EpochSums TrainSteps(HeadState* state, const FeatureRows& features, const uint8_t* labels, const uint32_t* order,
                     size_t count, size_t batch_size, const OptimizerSettings& optimizer) {
  const HeadKernels& kernels = ChosenKernels();
  const PaddedHead head(*state, features.num_features, MomentCount(optimizer));
  const PaddedState& view = head.view();
  const size_t stride = view.width + kRowGap;
  batch_size = std::min(batch_size, count);
  std::vector<float> x(batch_size * stride, 0.0f);
  std::vector<float> logits(batch_size * view.num_tags);
  std::vector<const uint8_t*> rows_labels(batch_size);
  EpochSums sums;
  for (size_t first = 0; first < count; first += batch_size) {
    const size_t rows = std::min(batch_size, count - first);
    for (size_t r = 0; r < rows; r++) {
      GatherRow(features, order[first + r], x.data() + r * stride);
      rows_labels[r] = labels + order[first + r] * view.num_tags;
    }
    kernels.logits(x.data(), rows, stride, view.weight, view.num_tags, view.width, logits.data(), view.num_tags);
    LossOfBatch(rows_labels.data(), rows, view.num_tags, view.bias, logits.data(), &sums);
    state->iterations++;
    kernels.step(ConstantsFor(optimizer, state->iterations), view, x.data(), rows, stride, logits.data());
  }
  head.StoreTo(state);
  return sums;
}

void ComputeLogits(const FeatureRows& features, const float* weight, const float* bias, size_t num_tags, size_t threads,
                   float* logits) {
  const HeadKernels& kernels = ChosenKernels();
  const size_t width = RoundUp(features.num_features, 16);
  const size_t stride = width + kRowGap;
  std::vector<float> padded(num_tags * width, 0.0f);
  Pad(weight, features.num_features, num_tags, width, padded.data());
  const size_t blocks = (features.rows + kBlockRows - 1) / kBlockRows;
  const size_t parts = std::min(blocks, kSegments);
  RunParallel(parts, threads, [&](size_t part) {
    std::vector<float> x(kBlockRows * stride, 0.0f);
    for (size_t block = part; block < blocks; block += parts) {
      const size_t first = block * kBlockRows;
      const size_t rows = std::min(kBlockRows, features.rows - first);
      for (size_t r = 0; r < rows; r++) GatherRow(features, first + r, x.data() + r * stride);
      float* out = logits + first * num_tags;
      kernels.logits(x.data(), rows, stride, padded.data(), num_tags, width, out, num_tags);
      for (size_t i = 0; i < rows * num_tags; i++) out[i] += bias[i % num_tags];
    }
  });
}

void EvaluateProblems(const FeatureRows& features, const uint8_t* labels, size_t num_tags, const uint8_t* folds,
                      const Problem* problems, size_t problem_count, const float* weights, size_t threads,
                      double* losses, float* gradients) {
  const size_t width = RoundUp(features.num_features, 16);
  std::vector<float> weight(problem_count * width, 0.0f);
  std::vector<float> bias(problem_count);
  for (size_t p = 0; p < problem_count; p++) {
    const float* from = weights + p * (features.num_features + 1);
    std::copy_n(from, features.num_features, weight.data() + p * width);
    bias[p] = from[features.num_features];
  }
  const Objective objective{features,      labels, num_tags,      folds,      problems,
                            problem_count, width,  weight.data(), bias.data()};
  const size_t segment_rows = std::max(RoundUp((features.rows + kSegments - 1) / kSegments, kBlockRows), kBlockRows);
  const size_t segment_count = (features.rows + segment_rows - 1) / segment_rows;
  std::vector<Segment> segments(segment_count);
  RunParallel(segment_count, threads, [&](size_t s) {
    EvaluateSegment(objective, s * segment_rows, std::min((s + 1) * segment_rows, features.rows), &segments[s]);
  });
  SumSegments(objective, segments, losses, gradients);
}

}  // namespace canopy
