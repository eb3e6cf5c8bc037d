// Fine-tuning of a network with a linear head: the mean binary cross-entropy, its gradient, and AdamW.
#ifndef CANOPY_NATIVE_TRAINER_H_
#define CANOPY_NATIVE_TRAINER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "train_kernels.h"
#include "train_pass.h"
#include "train_plan.h"
#include "train_schedule.h"
#include "train_weights.h"

namespace canopy {

// `tiles` as in TileGroup; `targets` is [count, tags], `dropout` [count, features] or null.
struct TrainBatch {
  const uint8_t* tiles;
  size_t count;
  const float* targets;
  const float* dropout;
};

// All memory is taken when it is made. Results do not depend on the number of threads. One call at a time runs; others
// wait.
class Trainer {
 public:
  Trainer(TrainPlan plan, const TrainKernels& kernels, size_t threads);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // The mean loss before the update. If it is no finite number, nothing is updated. At most plan().batch_size tiles.
  double Step(const TrainBatch& batch, const TrainRates& rates);
  // The gradient that Step would use, for checks: `out` has an array for each parameter, or null.
  double Gradient(const TrainBatch& batch, const std::vector<float*>& out);
  // [count, tags], any count.
  void Logits(const uint8_t* tiles, size_t count, float* out);

  // One array per parameter, in the layout of the tensors' owner; null for none.
  void Read(WeightPart part, const std::vector<float*>& out) const;
  void Write(WeightPart part, const std::vector<const float*>& from);

  const TrainPlan& plan() const { return plan_; }
  const char* kernels() const { return kernels_.name; }
  // Memory in all; and per tile that is under way.
  size_t bytes() const;
  size_t bytes_per_tile() const { return TrainPass::Floats(plan_, schedule_) * sizeof(float) / kGroupTiles; }

 private:
  double FindGradients(const TrainBatch& batch);
  // Runs work(pass, group) for each group of tiles.
  template <typename Work>
  void ForGroups(size_t count, const Work& work);

  const TrainPlan plan_;
  const TrainKernels& kernels_;
  const size_t threads_;
  const Schedule schedule_;
  TrainWeights weights_;
  std::vector<std::unique_ptr<TrainPass>> passes_;
  std::vector<TrainPass*> idle_;
  std::mutex idle_mutex_;
  AlignedFloats gradients_;  // of all groups, one after the other
  mutable std::mutex mutex_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAINER_H_
