// The head's kernels for JavaScript: unpacks arguments, checks what guards memory, and computes off the main thread.
// The typed arrays given must not be written to, nor state arrays read, before the promise settles.
#include <napi.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "head.h"
#include "head_gram.h"

namespace canopy {
namespace {

// Runs a function on a pool thread and settles a promise with what `finish` makes of it; keeps the arguments alive
// meanwhile.
class HeadWorker : public Napi::AsyncWorker {
 public:
  HeadWorker(Napi::Env env, Napi::Object keep, std::function<void()> work, std::function<Napi::Value(Napi::Env)> finish)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        keep_(Napi::Persistent(keep)),
        work_(std::move(work)),
        finish_(std::move(finish)) {}

  Napi::Promise Start() {
    Queue();
    return deferred_.Promise();
  }

 protected:
  void Execute() override { work_(); }
  void OnOK() override { deferred_.Resolve(finish_(Env())); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference keep_;
  std::function<void()> work_;
  std::function<Napi::Value(Napi::Env)> finish_;
};

[[noreturn]] void ThrowRange(Napi::Env env, const std::string& what) {
  throw Napi::RangeError::New(env, "Expected " + what + ".");
}

size_t GetSize(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= 9007199254740991.0))
    ThrowRange(from.Env(), std::string("`") + name + "` to be a size");
  return static_cast<size_t>(number);
}

double GetNumber(const Napi::Object& from, const char* name) { return from.Get(name).ToNumber().DoubleValue(); }

// The memory of a typed array of at least `length` elements. Data() and not ArrayBuffer(): the latter fails on shared
// memory.
template <typename Array, typename Element>
Element* GetArray(const Napi::Value& value, napi_typedarray_type type, size_t length, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type ||
      value.As<Napi::TypedArray>().ElementLength() < length) {
    ThrowRange(value.Env(),
               std::string("`") + name + "` to be a typed array of " + std::to_string(length) + " elements");
  }
  return value.As<Array>().Data();
}

float* GetFloats(const Napi::Object& from, const char* name, size_t length) {
  return GetArray<Napi::Float32Array, float>(from.Get(name), napi_float32_array, length, name);
}

const float* GetOptionalFloats(const Napi::Object& from, const char* name, size_t length) {
  return from.Get(name).IsUndefined() ? nullptr : GetFloats(from, name, length);
}

const uint8_t* GetBytes(const Napi::Object& from, const char* name, size_t length) {
  return GetArray<Napi::Uint8Array, uint8_t>(from.Get(name), napi_uint8_array, length, name);
}

FeatureRows GetFeatures(const Napi::Object& from) {
  FeatureRows features;
  features.rows = GetSize(from, "rows");
  features.num_features = GetSize(from, "numFeatures");
  if (features.num_features == 0 || features.num_features > 1u << 24) ThrowRange(from.Env(), "1 to 2^24 features");
  features.data = GetFloats(from, "data", features.rows * features.num_features);
  features.mean = GetOptionalFloats(from, "mean", features.num_features);
  features.scale = GetOptionalFloats(from, "scale", features.num_features);
  if ((features.mean == nullptr) != (features.scale == nullptr))
    ThrowRange(from.Env(), "both `mean` and `scale` or neither");
  return features;
}

size_t GetTagCount(const Napi::Object& from) {
  const size_t num_tags = GetSize(from, "numTags");
  if (num_tags == 0 || num_tags > 1u << 20) ThrowRange(from.Env(), "1 to 2^20 tags");
  return num_tags;
}

OptimizerSettings GetOptimizer(const Napi::Object& from) {
  OptimizerSettings settings;
  const std::string name = from.Get("optimizer").ToString();
  settings.kind = name == "sgd" ? OptimizerKind::kSgd : name == "adam" ? OptimizerKind::kAdam : OptimizerKind::kRmsprop;
  settings.learning_rate = GetNumber(from, "learningRate");
  settings.momentum = GetNumber(from, "momentum");
  settings.rho = GetNumber(from, "rho");
  settings.beta1 = GetNumber(from, "beta1");
  settings.beta2 = GetNumber(from, "beta2");
  settings.epsilon = GetNumber(from, "epsilon");
  settings.nesterov = from.Get("nesterov").ToBoolean();
  return settings;
}

