#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "parallel.h"

namespace canopy {
namespace {

size_t GroupsOf(size_t tiles) { return (tiles + kGroupTiles - 1) / kGroupTiles; }

TrainPlan Checked(TrainPlan plan) {
  CheckTrainPlan(plan);
  return plan;
}

}  // namespace

Trainer::Trainer(TrainPlan plan, const TrainKernels& kernels, size_t threads)
    : plan_(Checked(std::move(plan))),
      kernels_(kernels),
      threads_(std::clamp<size_t>(threads, 1, GroupsOf(plan_.batch_size))),
      schedule_(MakeSchedule(plan_)),
      weights_(plan_, kernels_),
      gradients_(weights_.floats() * GroupsOf(plan_.batch_size)) {
  for (size_t i = 0; i < threads_; i++) {
    passes_.push_back(std::make_unique<TrainPass>(plan_, schedule_, kernels_, weights_));
    idle_.push_back(passes_.back().get());
  }
}

double Trainer::Step(const TrainBatch& batch, const TrainRates& rates) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double loss = FindGradients(batch);
  if (!std::isfinite(loss)) return loss;
  weights_.Update(gradients_.data(), GroupsOf(batch.count), rates, threads_);
  weights_.Pack(threads_, true);
  return loss;
}

double Trainer::Gradient(const TrainBatch& batch, const std::vector<float*>& out) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double loss = FindGradients(batch);
  for (size_t group = 1; group < GroupsOf(batch.count); group++) {
    const float* const from = gradients_.data() + group * weights_.floats();
    for (size_t i = 0; i < weights_.floats(); i++) gradients_.data()[i] += from[i];
  }
  for (size_t p = 0; p < out.size(); p++) {
    if (out[p] != nullptr) weights_.Unpad(p, gradients_.data() + weights_.Offset(p), out[p]);
  }
  return loss;
}

double Trainer::FindGradients(const TrainBatch& batch) {
  const size_t features = plan_.values[plan_.features].channels;
  std::vector<double> losses(GroupsOf(batch.count));
  ForGroups(batch.count, [&](TrainPass* pass, size_t group) {
    const size_t first = group * kGroupTiles;
    const TileGroup tiles{batch.tiles + first * plan_.tile_bytes(), std::min(kGroupTiles, batch.count - first)};
    const float* const dropout = batch.dropout == nullptr ? nullptr : batch.dropout + first * features;
    const GroupTargets targets{batch.targets + first * plan_.num_tags, dropout, batch.count};
    losses[group] = pass->Train(tiles, targets, gradients_.data() + group * weights_.floats());
  });
  double sum = 0;
  for (double loss : losses) sum += loss;
  return sum / (static_cast<double>(batch.count) * static_cast<double>(plan_.num_tags));
}

void Trainer::Logits(const uint8_t* tiles, size_t count, float* out) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ForGroups(count, [&](TrainPass* pass, size_t group) {
    const size_t first = group * kGroupTiles;
    pass->Logits({tiles + first * plan_.tile_bytes(), std::min(kGroupTiles, count - first)},
                 out + first * plan_.num_tags);
  });
}

template <typename Work>
void Trainer::ForGroups(size_t count, const Work& work) {
  RunParallel(GroupsOf(count), threads_, [&](size_t group) {
    TrainPass* pass = nullptr;
    {
      const std::lock_guard<std::mutex> lock(idle_mutex_);
      pass = idle_.back();  // there are as many as threads
      idle_.pop_back();
    }
    work(pass, group);
    const std::lock_guard<std::mutex> lock(idle_mutex_);
    idle_.push_back(pass);
  });
}

void Trainer::Read(WeightPart part, const std::vector<float*>& out) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t p = 0; p < out.size(); p++) {
    if (out[p] != nullptr) weights_.Read(p, part, out[p]);
  }
}

void Trainer::Write(WeightPart part, const std::vector<const float*>& from) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (size_t p = 0; p < from.size(); p++) {
    if (from[p] != nullptr) weights_.Write(p, part, from[p]);
  }
  if (part == WeightPart::kValue) weights_.Pack(threads_, false);
}

size_t Trainer::bytes() const {
  return weights_.bytes() + (gradients_.size() + passes_.size() * TrainPass::Floats(plan_, schedule_)) * sizeof(float);
}

}  // namespace canopy
