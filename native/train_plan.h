// What the trainer runs: a network as operations on maps, and a linear head on its features. It begins at the tiles'
// pixels, or at maps of a part that does not learn, which were stored. Maps are channels last,
// one after the other for the tiles of a batch; the channels of a pixel are padded to a multiple of kChannelPad floats.
#ifndef CANOPY_NATIVE_TRAIN_PLAN_H_
#define CANOPY_NATIVE_TRAIN_PLAN_H_

#include <cstddef>
#include <vector>

namespace canopy {

constexpr size_t kChannelPad = 16;
constexpr size_t kNone = static_cast<size_t>(-1);

inline size_t PadChannels(size_t channels) { return (channels + kChannelPad - 1) / kChannelPad * kChannelPad; }

enum class ActivationKind { kIdentity, kClip, kSigmoid, kHardSigmoid, kHardSwish };

// kClip: between low and high. kHardSigmoid: low * x + high, clipped to 0 and 1.
struct Activation {
  ActivationKind kind = ActivationKind::kIdentity;
  float low = 0, high = 0;
};

struct MapShape {
  size_t height, width, channels;

  size_t pixels() const { return height * width; }
  size_t stride() const { return PadChannels(channels); }
  size_t floats() const { return pixels() * stride(); }
};

// A matrix [rows, taps * channels], each row padded, where element (row, tap, channel) is element
// row * row_stride + tap * tap_stride + channel * channel_stride of the tensor as its owner holds it.
struct TrainParameter {
  size_t rows, taps, channels;
  size_t row_stride, tap_stride, channel_stride;
  bool is_trainable;

  size_t columns() const { return taps * channels; }
  size_t stride() const { return PadChannels(columns()); }
  size_t floats() const { return rows * stride(); }
};

// kConvolution: weight [output channels, taps * input channels]; a Gemm is one on maps of one pixel.
// kDepthwise: weight [taps, channels]. kMultiply: the second input may be one pixel that all pixels are multiplied by.
// kStored: a map [channels, height, width] among the stored floats of value 0.
enum class TrainKind { kConvolution, kDepthwise, kActivation, kAdd, kMultiply, kMean, kConcat, kStored };

struct KernelWindow {
  size_t kernel_height = 1, kernel_width = 1;
  size_t stride_y = 1, stride_x = 1;
  size_t pad_top = 0, pad_left = 0;
};

struct TrainOperation {
  TrainKind kind;
  std::vector<size_t> inputs;  // values
  size_t output;               // a value
  size_t weight = kNone;       // parameters
  size_t bias = kNone;
  KernelWindow window{};
  Activation activation{};  // of a convolution, applied to its result; or the operation itself
  size_t offset = 0;        // of kStored: the first of its floats
};

// Value 0 is the tiles: pixels, of which the network sees pixel[order[c]] * factor[c] + offset[c], or if `is_stored`
// the floats of their maps as one pixel of as many channels.
struct TrainInput {
  bool is_stored;
  size_t order[3];
  float factor[3];
  float offset[3];
};

// The head's weight [tags, features] and bias are the last two parameters.
struct TrainPlan {
  TrainInput input;
  std::vector<MapShape> values;
  std::vector<TrainParameter> parameters;
  std::vector<TrainOperation> operations;  // in an order of execution; each value is made once
  size_t features;                         // a value of one pixel
  size_t num_tags;
  size_t batch_size;  // tiles of a step, at most

  // Bytes of a tile as it comes in.
  size_t tile_bytes() const { return values[0].pixels() * values[0].channels * (input.is_stored ? sizeof(float) : 1); }
  size_t head_weight() const { return parameters.size() - 2; }
  size_t head_bias() const { return parameters.size() - 1; }
};

// Throws std::invalid_argument unless the plan is consistent, so that nothing reads or writes beyond its memory.
void CheckTrainPlan(const TrainPlan& plan);

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_PLAN_H_