LossSettings GetLoss(const Napi::Object& from, size_t num_tags) {
  LossSettings settings;
  settings.gamma_positive = static_cast<float>(GetNumber(from, "gammaPositive"));
  settings.gamma_negative = static_cast<float>(GetNumber(from, "gammaNegative"));
  settings.clip = static_cast<float>(GetNumber(from, "clip"));
  settings.positive_weight = GetOptionalFloats(from, "positiveWeight", num_tags);
  return settings;
}

HeadState GetState(const Napi::Object& from, size_t num_features, size_t num_tags, size_t slot_count) {
  HeadState state;
  state.num_tags = num_tags;
  state.weight = GetFloats(from, "weight", num_features * num_tags);
  state.bias = GetFloats(from, "bias", num_tags);
  state.iterations = GetSize(from, "iterations");
  const Napi::Array slots = from.Get("slots").As<Napi::Array>();
  if (slots.Length() < slot_count) ThrowRange(from.Env(), std::to_string(slot_count) + " optimiser slots");
  for (size_t s = 0; s < slot_count; s++) {
    state.slots[s] =
        GetArray<Napi::Float32Array, float>(slots.Get(s), napi_float32_array, (num_features + 1) * num_tags, "slots");
  }
  return state;
}

Napi::Object Keep(const Napi::CallbackInfo& info) {
  Napi::Array keep = Napi::Array::New(info.Env(), info.Length());
  for (size_t i = 0; i < info.Length(); i++) keep.Set(i, info[i]);
  return keep;
}

// trainSteps(state, features, labels, order, settings): Promise<{loss, correct, f2}>
Napi::Value TrainStepsJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const FeatureRows features = GetFeatures(info[1].As<Napi::Object>());
  const Napi::Object settings = info[4].As<Napi::Object>();
  const size_t num_tags = GetTagCount(settings);
  const size_t batch_size = GetSize(settings, "batchSize");
  if (batch_size == 0 || batch_size > 1u << 16) ThrowRange(env, "1 to 65536 rows a batch");
  const OptimizerSettings optimizer = GetOptimizer(settings);
  const LossSettings loss = GetLoss(settings, num_tags);
  const uint8_t* labels =
      GetArray<Napi::Uint8Array, uint8_t>(info[2], napi_uint8_array, features.rows * num_tags, "labels");
  const uint32_t* order = GetArray<Napi::Uint32Array, uint32_t>(info[3], napi_uint32_array, 0, "order");
  const size_t count = info[3].As<Napi::TypedArray>().ElementLength();
  for (size_t i = 0; i < count; i++) {
    if (order[i] >= features.rows) ThrowRange(env, "`order` to name rows of the features");
  }
  const auto state = std::make_shared<HeadState>(
      GetState(info[0].As<Napi::Object>(), features.num_features, num_tags, SlotCount(optimizer)));
  const auto sums = std::make_shared<EpochSums>();
  const auto work = [=] {
    *sums = TrainSteps(state.get(), features, labels, order, count, batch_size, optimizer, loss);
  };
  const auto finish = [=](Napi::Env result_env) -> Napi::Value {
    Napi::Object result = Napi::Object::New(result_env);
    result.Set("loss", sums->loss);
    result.Set("correct", static_cast<double>(sums->correct));
    result.Set("f2", sums->f2);
    result.Set("iterations", static_cast<double>(state->iterations));
    return result;
  };
  return (new HeadWorker(env, Keep(info), work, finish))->Start();
}

