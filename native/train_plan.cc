#include "train_plan.h"

#include <stdexcept>
#include <string>

namespace canopy {
namespace {

// Beyond these, sizes in floats could overflow.
constexpr size_t kMaxSide = 1 << 14;
constexpr size_t kMaxChannels = 1 << 20;
constexpr size_t kMaxFloats = size_t{1} << 40;

void Require(bool condition, const std::string& what) {
  if (!condition) throw std::invalid_argument(what);
}

void CheckShape(const MapShape& shape) {
  const bool is_sane = shape.height >= 1 && shape.height <= kMaxSide && shape.width >= 1 && shape.width <= kMaxSide &&
                       shape.channels >= 1 && shape.channels <= kMaxChannels;
  Require(is_sane && shape.floats() <= kMaxFloats, "a map has no sane size");
}

void CheckParameter(const TrainParameter& parameter) {
  const auto is_count = [](size_t count) { return count >= 1 && count <= kMaxChannels; };
  const bool is_sane = is_count(parameter.rows) && is_count(parameter.taps) && is_count(parameter.channels);
  Require(is_sane && parameter.rows * parameter.columns() <= kMaxFloats, "a parameter has no sane size");
  const size_t last = (parameter.rows - 1) * parameter.row_stride + (parameter.taps - 1) * parameter.tap_stride +
                      (parameter.channels - 1) * parameter.channel_stride;
  Require(last < parameter.rows * parameter.columns(), "a parameter's strides leave its tensor");
}

bool IsOneOutput(size_t input, size_t kernel, size_t stride, size_t pad, size_t output) {
  // Every window begins inside the map with its padding, so that none lies wholly beyond it.
  return kernel >= 1 && kernel <= kMaxSide && stride >= 1 && stride <= kMaxSide && pad < kernel &&
         (output - 1) * stride < input + pad;
}

void CheckParameterSize(const TrainPlan& plan, size_t index, size_t rows, size_t taps, size_t channels) {
  Require(index < plan.parameters.size(), "a parameter is missing");
  const TrainParameter& parameter = plan.parameters[index];
  Require(parameter.rows == rows && parameter.taps * parameter.channels == taps * channels,
          "a parameter has another size");
}

void CheckWindowed(const TrainPlan& plan, const TrainOperation& op, const MapShape& in, const MapShape& out) {
  const KernelWindow& window = op.window;
  Require(IsOneOutput(in.height, window.kernel_height, window.stride_y, window.pad_top, out.height) &&
              IsOneOutput(in.width, window.kernel_width, window.stride_x, window.pad_left, out.width),
          "a window leaves its map");
  const size_t taps = window.kernel_height * window.kernel_width;
  if (op.kind == TrainKind::kDepthwise) {
    Require(in.channels == out.channels, "a depthwise convolution changes the channels");
    CheckParameterSize(plan, op.weight, taps, 1, in.channels);
  } else {
    CheckParameterSize(plan, op.weight, out.channels, taps, in.channels);
  }
  if (op.bias != kNone) CheckParameterSize(plan, op.bias, 1, 1, out.channels);
}

bool IsSame(const MapShape& a, const MapShape& b) {
  return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

void CheckConcat(const TrainPlan& plan, const TrainOperation& op, const MapShape& out) {
  size_t channels = 0;
  for (size_t input : op.inputs) {
    const MapShape& in = plan.values[input];
    Require(in.height == out.height && in.width == out.width, "joined maps differ in size");
    channels += in.channels;
  }
  Require(channels == out.channels, "joined maps have other channels");
}

void CheckShapes(const TrainPlan& plan, const TrainOperation& op) {
  const MapShape& in = plan.values[op.inputs[0]];
  const MapShape& out = plan.values[op.output];
  const bool has_two = op.inputs.size() == 2;
  const bool takes_one = op.kind != TrainKind::kAdd && op.kind != TrainKind::kMultiply && op.kind != TrainKind::kConcat;
  Require(!takes_one || op.inputs.size() == 1, "an operation on one map has several");
  switch (op.kind) {
    case TrainKind::kConvolution:
    case TrainKind::kDepthwise:
      Require(op.activation.kind != ActivationKind::kHardSwish, "its derivative does not follow from its result");
      return CheckWindowed(plan, op, in, out);
    case TrainKind::kActivation:
      return Require(IsSame(in, out), "an activation changes a shape");
    case TrainKind::kAdd:
      return Require(has_two && IsSame(in, out) && IsSame(plan.values[op.inputs[1]], out), "a sum of unlike maps");
    case TrainKind::kMultiply: {
      Require(has_two && IsSame(in, out), "a product changes a shape");
      const MapShape& factor = plan.values[op.inputs[1]];
      return Require(factor.channels == out.channels && (factor.pixels() == 1 || IsSame(factor, out)),
                     "a product of unlike maps");
    }
    case TrainKind::kMean:
      return Require(out.pixels() == 1 && in.channels == out.channels, "a mean changes the channels");
    case TrainKind::kConcat:
      return CheckConcat(plan, op, out);
    case TrainKind::kStored:
      return Require(
          op.inputs[0] == 0 && op.offset <= in.channels && out.pixels() * out.channels <= in.channels - op.offset,
          "a stored map leaves the stored floats");
  }
}

void CheckOperation(const TrainPlan& plan, const TrainOperation& op, std::vector<bool>* is_made) {
  Require(!op.inputs.empty() && op.output < plan.values.size() && !(*is_made)[op.output], "a value is made twice");
  for (size_t input : op.inputs) Require(input < plan.values.size() && (*is_made)[input], "a value is used too early");
  for (size_t input : op.inputs) {
    const TrainKind reader = plan.input.is_stored ? TrainKind::kStored : TrainKind::kConvolution;
    Require(input != 0 || op.kind == reader, "only convolutions read pixels, and only stored maps what is stored");
  }
  CheckShapes(plan, op);
  (*is_made)[op.output] = true;
}

// Each parameter has one user, so that its gradient is written by one operation.
void CheckUses(const TrainPlan& plan) {
  std::vector<bool> is_used(plan.parameters.size(), false);
  const auto use = [&](size_t index) {
    if (index == kNone) return;
    Require(!is_used[index], "a parameter is used twice");
    is_used[index] = true;
  };
  for (const TrainOperation& op : plan.operations) {
    use(op.weight);
    use(op.bias);
  }
  use(plan.head_weight());
  use(plan.head_bias());
}

}  // namespace

void CheckTrainPlan(const TrainPlan& plan) {
  Require(!plan.values.empty() && plan.parameters.size() >= 2, "it lacks its ends");
  const MapShape& tile = plan.values[0];
  Require(plan.input.is_stored ? tile.pixels() == 1 : tile.channels == 3, "the tiles have another shape");
  Require(plan.batch_size >= 1 && plan.batch_size <= kMaxSide, "the batch size");
  for (size_t channel : plan.input.order) Require(channel < 3, "the order of colours");
  for (const MapShape& shape : plan.values) CheckShape(shape);
  for (const TrainParameter& parameter : plan.parameters) CheckParameter(parameter);
  std::vector<bool> is_made(plan.values.size(), false);
  is_made[0] = true;
  for (const TrainOperation& op : plan.operations) CheckOperation(plan, op, &is_made);
  const bool is_map = plan.features > 0 && plan.features < plan.values.size() && is_made[plan.features];
  Require(is_map && plan.values[plan.features].pixels() == 1, "the features");
  const size_t num_features = plan.values[plan.features].channels;
  CheckParameterSize(plan, plan.head_weight(), plan.num_tags, 1, num_features);
  CheckParameterSize(plan, plan.head_bias(), 1, 1, plan.num_tags);
  CheckUses(plan);
}

}  // namespace canopy
