// Trains random small networks, for the sanitizers: every set of kernels must give what the plain ones give, and any
// number of threads the same bits.
#include "../trainer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../train_kernels.h"

namespace {

using namespace canopy;

constexpr size_t kBatch = 20;

struct Random {
  std::mt19937 engine;
  size_t From(size_t low, size_t high) { return low + engine() % (high - low + 1); }
  bool Chance(size_t one_in) { return engine() % one_in == 0; }
  float Float() { return static_cast<float>(engine() >> 8) / (1 << 23) - 1; }
};

class NetworkMaker {
 public:
  explicit NetworkMaker(Random* random) : random_(*random) {}

  TrainPlan Make() {
    size_t map = random_.Chance(3) ? BeginStored() : BeginAtPixels();
    for (size_t layers = random_.From(1, 7); layers > 0; layers--) map = AddLayer(map);
    if (plan_.values[map].pixels() > 1 || random_.Chance(2)) map = Mean(map);
    if (random_.Chance(2)) map = Pointwise(map, Channels());
    plan_.features = map;
    plan_.num_tags = random_.From(1, 20);
    plan_.batch_size = kBatch;
    AddParameter(plan_.num_tags, 1, plan_.values[map].channels, true);
    AddParameter(1, 1, plan_.num_tags, true);
    return plan_;
  }

 private:
  size_t BeginAtPixels() {
    const size_t size = random_.From(1, 14);
    plan_.input = {false, {2, 0, 1}, {0.01f, 0.02f, 0.015f}, {-1, -1.5f, -0.5f}};
    plan_.values.push_back({size, size, 3});
    return Convolve(0, TrainKind::kConvolution);
  }

  // Other floats may lie before and behind those of the map.
  size_t BeginStored() {
    const MapShape shape{random_.From(1, 9), random_.From(1, 9), Channels()};
    TrainOperation op{TrainKind::kStored, {0}, 0};
    op.offset = random_.From(0, 3);
    plan_.input = {true, {}, {}, {}};
    plan_.values.push_back({1, 1, op.offset + shape.pixels() * shape.channels + random_.From(0, 3)});
    return AddOperation(op, shape);
  }

  size_t Channels() { return random_.Chance(3) ? random_.From(1, 3) : random_.From(1, 40); }

  size_t AddParameter(size_t rows, size_t taps, size_t channels, bool is_trainable) {
    plan_.parameters.push_back({rows, taps, channels, taps * channels, 1, taps, is_trainable});
    return plan_.parameters.size() - 1;
  }

  size_t AddOperation(TrainOperation op, const MapShape& shape) {
    op.output = plan_.values.size();
    plan_.values.push_back(shape);
    plan_.operations.push_back(op);
    return op.output;
  }

  Activation SomeActivation(size_t kinds) {
    switch (random_.From(0, kinds)) {
      case 1:
        return {ActivationKind::kClip, 0, 1.5f};
      case 2:
        return {ActivationKind::kSigmoid, 0, 0};
      case 3:
        return {ActivationKind::kHardSigmoid, 0.2f, 0.5f};
      case 4:
        return {ActivationKind::kHardSwish, 0, 0};
      default:
        return {};
    }
  }

  size_t Weighted(TrainOperation op, size_t rows, size_t taps, size_t channels, const MapShape& out) {
    op.weight = AddParameter(rows, taps, channels, !random_.Chance(4));
    if (!random_.Chance(4)) op.bias = AddParameter(1, 1, out.channels, !random_.Chance(4));
    op.activation = SomeActivation(3);
    return AddOperation(op, out);
  }

  size_t Pointwise(size_t input, size_t channels) {
    MapShape out = plan_.values[input];
    out.channels = channels;
    TrainOperation op{TrainKind::kConvolution, {input}, 0};
    return Weighted(op, channels, 1, plan_.values[input].channels, out);
  }

  // Sets the window along one axis; returns the size of the output.
  size_t Axis(size_t size, size_t kernel, size_t* stride, size_t* pad) {
    *stride = random_.From(1, 2);
    *pad = random_.From(0, kernel - 1);
    const size_t end = random_.From(0, kernel - 1);
    if (size + *pad + end < kernel) *pad = kernel - 1;
    const size_t padded = std::max(size + *pad + end, kernel);
    return (padded - kernel) / *stride + 1;
  }

  size_t Convolve(size_t input, TrainKind kind) {
    const MapShape in = plan_.values[input];
    TrainOperation op{kind, {input}, 0};
    op.window.kernel_height = random_.From(1, 5);
    op.window.kernel_width = random_.Chance(3) ? random_.From(1, 5) : op.window.kernel_height;
    MapShape out{Axis(in.height, op.window.kernel_height, &op.window.stride_y, &op.window.pad_top),
                 Axis(in.width, op.window.kernel_width, &op.window.stride_x, &op.window.pad_left), in.channels};
    const size_t taps = op.window.kernel_height * op.window.kernel_width;
    if (kind == TrainKind::kDepthwise) return Weighted(op, taps, 1, in.channels, out);
    out.channels = Channels();
    return Weighted(op, out.channels, taps, in.channels, out);
  }

  size_t Mean(size_t input) {
    return AddOperation({TrainKind::kMean, {input}, 0}, {1, 1, plan_.values[input].channels});
  }