// headLogits(head, features, threads, out): Promise<void>
Napi::Value HeadLogitsJs(const Napi::CallbackInfo& info) {
  const Napi::Object head = info[0].As<Napi::Object>();
  const FeatureRows features = GetFeatures(info[1].As<Napi::Object>());
  const size_t num_tags = GetTagCount(head);
  const float* weight = GetFloats(head, "weight", features.num_features * num_tags);
  const float* bias = GetFloats(head, "bias", num_tags);
  const size_t threads = info[2].ToNumber().Uint32Value();
  float* out = GetArray<Napi::Float32Array, float>(info[3], napi_float32_array, features.rows * num_tags, "out");
  const auto work = [=] { ComputeLogits(features, weight, bias, num_tags, threads, out); };
  const auto finish = [](Napi::Env env) { return env.Undefined(); };
  return (new HeadWorker(info.Env(), Keep(info), work, finish))->Start();
}

std::vector<Problem> GetProblems(const Napi::Value& value, size_t num_tags) {
  const int32_t* pairs = GetArray<Napi::Int32Array, int32_t>(value, napi_int32_array, 0, "problems");
  std::vector<Problem> problems(value.As<Napi::TypedArray>().ElementLength() / 2);
  for (size_t p = 0; p < problems.size(); p++) {
    problems[p] = {pairs[2 * p], pairs[2 * p + 1]};
    if (problems[p].tag < 0 || static_cast<size_t>(problems[p].tag) >= num_tags) {
      ThrowRange(value.Env(), "`problems` to name tags");
    }
  }
  return problems;
}

// evaluateProblems(features, {labels, numTags, folds?}, problems, weights, threads, {losses, gradients}): Promise<void>
Napi::Value EvaluateProblemsJs(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const FeatureRows features = GetFeatures(info[0].As<Napi::Object>());
  const Napi::Object targets = info[1].As<Napi::Object>();
  const size_t num_tags = GetTagCount(targets);
  const uint8_t* labels = GetBytes(targets, "labels", features.rows * num_tags);
  const uint8_t* folds = targets.Get("folds").IsUndefined() ? nullptr : GetBytes(targets, "folds", features.rows);
  const std::vector<Problem> problems = GetProblems(info[2], num_tags);
  const size_t floats = problems.size() * (features.num_features + 1);
  const float* weights = GetArray<Napi::Float32Array, float>(info[3], napi_float32_array, floats, "weights");
  const size_t threads = info[4].ToNumber().Uint32Value();
  const Napi::Object out = info[5].As<Napi::Object>();
  double* losses =
      GetArray<Napi::Float64Array, double>(out.Get("losses"), napi_float64_array, problems.size(), "losses");
  float* gradients = GetFloats(out, "gradients", floats);
  const auto work = [=] {
    EvaluateProblems(features, labels, num_tags, folds, problems.data(), problems.size(), weights, threads, losses,
                     gradients);
  };
  return (new HeadWorker(env, Keep(info), work, [](Napi::Env e) { return e.Undefined(); }))->Start();
}

// headGram(features, threads, out): Promise<void>
Napi::Value HeadGramJs(const Napi::CallbackInfo& info) {
  const FeatureRows features = GetFeatures(info[0].As<Napi::Object>());
  const size_t threads = info[1].ToNumber().Uint32Value();
  double* out = GetArray<Napi::Float64Array, double>(info[2], napi_float64_array, features.rows * features.rows, "out");
  const auto work = [=] { ComputeGram(features, threads, out); };
  return (new HeadWorker(info.Env(), Keep(info), work, [](Napi::Env e) { return e.Undefined(); }))->Start();
}

}  // namespace

void InitHead(Napi::Env env, Napi::Object exports) {
  exports.Set("headSimd", HeadSimd());
  exports.Set("trainSteps", Napi::Function::New(env, TrainStepsJs, "trainSteps"));
  exports.Set("headLogits", Napi::Function::New(env, HeadLogitsJs, "headLogits"));
  exports.Set("headGram", Napi::Function::New(env, HeadGramJs, "headGram"));
  exports.Set("evaluateProblems", Napi::Function::New(env, EvaluateProblemsJs, "evaluateProblems"));
}

}  // namespace canopy
