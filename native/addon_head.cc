// The head's kernels for JavaScript: unpacks arguments, checks what guards memory, and computes off the main thread.
// The typed arrays given must not be written to, nor state arrays read, before the promise settles.
#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"
#include "addon_worker.h"
#include "head.h"
#include "head_gram.h"

namespace canopy {
namespace {

struct FeatureArguments {
  uint64_t rows, num_features;
  Napi::Value data, mean, scale;
};

FeatureArguments ReadFeatures(const Napi::Value& value) {
  const Napi::Object from = GetObject(value, "features");
  return {GetCount(from.Get("rows"), "rows"), GetCount(from.Get("numFeatures"), "numFeatures", 1, 1u << 24),
          from.Get("data"), from.Get("mean"), from.Get("scale")};
}

FeatureRows TakeFeatures(const FeatureArguments& from, HeldArrays* held) {
  const Napi::Env env = from.data.Env();
  if (from.mean.IsUndefined() != from.scale.IsUndefined()) ThrowType(env, "both `mean` and `scale`, or neither");
  FeatureRows features;
  features.rows = from.rows;
  features.num_features = from.num_features;
  features.data = held->Take<float>(from.data, "data", CheckedProduct(env, {from.rows, from.num_features}));
  features.mean = held->TakeOptional<float>(from.mean, "mean", from.num_features);
  features.scale = held->TakeOptional<float>(from.scale, "scale", from.num_features);
  return features;
}

// What is written must lie apart from the features, which other threads may still read.
template <typename Element>
void CheckApartFrom(const FeatureRows& features, Napi::Env env, Element* written, uint64_t length, const char* name) {
  const auto bytes = [](const auto* data, uint64_t count) {
    return ByteSpan{reinterpret_cast<const uint8_t*>(data), count * sizeof(*data)};
  };
  CheckApart(env, bytes(features.data, features.rows * features.num_features), "data", bytes(written, length), name);
}

uint64_t GetTagCount(const Napi::Object& from) { return GetCount(from.Get("numTags"), "numTags", 1, 1u << 20); }

OptimizerKind GetOptimizerKind(const Napi::Value& value) {
  const std::string name = GetText(value, "optimizer");
  if (name == "sgd") return OptimizerKind::kSgd;
  if (name == "rmsprop") return OptimizerKind::kRmsprop;
  if (name == "adam") return OptimizerKind::kAdam;
  ThrowRange(value.Env(), "`optimizer` to be one of rmsprop, adam, sgd");
}

OptimizerSettings GetOptimizer(const Napi::Object& from) {
  const auto number = [&](const char* name) { return GetNumber(from.Get(name), name); };
  OptimizerSettings settings;
  settings.kind = GetOptimizerKind(from.Get("optimizer"));
  settings.learning_rate = number("learningRate");
  settings.momentum = number("momentum");
  settings.rho = number("rho");
  settings.beta1 = number("beta1");
  settings.beta2 = number("beta2");
  settings.epsilon = number("epsilon");
  settings.nesterov = GetFlag(from.Get("nesterov"), "nesterov");
  return settings;
}

struct StateArguments {
  Napi::Value weight, bias;
  std::vector<Napi::Value> moments;
  uint64_t iterations;
};

StateArguments ReadState(const Napi::Value& value, size_t moment_count) {
  const Napi::Object from = GetObject(value, "state");
  StateArguments state{from.Get("weight"), from.Get("bias"), {}, GetCount(from.Get("iterations"), "iterations")};
  const Napi::Array moments = GetList(from.Get("moments"), "moments");
  for (uint32_t s = 0; s < moment_count; s++) state.moments.push_back(moments.Get(s));
  return state;
}

// `features` are those that the head is trained on.
HeadState TakeState(const StateArguments& from, const FeatureRows& features, size_t num_tags, HeldArrays* held) {
  const Napi::Env env = from.weight.Env();
  const uint64_t weights = CheckedProduct(env, {features.num_features, num_tags});
  const auto take = [&](const Napi::Value& value, const char* name, uint64_t length) {
    float* data = held->Take<float>(value, name, length);
    CheckApartFrom(features, env, data, length, name);
    return data;
  };
  HeadState state;
  state.num_tags = num_tags;
  state.weight = take(from.weight, "weight", weights);
  state.bias = take(from.bias, "bias", num_tags);
  state.iterations = from.iterations;
  for (size_t s = 0; s < from.moments.size(); s++)
    state.moments[s] = take(from.moments[s], "moments", weights + num_tags);
  return state;
}

// A copy, because nothing checks it again while the steps run.
std::vector<uint32_t> CopyOrder(const Napi::Value& value, size_t rows) {
  const Span<uint32_t> given = GetArray<uint32_t>(value, "order");
  std::vector<uint32_t> order(given.data, given.data + given.length);
  for (uint32_t row : order) {
    if (row >= rows) ThrowRange(value.Env(), "`order` to name rows of the features");
  }
  return order;
}

struct Training {
  FeatureRows features;
  const uint8_t* labels;
  std::vector<uint32_t> order;
  size_t batch_size;
  OptimizerSettings optimizer;
  HeadState state;
  EpochSums sums;

