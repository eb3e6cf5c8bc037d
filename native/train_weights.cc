#include "train_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "parallel.h"

namespace canopy {
namespace {

constexpr size_t kLineFloats = 16;
// A piece of work for one thread in Update.
constexpr size_t kUpdateFloats = 1 << 15;

size_t SumOfFloats(const TrainPlan& plan) {
  size_t floats = 0;
  for (const TrainParameter& parameter : plan.parameters) floats += parameter.floats();
  return floats;
}

// Parameters that `multiply` reads.
std::vector<bool> FindMatrices(const TrainPlan& plan) {
  std::vector<bool> is_matrix(plan.parameters.size(), false);
  for (const TrainOperation& op : plan.operations) {
    if (op.kind == TrainKind::kConvolution) is_matrix[op.weight] = true;
  }
  is_matrix[plan.head_weight()] = true;
  return is_matrix;
}

size_t ForwardFloats(const TrainParameter& parameter) { return parameter.columns() * PadChannels(parameter.rows); }

size_t PackedFloats(const TrainPlan& plan) {
  const std::vector<bool> is_matrix = FindMatrices(plan);
  size_t floats = 0;
  for (size_t p = 0; p < plan.parameters.size(); p++) {
    if (is_matrix[p]) floats += ForwardFloats(plan.parameters[p]) + plan.parameters[p].floats();
  }
  return floats;
}

// Calls visit(place in the padded matrix, place in the owner's tensor) for each element.
template <typename Visit>
void ForElements(const TrainParameter& parameter, const Visit& visit) {
  for (size_t r = 0; r < parameter.rows; r++) {
    for (size_t t = 0; t < parameter.taps; t++) {
      for (size_t c = 0; c < parameter.channels; c++) {
        visit(r * parameter.stride() + t * parameter.channels + c,
              r * parameter.row_stride + t * parameter.tap_stride + c * parameter.channel_stride);
      }
    }
  }
}

}  // namespace

AlignedFloats::AlignedFloats(size_t floats) : size_(floats), memory_(new float[floats + kLineFloats]()) {
  const size_t beyond = reinterpret_cast<uintptr_t>(memory_.get()) % (kLineFloats * sizeof(float)) / sizeof(float);
  data_ = memory_.get() + (kLineFloats - beyond) % kLineFloats;
}

TrainWeights::TrainWeights(const TrainPlan& plan, const TrainKernels& kernels)
    : plan_(plan), kernels_(kernels), packed_(PackedFloats(plan)) {
  for (int part = 0; part < 3; part++) parts_.emplace_back(SumOfFloats(plan));
  const std::vector<bool> is_matrix = FindMatrices(plan);
  size_t offset = 0;
  size_t packed = 0;
  for (size_t p = 0; p < plan.parameters.size(); p++) {
    const TrainParameter& parameter = plan.parameters[p];
    offsets_.push_back(offset);
    offset += parameter.floats();
    forward_.push_back(is_matrix[p] ? packed : kNone);
    back_.push_back(is_matrix[p] ? packed + ForwardFloats(parameter) : kNone);
    if (is_matrix[p]) packed += ForwardFloats(parameter) + parameter.floats();
  }
}

void TrainWeights::Read(size_t parameter, WeightPart part, float* out) const {
  Unpad(parameter, parts_[static_cast<size_t>(part)].data() + offsets_[parameter], out);
}

void TrainWeights::Unpad(size_t parameter, const float* from, float* out) const {
  ForElements(plan_.parameters[parameter], [&](size_t mine, size_t owners) { out[owners] = from[mine]; });
}

void TrainWeights::Write(size_t parameter, WeightPart part, const float* from) {
  float* const to = parts_[static_cast<size_t>(part)].data() + offsets_[parameter];
  ForElements(plan_.parameters[parameter], [&](size_t mine, size_t owners) { to[mine] = from[owners]; });
}

void TrainWeights::Update(const float* gradients, size_t parts, const TrainRates& rates, size_t threads) {
  constexpr double kBeta1 = 0.9;
  constexpr double kBeta2 = 0.999;
  const double steps = static_cast<double>(rates.step);
  const auto step_for = [&](double rate) {
    return AdamwStep{static_cast<float>(1 - rate * rates.weight_decay),
                     static_cast<float>(rate / (1 - std::pow(kBeta1, steps))),
                     static_cast<float>(kBeta1),
                     static_cast<float>(kBeta2),
                     static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, steps))),
                     1e-8f};
  };
  const AdamwStep backbone = step_for(rates.backbone);
  const AdamwStep head = step_for(rates.head);
  struct Piece {
    size_t offset, floats;
    const AdamwStep* step;
  };
  std::vector<Piece> pieces;
  for (size_t p = 0; p < plan_.parameters.size(); p++) {
    if (!plan_.parameters[p].is_trainable) continue;
    for (size_t at = 0; at < plan_.parameters[p].floats(); at += kUpdateFloats) {
      const size_t floats = std::min(kUpdateFloats, plan_.parameters[p].floats() - at);
      pieces.push_back({offsets_[p] + at, floats, p >= plan_.head_weight() ? &head : &backbone});
    }
  }
  RunParallel(pieces.size(), threads, [&](size_t i) {
    const auto& [offset, floats, step] = pieces[i];
    kernels_.adamw(*step, gradients + offset, parts, this->floats(), floats, parts_[0].data() + offset,
                   parts_[1].data() + offset, parts_[2].data() + offset);
  });
}

void TrainWeights::Pack(size_t threads, bool trainable_only) {
  RunParallel(plan_.parameters.size(), threads, [&](size_t p) {
    if (IsMatrix(p) && (plan_.parameters[p].is_trainable || !trainable_only)) PackOne(p);
  });
}

void TrainWeights::PackOne(size_t p) {
  const TrainParameter& parameter = plan_.parameters[p];
  const Matrix matrix{Value(p), parameter.stride()};
  const size_t rows = PadChannels(parameter.rows);
  PackPanels(matrix, parameter.columns(), rows, parameter.rows, true, kernels_.panel, packed_.data() + forward_[p]);
  PackPanels(matrix, parameter.rows, parameter.stride(), parameter.stride(), false, kernels_.panel,
             packed_.data() + back_[p]);
}

}  // namespace canopy
