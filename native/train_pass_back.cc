// The way back of train_pass.h: gradients from the loss down to the lowest parameter that learns.
#include <algorithm>

#include "train_pass.h"
#include "train_windows.h"

namespace canopy {

void TrainPass::HeadBack(size_t count, const float* dropout, float* gradients) {
  const MapShape& shape = plan_.values[plan_.features];
  const size_t tags = PadChannels(plan_.num_tags);
  const size_t weight = plan_.head_weight();
  const Matrix dy{head_gradient_.data(), tags};
  const float* const x = dropout == nullptr ? Map(plan_.features, {0, count}) : dropped_.data();
  kernels_.sum_products(dy, plan_.num_tags, {x, shape.stride()}, shape.stride(), count, false,
                        gradients + weights_.Offset(weight));
  kernels_.sum_rows(dy, count, tags, false, gradients + weights_.Offset(plan_.head_bias()));
  if (schedule_.gradients[plan_.features].offset == kNone) return;

  Finish finish;
  finish.derivative = schedule_.made_by[plan_.features];
  if (finish.derivative.kind != ActivationKind::kIdentity) finish.outputs = Map(plan_.features, {0, count});
  float* const dx = Gradient(plan_.features, {0, count});
  kernels_.multiply(dy, weights_.Back(weight), count, plan_.num_tags, shape.stride(), finish, dx);
  if (dropout == nullptr) return;
  for (size_t i = 0; i < count; i++) {
    for (size_t f = 0; f < shape.channels; f++) dx[i * shape.stride() + f] *= dropout[i * shape.channels + f];
  }
}

void TrainPass::Back(const TileGroup& group, float* gradients) {
  goes_back_ = true;
  for (size_t s = schedule_.segments.size(); s-- > 0;) {
    const Segment& segment = schedule_.segments[s];
    segment_tiles_ = segment.tiles;
    for (size_t first = 0; first < group.count; first += segment.tiles) {
      const Range range{first, std::min(segment.tiles, group.count - first)};
      for (size_t i = segment.last; i-- > segment.first;) {
        for (size_t maker : schedule_.makes_again[i]) Run(plan_.operations[maker], range);
        if (schedule_.goes_back[i]) RunBack(i, range, gradients);
      }
    }
  }
}

float* TrainPass::Gradient(size_t value, Range range) const {
  const Place& place = schedule_.gradients[value];
  const size_t tile = place.is_local ? range.first % segment_tiles_ : range.first;
  return const_cast<float*>(workspace_.data()) + place.offset + tile * plan_.values[value].floats();
}

Finish TrainPass::FinishOf(size_t index, size_t k, Range range) const {
  const InputGradient& gradient = schedule_.inputs[index][k];
  const size_t value = plan_.operations[index].inputs[k];
  Finish finish;
  finish.adds = !gradient.is_first;
  finish.derivative = schedule_.made_by[value];
  if (gradient.is_last && finish.derivative.kind != ActivationKind::kIdentity) finish.outputs = Map(value, range);
  return finish;
}

void TrainPass::RunBack(size_t index, Range range, float* gradients) {
  const TrainOperation& op = plan_.operations[index];
  const MapShape& in = plan_.values[op.inputs[0]];
  const float* const dy = Gradient(op.output, range);
  switch (op.kind) {
    case TrainKind::kConvolution:
      return ConvolveBack(index, range, gradients);
    case TrainKind::kDepthwise:
      return DepthwiseBack(index, range, gradients);
    case TrainKind::kMultiply:
      return MultiplyBack(index, range);
    case TrainKind::kConcat:
      return ConcatBack(index, range);
    case TrainKind::kActivation:
    case TrainKind::kAdd:
      for (size_t k = 0; k < op.inputs.size(); k++) {
        if (!schedule_.inputs[index][k].is_wanted) continue;
        GradientProduct product{{dy, in.stride()}};
        if (op.kind == TrainKind::kActivation) {
          const bool is_of_input = op.activation.kind == ActivationKind::kHardSwish;
          product.factor = {Map(is_of_input ? op.inputs[0] : op.output, range), in.stride()};
          product.is_derivative = true;
          product.of = op.activation;
        }
        kernels_.gradient(product, range.count * in.pixels(), in.stride(), FinishOf(index, k, range),
                          Gradient(op.inputs[k], range));
      }
      return;
    case TrainKind::kStored:
      return;
    case TrainKind::kMean:
      if (!schedule_.inputs[index][0].is_wanted) return;
      for (size_t i = range.first; i < range.first + range.count; i++) {
        GradientProduct product{{Gradient(op.output, {i, 1}), 0}};
        product.scale = 1 / static_cast<float>(in.pixels());
        kernels_.gradient(product, in.pixels(), in.stride(), FinishOf(index, 0, {i, 1}),
                          Gradient(op.inputs[0], {i, 1}));
      }
  }
}

void TrainPass::ConvolveBack(size_t index, Range range, float* gradients) {
  const TrainOperation& op = plan_.operations[index];
  const TrainParameter& weight = plan_.parameters[op.weight];
  const MapShape& out = plan_.values[op.output];
  const Matrix dy{Gradient(op.output, range), out.stride()};
  const size_t rows = range.count * out.pixels();
  if (op.bias != kNone) {
    kernels_.sum_rows(dy, rows, out.stride(), range.first > 0, gradients + weights_.Offset(op.bias));
  }
  if (!IsPointwise(plan_, op)) return WindowedBack(index, range, gradients);
  if (weight.is_trainable) {
    float* const gradient = gradients + weights_.Offset(op.weight);
    const Matrix x{Map(op.inputs[0], range), weight.stride()};
    kernels_.sum_products(dy, weight.rows, x, weight.stride(), rows, range.first > 0, gradient);
  }
  if (!schedule_.inputs[index][0].is_wanted) return;
  kernels_.multiply(dy, weights_.Back(op.weight), rows, weight.rows, weight.stride(), FinishOf(index, 0, range),
                    Gradient(op.inputs[0], range));
}

void TrainPass::WindowedBack(size_t index, Range range, float* gradients) {
  const TrainOperation& op = plan_.operations[index];
  const TrainParameter& weight = plan_.parameters[op.weight];
  const MapShape& in = plan_.values[op.inputs[0]];
  const MapShape& out = plan_.values[op.output];
  const WindowedMap map{in, out, op.window, weight.stride()};
  for (size_t i = range.first; i < range.first + range.count; i++) {
    const Matrix dy{Gradient(op.output, {i, 1}), out.stride()};
    if (weight.is_trainable) {
      FillWindows(op, i);
      kernels_.sum_products(dy, weight.rows, {windows_.data(), weight.stride()}, weight.stride(), out.pixels(), i > 0,
                            gradients + weights_.Offset(op.weight));
    }
    if (!schedule_.inputs[index][0].is_wanted) continue;
    kernels_.multiply(dy, weights_.Back(op.weight), out.pixels(), weight.rows, weight.stride(), Finish(),
                      windows_.data());
    const Finish finish = FinishOf(index, 0, {i, 1});
    float* const dx = Gradient(op.inputs[0], {i, 1});
    if (!finish.adds) std::fill_n(dx, in.floats(), 0.0f);
    AddWindows(map, windows_.data(), dx);
    if (finish.outputs == nullptr) continue;
    GradientProduct product{{dx, in.stride()}, {finish.outputs, in.stride()}, true, finish.derivative};
    kernels_.gradient(product, in.pixels(), in.stride(), Finish(), dx);
  }
}

void TrainPass::DepthwiseBack(size_t index, Range range, float* gradients) {
  const TrainOperation& op = plan_.operations[index];
  const DepthwiseShape shape{plan_.values[op.inputs[0]], plan_.values[op.output], op.window};
  const TrainParameter& weight = plan_.parameters[op.weight];
  float* const gradient = gradients + weights_.Offset(op.weight);
  if (range.first == 0) std::fill_n(gradient, weight.floats(), 0.0f);
  if (op.bias != kNone) {
    kernels_.sum_rows({Gradient(op.output, range), shape.output.stride()}, range.count * shape.output.pixels(),
                      shape.output.stride(), range.first > 0, gradients + weights_.Offset(op.bias));
  }
  const bool is_wanted = schedule_.inputs[index][0].is_wanted;
  for (size_t i = range.first; i < range.first + range.count; i++) {
    const Finish finish = is_wanted ? FinishOf(index, 0, {i, 1}) : Finish();
    kernels_.depthwise_back(shape, Map(op.inputs[0], {i, 1}), Gradient(op.output, {i, 1}), weights_.Value(op.weight),
                            zeros_.data(), finish, is_wanted ? Gradient(op.inputs[0], {i, 1}) : nullptr, gradient);
  }
}

void TrainPass::MultiplyBack(size_t index, Range range) {
  const TrainOperation& op = plan_.operations[index];
  const MapShape& shape = plan_.values[op.output];
  const size_t factor_stride = plan_.values[op.inputs[1]].pixels() == shape.pixels() ? shape.stride() : 0;
  const std::vector<InputGradient>& inputs = schedule_.inputs[index];
  for (size_t i = range.first; i < range.first + range.count; i++) {
    const Range one{i, 1};
    const float* const dy = Gradient(op.output, one);
    if (inputs[0].is_wanted) {
      const GradientProduct product{{dy, shape.stride()}, {Map(op.inputs[1], one), factor_stride}};
      kernels_.gradient(product, shape.pixels(), shape.stride(), FinishOf(index, 0, one), Gradient(op.inputs[0], one));
    }
    if (!inputs[1].is_wanted) continue;
    float* const dx = Gradient(op.inputs[1], one);
    const float* const x = Map(op.inputs[0], one);
    if (factor_stride == 0) {
      kernels_.sum_pixels(dy, x, shape.pixels(), shape.stride(), 1, FinishOf(index, 1, one), dx);
    } else {
      const GradientProduct product{{dy, shape.stride()}, {x, shape.stride()}};
      kernels_.gradient(product, shape.pixels(), shape.stride(), FinishOf(index, 1, one), dx);
    }
  }
}

void TrainPass::ConcatBack(size_t index, Range range) {
  const TrainOperation& op = plan_.operations[index];
  const size_t stride = plan_.values[op.output].stride();
  const float* dy = Gradient(op.output, range);
  for (size_t k = 0; k < op.inputs.size(); k++) {
    const MapShape& in = plan_.values[op.inputs[k]];
    const size_t pixels = range.count * in.pixels();
    if (schedule_.inputs[index][k].is_wanted) {
      const Finish finish = FinishOf(index, k, range);
      float* const dx = Gradient(op.inputs[k], range);
      for (size_t i = 0; i < pixels * in.stride(); i++) {
        const size_t c = i % in.stride();
        float value = c < in.channels ? dy[i / in.stride() * stride + c] : 0;
        if (finish.adds) value += dx[i];
        dx[i] = finish.outputs == nullptr ? value : value * DerivativeOf(finish.derivative, finish.outputs[i]);
      }
    }
    dy += in.channels;
  }
}

}  // namespace canopy
