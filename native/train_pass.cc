#include "train_pass.h"

#include <algorithm>
#include <cmath>

#include "train_windows.h"

namespace canopy {
namespace {

size_t MostTags(const TrainPlan& plan) { return PadChannels(plan.num_tags); }

size_t WindowFloats(const TrainPlan& plan) {
  size_t floats = 0;
  for (const TrainOperation& op : plan.operations) {
    if (op.kind != TrainKind::kConvolution || IsPointwise(plan, op)) continue;
    floats = std::max(floats, plan.values[op.output].pixels() * plan.parameters[op.weight].stride());
  }
  return floats;
}

size_t LongestRow(const TrainPlan& plan) {
  size_t floats = 0;
  for (const MapShape& shape : plan.values) floats = std::max(floats, shape.width * shape.stride());
  return floats;
}

size_t FeatureFloats(const TrainPlan& plan) { return kGroupTiles * plan.values[plan.features].stride(); }

}  // namespace

TrainPass::TrainPass(const TrainPlan& plan, const Schedule& schedule, const TrainKernels& kernels,
                     const TrainWeights& weights)
    : plan_(plan),
      schedule_(schedule),
      kernels_(kernels),
      weights_(weights),
      workspace_(schedule.workspace_floats),
      windows_(WindowFloats(plan)),
      zeros_(LongestRow(plan)),
      dropped_(FeatureFloats(plan)),
      logits_(kGroupTiles * MostTags(plan)),
      head_gradient_(kGroupTiles * MostTags(plan)) {}

size_t TrainPass::Floats(const TrainPlan& plan, const Schedule& schedule) {
  return schedule.workspace_floats + WindowFloats(plan) + LongestRow(plan) + FeatureFloats(plan) +
         2 * kGroupTiles * MostTags(plan);
}

void TrainPass::Logits(const TileGroup& group, float* out) {
  Forward(group);
  RunHead(group.count, nullptr);
  for (size_t i = 0; i < group.count; i++) {
    std::copy_n(logits_.data() + i * MostTags(plan_), plan_.num_tags, out + i * plan_.num_tags);
  }
}

double TrainPass::Train(const TileGroup& group, const GroupTargets& targets, float* gradients) {
  Forward(group);
  RunHead(group.count, targets.dropout);
  const double loss = FindLoss(group.count, targets);
  HeadBack(group.count, targets.dropout, gradients);
  Back(group, gradients);
  return loss;
}

void TrainPass::Forward(const TileGroup& group) {
  tiles_ = group.tiles;
  goes_back_ = false;
  for (const Segment& segment : schedule_.segments) {
    segment_tiles_ = segment.tiles;
    for (size_t first = 0; first < group.count; first += segment.tiles) {
      const Range range{first, std::min(segment.tiles, group.count - first)};
      for (size_t i = segment.first; i < segment.last; i++) Run(plan_.operations[i], range);
    }
  }
}

void TrainPass::RunHead(size_t count, const float* dropout) {
  const MapShape& shape = plan_.values[plan_.features];
  const float* features = Map(plan_.features, {0, count});
  if (dropout != nullptr) {
    for (size_t i = 0; i < count; i++) {
      for (size_t f = 0; f < shape.channels; f++) {
        dropped_.data()[i * shape.stride() + f] = features[i * shape.stride() + f] * dropout[i * shape.channels + f];
      }
    }
    features = dropped_.data();
  }
  Finish finish;
  finish.bias = weights_.Bias(plan_.head_bias());
  kernels_.multiply({features, shape.stride()}, weights_.Forward(plan_.head_weight()), count, shape.channels,
                    MostTags(plan_), finish, logits_.data());
}

double TrainPass::FindLoss(size_t count, const GroupTargets& targets) {
  const double scale = 1.0 / (static_cast<double>(targets.count_of_batch) * static_cast<double>(plan_.num_tags));
  double loss = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t t = 0; t < plan_.num_tags; t++) {
      const size_t at = i * MostTags(plan_) + t;
      const double x = logits_.data()[at];
      const double target = targets.targets[i * plan_.num_tags + t];
      // Both stay finite for any finite x.
      const double small = std::exp(-std::abs(x));
      const double probability = x >= 0 ? 1 / (1 + small) : small / (1 + small);
      loss += std::max(x, 0.0) - x * target + std::log1p(small);
      head_gradient_.data()[at] = static_cast<float>((probability - target) * scale);
    }
  }
  return loss;
}

float* TrainPass::Map(size_t value, Range range) const {
  const Place& again = schedule_.maps_again[value];
  const Place& place = goes_back_ && again.offset != kNone ? again : schedule_.maps[value];
  const size_t tile = place.is_local ? range.first % segment_tiles_ : range.first;
  return const_cast<float*>(workspace_.data()) + place.offset + tile * plan_.values[value].floats();
}

