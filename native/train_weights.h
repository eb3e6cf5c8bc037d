// The trainer's parameters with their moments, and the weights once more in the layouts that the kernels read.
#ifndef CANOPY_NATIVE_TRAIN_WEIGHTS_H_
#define CANOPY_NATIVE_TRAIN_WEIGHTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "train_kernels.h"
#include "train_plan.h"

namespace canopy {

// Floats that begin at a cache line, zero at first.
class AlignedFloats {
 public:
  explicit AlignedFloats(size_t floats);
  float* data() { return data_; }
  const float* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  std::unique_ptr<float[]> memory_;
  float* data_;
};

enum class WeightPart { kValue, kFirstMoment, kSecondMoment };

struct TrainRates {
  double backbone, head, weight_decay;
  size_t step;  // 1 for the first
};

class TrainWeights {
 public:
  TrainWeights(const TrainPlan& plan, const TrainKernels& kernels);

  // In the layout of the tensor's owner. After writing values, Pack.
  void Read(size_t parameter, WeightPart part, float* out) const;
  void Write(size_t parameter, WeightPart part, const float* from);
  // An array in the layout of a parameter here, such as its gradient, in that of its owner.
  void Unpad(size_t parameter, const float* from, float* out) const;

  const float* Value(size_t parameter) const { return parts_[0].data() + offsets_[parameter]; }
  // Null if there is none.
  const float* Bias(size_t parameter) const { return parameter == kNone ? nullptr : Value(parameter); }
  // For `multiply`: [columns, rows], and as it is, [rows, columns].
  const float* Forward(size_t parameter) const { return packed_.data() + forward_[parameter]; }
  const float* Back(size_t parameter) const { return packed_.data() + back_[parameter]; }

  // Where a parameter's gradient lies among `floats()`.
  size_t Offset(size_t parameter) const { return offsets_[parameter]; }
  size_t floats() const { return parts_[0].size(); }
  size_t bytes() const { return (3 * floats() + packed_.size()) * sizeof(float); }

  // One AdamW step for each trainable parameter. The gradient is the sum of `parts` arrays of floats(), one after the
  // other; the threads do not show in it.
  void Update(const float* gradients, size_t parts, const TrainRates& rates, size_t threads);
  void Pack(size_t threads, bool trainable_only);

 private:
  bool IsMatrix(size_t parameter) const { return forward_[parameter] != kNone; }
  void PackOne(size_t parameter);

  const TrainPlan& plan_;
  const TrainKernels& kernels_;
  std::vector<size_t> offsets_, forward_, back_;
  std::vector<AlignedFloats> parts_;
  AlignedFloats packed_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_WEIGHTS_H_