  void Run() { sums = TrainSteps(&state, features, labels, order.data(), order.size(), batch_size, optimizer); }
  Napi::Value ToResult(Napi::Env env) const {
    Napi::Object result = Napi::Object::New(env);
    result.Set("loss", sums.loss);
    result.Set("correct", static_cast<double>(sums.correct));
    result.Set("f2", sums.f2);
    result.Set("iterations", static_cast<double>(state.iterations));
    return result;
  }
};

// trainSteps(state, features, labels, order, settings): Promise<{loss, correct, f2, iterations}>
Napi::Value BindTrainSteps(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto training = std::make_shared<Training>();
  const FeatureArguments features = ReadFeatures(info[1]);
  const Napi::Object settings = GetObject(info[4], "settings");
  const uint64_t num_tags = GetTagCount(settings);
  training->batch_size = GetCount(settings.Get("batchSize"), "batchSize", 1, 1u << 16);
  training->optimizer = GetOptimizer(settings);
  const StateArguments state = ReadState(info[0], MomentCount(training->optimizer));

  HeldArrays held;
  training->features = TakeFeatures(features, &held);
  training->labels = held.Take<uint8_t>(info[2], "labels", CheckedProduct(env, {features.rows, num_tags}));
  training->order = CopyOrder(info[3], features.rows);
  training->state = TakeState(state, training->features, num_tags, &held);
  return PoolWorker::Start(
      env, std::move(held), [training] { training->Run(); },
      [training](Napi::Env result_env) { return training->ToResult(result_env); });
}

// headLogits(head, features, threads, out): Promise<void>
Napi::Value BindHeadLogits(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object head = GetObject(info[0], "head");
  const Napi::Value weight_value = head.Get("weight");
  const Napi::Value bias_value = head.Get("bias");
  const uint64_t num_tags = GetTagCount(head);
  const FeatureArguments given = ReadFeatures(info[1]);
  const size_t threads = GetThreads(info[2]);

  HeldArrays held;
  const FeatureRows features = TakeFeatures(given, &held);
  const float* weight =
      held.Take<float>(weight_value, "weight", CheckedProduct(env, {features.num_features, num_tags}));
  const float* bias = held.Take<float>(bias_value, "bias", num_tags);
  const uint64_t length = CheckedProduct(env, {features.rows, num_tags});
  float* out = held.Take<float>(info[3], "out", length);
  CheckApartFrom(features, env, out, length, "out");
  return PoolWorker::Start(env, std::move(held),
                           [=] { ComputeLogits(features, weight, bias, num_tags, threads, out); });
}

std::vector<Problem> CopyProblems(const Napi::Value& value, size_t num_tags) {
  const Span<int32_t> pairs = GetArray<int32_t>(value, "problems");
  std::vector<Problem> problems(pairs.length / 2);
  for (size_t p = 0; p < problems.size(); p++) {
    problems[p] = {pairs.data[2 * p], pairs.data[2 * p + 1]};
    if (problems[p].tag < 0 || static_cast<size_t>(problems[p].tag) >= num_tags) {
      ThrowRange(value.Env(), "`problems` to name tags");
    }
  }
  return problems;
}

// evaluateProblems(features, {labels, numTags, folds?}, problems, weights, threads, {losses, gradients}): Promise<void>
Napi::Value BindEvaluateProblems(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const FeatureArguments given = ReadFeatures(info[0]);
  const Napi::Object targets = GetObject(info[1], "targets");
  const uint64_t num_tags = GetTagCount(targets);
  const Napi::Value labels_value = targets.Get("labels");
  const Napi::Value folds_value = targets.Get("folds");
  const size_t threads = GetThreads(info[4]);
  const Napi::Object out = GetObject(info[5], "out");
  const Napi::Value losses_value = out.Get("losses");
  const Napi::Value gradients_value = out.Get("gradients");

  HeldArrays held;
  const FeatureRows features = TakeFeatures(given, &held);
  const uint8_t* labels = held.Take<uint8_t>(labels_value, "labels", CheckedProduct(env, {features.rows, num_tags}));
  const uint8_t* folds = held.TakeOptional<uint8_t>(folds_value, "folds", features.rows);
  const auto problems = std::make_shared<const std::vector<Problem>>(CopyProblems(info[2], num_tags));
  const uint64_t floats = CheckedProduct(env, {problems->size(), features.num_features + 1});
  const float* weights = held.Take<float>(info[3], "weights", floats);
  double* losses = held.Take<double>(losses_value, "losses", problems->size());
  float* gradients = held.Take<float>(gradients_value, "gradients", floats);
  CheckApartFrom(features, env, losses, problems->size(), "losses");
  CheckApartFrom(features, env, gradients, floats, "gradients");
  return PoolWorker::Start(env, std::move(held), [=] {
    EvaluateProblems(features, labels, num_tags, folds, problems->data(), problems->size(), weights, threads, losses,
                     gradients);
  });
}

// headGram(features, threads, out): Promise<void>
Napi::Value BindHeadGram(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const FeatureArguments given = ReadFeatures(info[0]);
  const size_t threads = GetThreads(info[1]);

  HeldArrays held;
  const FeatureRows features = TakeFeatures(given, &held);
  const uint64_t length = CheckedProduct(env, {features.rows, features.rows});
  double* out = held.Take<double>(info[2], "out", length);
  CheckApartFrom(features, env, out, length, "out");
  return PoolWorker::Start(env, std::move(held), [=] { ComputeGram(features, threads, out); });
}

}  // namespace

void InitHead(Napi::Object exports) {
  exports.Set("headSimd", HeadSimd());
  Export<BindTrainSteps>(exports, "trainSteps");
  Export<BindHeadLogits>(exports, "headLogits");
  Export<BindHeadGram>(exports, "headGram");
  Export<BindEvaluateProblems>(exports, "evaluateProblems");
}

}  // namespace canopy