void TrainPass::Run(const TrainOperation& op, Range range) {
  const MapShape& in = plan_.values[op.inputs[0]];
  const MapShape& out = plan_.values[op.output];
  float* const y = Map(op.output, range);
  switch (op.kind) {
    case TrainKind::kConvolution:
      return Convolve(op, range);
    case TrainKind::kDepthwise:
      return ConvolveDepthwise(op, range);
    case TrainKind::kActivation:
      return kernels_.activate(Map(op.inputs[0], range), range.count * in.floats(), op.activation, y);
    case TrainKind::kAdd:
      return kernels_.add(Map(op.inputs[0], range), Map(op.inputs[1], range), range.count * in.floats(), y);
    case TrainKind::kMultiply:
      return Multiply(op, range);
    case TrainKind::kMean:
      for (size_t i = 0; i < range.count; i++) {
        kernels_.sum_pixels(Map(op.inputs[0], range) + i * in.floats(), nullptr, in.pixels(), in.stride(),
                            1 / static_cast<float>(in.pixels()), Finish(), y + i * out.floats());
      }
      return;
    case TrainKind::kConcat:
      return Concat(op, range);
    case TrainKind::kStored:
      return ReadStored(op, range);
  }
}

void TrainPass::Convolve(const TrainOperation& op, Range range) {
  const TrainParameter& weight = plan_.parameters[op.weight];
  const MapShape& out = plan_.values[op.output];
  Finish finish;
  finish.bias = weights_.Bias(op.bias);
  finish.activation = op.activation;
  const float* const packed = weights_.Forward(op.weight);
  float* const y = Map(op.output, range);
  if (IsPointwise(plan_, op)) {
    return kernels_.multiply({Map(op.inputs[0], range), weight.stride()}, packed, range.count * out.pixels(),
                             weight.columns(), out.stride(), finish, y);
  }
  for (size_t i = 0; i < range.count; i++) {
    FillWindows(op, range.first + i);
    kernels_.multiply({windows_.data(), weight.stride()}, packed, out.pixels(), weight.columns(), out.stride(), finish,
                      y + i * out.floats());
  }
}

void TrainPass::FillWindows(const TrainOperation& op, size_t tile) {
  const MapShape& in = plan_.values[op.inputs[0]];
  const WindowedMap map{in, plan_.values[op.output], op.window, plan_.parameters[op.weight].stride()};
  if (op.inputs[0] == 0) {
    ReadTileWindows(map, plan_.input, tiles_ + tile * in.pixels() * in.channels, windows_.data());
  } else {
    ReadWindows(map, Map(op.inputs[0], {tile, 1}), windows_.data());
  }
}

void TrainPass::ConvolveDepthwise(const TrainOperation& op, Range range) {
  const DepthwiseShape shape{plan_.values[op.inputs[0]], plan_.values[op.output], op.window};
  Finish finish;
  finish.bias = weights_.Bias(op.bias);
  finish.activation = op.activation;
  for (size_t i = 0; i < range.count; i++) {
    kernels_.depthwise(shape, Map(op.inputs[0], range) + i * shape.input.floats(), weights_.Value(op.weight),
                       zeros_.data(), finish, Map(op.output, range) + i * shape.output.floats());
  }
}

void TrainPass::Multiply(const TrainOperation& op, Range range) {
  const MapShape& shape = plan_.values[op.output];
  const MapShape& factor = plan_.values[op.inputs[1]];
  const size_t stride = factor.pixels() == shape.pixels() ? factor.stride() : 0;
  for (size_t i = 0; i < range.count; i++) {
    kernels_.scale(Map(op.inputs[0], range) + i * shape.floats(),
                   {Map(op.inputs[1], range) + i * factor.floats(), stride}, shape.pixels(), shape.stride(),
                   Map(op.output, range) + i * shape.floats());
  }
}

void TrainPass::Concat(const TrainOperation& op, Range range) {
  const MapShape& out = plan_.values[op.output];
  float* const y = Map(op.output, range);
  const size_t pixels = range.count * out.pixels();
  size_t column = 0;
  for (size_t input : op.inputs) {
    const MapShape& in = plan_.values[input];
    const float* const x = Map(input, range);
    for (size_t p = 0; p < pixels; p++) std::copy_n(x + p * in.stride(), in.channels, y + p * out.stride() + column);
    column += in.channels;
  }
  for (size_t p = 0; p < pixels; p++) std::fill(y + p * out.stride() + column, y + (p + 1) * out.stride(), 0.0f);
}

void TrainPass::ReadStored(const TrainOperation& op, Range range) {
  const MapShape& out = plan_.values[op.output];
  for (size_t i = 0; i < range.count; i++) {
    const uint8_t* const tile = tiles_ + (range.first + i) * plan_.tile_bytes();
    const float* const x = reinterpret_cast<const float*>(tile) + op.offset;
    float* const y = Map(op.output, range) + i * out.floats();
    for (size_t p = 0; p < out.pixels(); p++) {
      for (size_t c = 0; c < out.channels; c++) y[p * out.stride() + c] = x[c * out.pixels() + p];
      std::fill(y + p * out.stride() + out.channels, y + (p + 1) * out.stride(), 0.0f);
    }
  }
}

}  // namespace canopy
