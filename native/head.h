// Training kernels of the head (one dense layer with a sigmoid): mini-batch steps, logits, and the full-batch
// objective. In: features [rows, num_features] and labels [rows, num_tags], row-major and borrowed. Every sum runs in
// an order that does not depend on the number of threads.
#ifndef CANOPY_HEAD_H_
#define CANOPY_HEAD_H_

#include <cstddef>
#include <cstdint>

namespace canopy {

enum class OptimizerKind { kSgd, kRmsprop, kAdam };

// Keras 3's optimisers; see src/head/config.ts for the meaning of each field.
struct OptimizerSettings {
  OptimizerKind kind = OptimizerKind::kRmsprop;
  double learning_rate = 1e-4;
  double momentum = 0;
  double rho = 0.9;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  bool nesterov = false;
};

// Rows of features; with `mean` and `scale` [num_features] each value is read as (x - mean) * scale.
struct FeatureRows {
  const float* data = nullptr;
  size_t rows = 0;
  size_t num_features = 0;
  const float* mean = nullptr;
  const float* scale = nullptr;
};

// A head with its optimiser state, changed in place. Each moment is laid out as weight [num_features, num_tags], then
// bias [num_tags].
struct HeadState {
  float* weight = nullptr;
  float* bias = nullptr;
  float* moments[2] = {nullptr, nullptr};
  size_t num_tags = 0;
  uint64_t iterations = 0;
};

// Sums over the rows seen, each with the weights its step began with.
struct EpochSums {
  double loss = 0;
  uint64_t correct = 0;
  double f2 = 0;
};

// Number of optimiser moments that `settings` needs.
size_t MomentCount(const OptimizerSettings& settings);

// One step of binary cross-entropy per `batch_size` rows of `order` (`count` row indices; the last batch may be
// smaller).
EpochSums TrainSteps(HeadState* state, const FeatureRows& features, const uint8_t* labels, const uint32_t* order,
                     size_t count, size_t batch_size, const OptimizerSettings& optimizer);

// logits [rows, num_tags] of all rows; weight [num_features, num_tags].
void ComputeLogits(const FeatureRows& features, const float* weight, const float* bias, size_t num_tags, size_t threads,
                   float* logits);

// A logistic regression of one tag on the rows whose fold is not `held_out` (all rows if it is negative).
struct Problem {
  int32_t tag = 0;
  int32_t held_out = -1;
};

// For each problem p the mean cross-entropy losses[p] and its gradient gradients[p * (num_features + 1) ...] at
// weights[p * (num_features + 1) ...] (bias last). `folds` [rows] may be null if no problem holds a fold out.
void EvaluateProblems(const FeatureRows& features, const uint8_t* labels, size_t num_tags, const uint8_t* folds,
                      const Problem* problems, size_t problem_count, const float* weights, size_t threads,
                      double* losses, float* gradients);

// "fma", "neon" or "plain": the kernels this CPU runs.
const char* HeadSimd();

}  // namespace canopy

#endif  // CANOPY_HEAD_H_
