// One group of tiles on its way through the network, forward and back, in memory that is planned and taken once.
#ifndef CANOPY_NATIVE_TRAIN_PASS_H_
#define CANOPY_NATIVE_TRAIN_PASS_H_

#include <cstddef>
#include <cstdint>

#include "train_kernels.h"
#include "train_plan.h"
#include "train_schedule.h"
#include "train_weights.h"

namespace canopy {

// Up to kGroupTiles tiles: uint8 [count, height, width, 3], or the stored floats of each.
struct TileGroup {
  const uint8_t* tiles;
  size_t count;
};

// What the loss needs of a group. `count_of_batch` and not the group's own: the loss is the mean over the batch.
struct GroupTargets {
  const float* targets;  // [count, tags]
  const float* dropout;  // [count, features], or null
  size_t count_of_batch;
};

// Owned by one thread at a time.
class TrainPass {
 public:
  TrainPass(const TrainPlan& plan, const Schedule& schedule, const TrainKernels& kernels, const TrainWeights& weights);

  // [count, tags]
  void Logits(const TileGroup& group, float* out);
  // Sum of the cross-entropies of the group; writes the gradient of the batch's mean loss, in the layout of the
  // weights.
  double Train(const TileGroup& group, const GroupTargets& targets, float* gradients);

  // Floats that a pass takes.
  static size_t Floats(const TrainPlan& plan, const Schedule& schedule);

 private:
  // Tiles [first, first + count) of the group.
  struct Range {
    size_t first, count;
  };

  void Forward(const TileGroup& group);
  void RunHead(size_t count, const float* dropout);
  double FindLoss(size_t count, const GroupTargets& targets);
  void HeadBack(size_t count, const float* dropout, float* gradients);
  void Back(const TileGroup& group, float* gradients);

  void Run(const TrainOperation& op, Range range);
  void Convolve(const TrainOperation& op, Range range);
  void ConvolveDepthwise(const TrainOperation& op, Range range);
  void Multiply(const TrainOperation& op, Range range);
  void Concat(const TrainOperation& op, Range range);
  void ReadStored(const TrainOperation& op, Range range);

  void RunBack(size_t index, Range range, float* gradients);
  void ConvolveBack(size_t index, Range range, float* gradients);
  void WindowedBack(size_t index, Range range, float* gradients);
  void DepthwiseBack(size_t index, Range range, float* gradients);
  void MultiplyBack(size_t index, Range range);
  void ConcatBack(size_t index, Range range);

  // The map or the gradient of a value for tile `first` of the group.
  float* Map(size_t value, Range range) const;
  float* Gradient(size_t value, Range range) const;
  // How the gradient that operation `index` gives its input k is to be stored from tile `range.first` on.
  Finish FinishOf(size_t index, size_t k, Range range) const;

  // [output pixels, taps * channels] of one tile, for convolutions with windows.
  void FillWindows(const TrainOperation& op, size_t tile);

  const TrainPlan& plan_;
  const Schedule& schedule_;
  const TrainKernels& kernels_;
  const TrainWeights& weights_;
  size_t segment_tiles_ = 0;  // of the segment that runs now: local memory begins again after that many
  bool goes_back_ = false;
  const uint8_t* tiles_ = nullptr;
  AlignedFloats workspace_;
  AlignedFloats windows_, zeros_, dropped_, logits_, head_gradient_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_PASS_H_