  size_t AddLayer(size_t map) {
    const MapShape shape = plan_.values[map];
    switch (random_.From(0, 7)) {
      case 0:
        return Convolve(map, TrainKind::kConvolution);
      case 1:
      case 2:
        return Convolve(map, TrainKind::kDepthwise);
      case 3: {
        TrainOperation op{TrainKind::kActivation, {map}, 0};
        op.activation = {ActivationKind::kHardSwish, 0, 0};
        return AddOperation(op, shape);
      }
      case 4: {
        const size_t inner = Pointwise(Pointwise(map, Channels()), shape.channels);
        return AddOperation({TrainKind::kAdd, {map, inner}, 0}, shape);
      }
      case 5: {
        const size_t gate = random_.Chance(3) ? map : Pointwise(Mean(map), shape.channels);
        return AddOperation({TrainKind::kMultiply, {map, gate}, 0}, shape);
      }
      case 6: {
        const size_t other = Pointwise(map, Channels());
        MapShape joined = shape;
        joined.channels += plan_.values[other].channels;
        return AddOperation({TrainKind::kConcat, {map, other}, 0}, joined);
      }
      default:
        return Pointwise(map, Channels());
    }
  }

  Random& random_;
  TrainPlan plan_;
};

using Tensors = std::vector<std::vector<float>>;

Tensors MakeTensors(const TrainPlan& plan) {
  Tensors tensors;
  for (const TrainParameter& p : plan.parameters) tensors.emplace_back(p.rows * p.columns());
  return tensors;
}

template <typename Pointer>
std::vector<Pointer> PointersOf(Tensors* tensors) {
  std::vector<Pointer> pointers;
  for (std::vector<float>& each : *tensors) pointers.push_back(each.data());
  return pointers;
}

struct Trial {
  TrainPlan plan;
  Tensors weights;
  std::vector<uint8_t> tiles;
  std::vector<float> targets, dropout;
  size_t count;

  explicit Trial(Random* random) : plan(NetworkMaker(random).Make()), weights(MakeTensors(plan)) {
    for (size_t p = 0; p < weights.size(); p++) {
      const float scale = 1.5f / std::sqrt(static_cast<float>(plan.parameters[p].columns()));
      for (float& each : weights[p]) each = random->Float() * scale;
    }
    count = random->From(1, kBatch);
    tiles.resize(count * plan.tile_bytes());
    targets.resize(count * plan.num_tags);
    dropout.resize(count * plan.values[plan.features].channels);
    for (uint8_t& each : tiles) each = static_cast<uint8_t>(random->engine());
    float* const stored = reinterpret_cast<float*>(tiles.data());
    for (size_t i = 0; plan.input.is_stored && i < tiles.size() / sizeof(float); i++) stored[i] = random->Float();
    for (float& each : targets) each = random->Chance(3) ? 1 : 0;
    for (float& each : dropout) each = random->Chance(4) ? 0 : 1.25f;
  }

  TrainBatch Batch() const { return {tiles.data(), count, targets.data(), dropout.data()}; }

  // Loss and gradients.
  double Gradients(const TrainKernels& kernels, Tensors* gradients) {
    Trainer trainer(plan, kernels, 1);
    trainer.Write(WeightPart::kValue, PointersOf<const float*>(&weights));
    *gradients = MakeTensors(plan);
    return trainer.Gradient(Batch(), PointersOf<float*>(gradients));
  }

  // Everything after two steps.
  Tensors Train(size_t threads) {
    Trainer trainer(plan, ChosenTrainKernels(), threads);
    trainer.Write(WeightPart::kValue, PointersOf<const float*>(&weights));
    for (size_t step = 1; step <= 2; step++) trainer.Step(Batch(), {1e-3, 1e-2, 0.01, step});
    Tensors result = MakeTensors(plan);
    trainer.Read(WeightPart::kValue, PointersOf<float*>(&result));
    result.emplace_back(count * plan.num_tags);
    trainer.Logits(tiles.data(), count, result.back().data());
    return result;
  }
};

bool IsNear(const Tensors& a, const Tensors& b) {
  for (size_t p = 0; p < a.size(); p++) {
    float largest = 1e-5f;
    for (float each : a[p]) largest = std::max(largest, std::abs(each));
    for (size_t i = 0; i < a[p].size(); i++) {
      if (!(std::abs(a[p][i] - b[p][i]) <= 2e-3f * largest)) return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: trainer NETWORKS\n"), 2;
  const int networks = std::atoi(argv[1]);
  Random random{std::mt19937(7)};
  for (int i = 0; i < networks; i++) {
    Trial trial(&random);
    Tensors expected, gradients;
    const double loss = trial.Gradients(*FindTrainKernels("plain"), &expected);
    if (!std::isfinite(loss)) return std::printf("network %d: no loss\n", i), 1;
    for (const char* name : {"portable", "avx2", "avx512"}) {
      const TrainKernels* const kernels = FindTrainKernels(name);
      if (kernels == nullptr) continue;
      const bool is_same = std::abs(trial.Gradients(*kernels, &gradients) - loss) <= 1e-4 * loss;
      if (!is_same || !IsNear(expected, gradients)) return std::printf("network %d: %s differs\n", i, name), 1;
    }
    const Tensors once = trial.Train(1);
    for (size_t threads : {2, 3}) {
      if (trial.Train(threads) != once) return std::printf("network %d: %zu threads differ\n", i, threads), 1;
    }
  }
  return std::printf("%d networks: every set of kernels and number of threads agrees\n", networks), 0;
}
