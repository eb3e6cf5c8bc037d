// The trainer for JavaScript: unpacks a plan, checks what guards memory, and computes off the main thread. src/addon.ts
// declares what it gives.
#include <napi.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"
#include "addon_worker.h"
#include "trainer.h"

namespace canopy {
namespace {

// The trainer that several functions share; `close` empties it, and the calls under way keep it until they end.
using Holder = std::shared_ptr<std::shared_ptr<Trainer>>;

size_t GetSize(const Napi::Object& from, const char* name) { return GetCount(from.Get(name), name, 0, 1u << 30); }

size_t GetIndexOrNone(const Napi::Object& from, const char* name) {
  return from.Get(name).IsUndefined() ? kNone : GetSize(from, name);
}

template <typename Kind>
Kind GetKind(const Napi::Value& value, const char* name, const std::map<std::string, Kind>& kinds) {
  const auto found = kinds.find(GetText(value, name));
  if (found == kinds.end()) ThrowRange(value.Env(), std::string("`") + name + "` to be a known kind");
  return found->second;
}

Activation GetActivation(const Napi::Value& value) {
  static const std::map<std::string, ActivationKind> kKinds = {{"clip", ActivationKind::kClip},
                                                               {"sigmoid", ActivationKind::kSigmoid},
                                                               {"hard-sigmoid", ActivationKind::kHardSigmoid},
                                                               {"hard-swish", ActivationKind::kHardSwish}};
  Activation activation;
  if (value.IsUndefined()) return activation;
  const Napi::Object from = GetObject(value, "activation");
  // Not GetNumber: a bound may be infinite.
  const auto number = [&](const char* name) {
    const Napi::Value bound = from.Get(name);
    if (!bound.IsNumber()) ThrowType(value.Env(), std::string("`") + name + "` to be a number");
    return bound.As<Napi::Number>().FloatValue();
  };
  activation.kind = GetKind(from.Get("kind"), "kind", kKinds);
  activation.low = number("low");
  activation.high = number("high");
  return activation;
}

template <typename Element, typename Get>
std::vector<Element> GetVector(const Napi::Value& value, const char* name, const Get& get) {
  const Napi::Array list = GetList(value, name);
  std::vector<Element> result;
  for (uint32_t i = 0; i < list.Length(); i++) result.push_back(get(list.Get(i)));
  return result;
}

std::vector<size_t> GetSizes(const Napi::Value& value, const char* name, size_t length) {
  const std::vector<size_t> sizes =
      GetVector<size_t>(value, name, [&](const Napi::Value& each) { return GetCount(each, name, 0, 1u << 30); });
  if (length != kNone && sizes.size() != length) {
    ThrowRange(value.Env(), std::string("`") + name + "` to have a length of " + std::to_string(length));
  }
  return sizes;
}

MapShape GetShape(const Napi::Value& value) {
  const std::vector<size_t> sizes = GetSizes(value, "values", 3);
  return {sizes[0], sizes[1], sizes[2]};
}

TrainParameter GetParameter(const Napi::Value& value) {
  const Napi::Object from = GetObject(value, "parameters");
  const std::vector<size_t> sizes = GetSizes(from.Get("sizes"), "sizes", 3);
  const std::vector<size_t> strides = GetSizes(from.Get("strides"), "strides", 3);
  return {
      sizes[0], sizes[1], sizes[2], strides[0], strides[1], strides[2], GetFlag(from.Get("trainable"), "trainable")};
}

KernelWindow GetWindow(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const std::vector<size_t> sizes = GetSizes(value, "window", 6);
  return {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]};
}

TrainOperation GetOperation(const Napi::Value& value) {
  static const std::map<std::string, TrainKind> kKinds = {
      {"convolution", TrainKind::kConvolution}, {"depthwise", TrainKind::kDepthwise},
      {"activation", TrainKind::kActivation},   {"add", TrainKind::kAdd},
      {"multiply", TrainKind::kMultiply},       {"mean", TrainKind::kMean},
      {"concat", TrainKind::kConcat},           {"stored", TrainKind::kStored}};
  const Napi::Object from = GetObject(value, "operations");
  TrainOperation op;
  op.kind = GetKind(from.Get("kind"), "kind", kKinds);
  op.inputs = GetSizes(from.Get("inputs"), "inputs", kNone);
  op.output = GetSize(from, "output");
  op.weight = GetIndexOrNone(from, "weight");
  op.bias = GetIndexOrNone(from, "bias");
  op.window = GetWindow(from.Get("window"));
  op.activation = GetActivation(from.Get("activation"));
  if (op.kind == TrainKind::kStored) op.offset = GetSize(from, "offset");
  return op;
}

TrainInput GetInput(const Napi::Value& value) {
  if (value.IsUndefined()) return {true, {}, {}, {}};
  const Napi::Object from = GetObject(value, "input");
  const std::vector<size_t> order = GetSizes(from.Get("order"), "order", 3);
  const auto floats = [&](const char* name) {
    return GetVector<float>(from.Get(name), name,
                            [&](const Napi::Value& each) { return static_cast<float>(GetNumber(each, name)); });
  };
  const std::vector<float> factor = floats("factor");
  const std::vector<float> offset = floats("offset");
  if (factor.size() != 3 || offset.size() != 3) ThrowRange(value.Env(), "`factor` and `offset` to have three numbers");
  return {false, {order[0], order[1], order[2]}, {factor[0], factor[1], factor[2]}, {offset[0], offset[1], offset[2]}};
}

TrainPlan GetPlan(const Napi::Value& value) {
  const Napi::Object from = GetObject(value, "plan");
  TrainPlan plan;
  plan.input = GetInput(from.Get("input"));
  plan.values = GetVector<MapShape>(from.Get("values"), "values", GetShape);
  plan.parameters = GetVector<TrainParameter>(from.Get("parameters"), "parameters", GetParameter);
  plan.operations = GetVector<TrainOperation>(from.Get("operations"), "operations", GetOperation);
  plan.features = GetSize(from, "features");
  plan.num_tags = GetSize(from, "numTags");
  plan.batch_size = GetSize(from, "batchSize");
  return plan;
}

const TrainKernels& GetKernels(const Napi::Value& value) {
  if (value.IsUndefined()) return ChosenTrainKernels();
  const TrainKernels* const kernels = FindTrainKernels(GetText(value, "kernels").c_str());
  if (kernels == nullptr) ThrowRange(value.Env(), "`kernels` to be a set that this CPU has");
  return *kernels;
}

std::shared_ptr<Trainer> TrainerOf(Napi::Env env, const Holder& holder) {
  if (*holder == nullptr) throw Napi::Error::New(env, "The trainer is closed.");
  return *holder;
}

size_t FloatsOf(const TrainParameter& parameter) { return parameter.rows * parameter.columns(); }

// One array per parameter, or undefined.
std::vector<float*> TakeArrays(const Napi::Value& value, const Trainer& trainer, HeldArrays* held) {
  const Napi::Array list = GetList(value, "arrays");
  const std::vector<TrainParameter>& parameters = trainer.plan().parameters;
  std::vector<Napi::Value> values;
  for (uint32_t i = 0; i < parameters.size(); i++) values.push_back(list.Get(i));
  std::vector<float*> arrays;
  for (size_t i = 0; i < values.size(); i++) {
    arrays.push_back(held->TakeOptional<float>(values[i], "arrays", FloatsOf(parameters[i])));
  }
  return arrays;
}

WeightPart GetPart(const Napi::Value& value) { return static_cast<WeightPart>(GetCount(value, "part", 0, 2)); }

const uint8_t* TakeTiles(const Napi::Value& value, uint64_t count, const Trainer& trainer, HeldArrays* held) {
  const uint64_t bytes = CheckedProduct(value.Env(), {count, trainer.plan().tile_bytes()});
  if (!trainer.plan().input.is_stored) return held->Take<uint8_t>(value, "tiles", bytes);
  return reinterpret_cast<const uint8_t*>(held->Take<float>(value, "tiles", bytes / sizeof(float)));
}

TrainBatch TakeBatch(const Napi::CallbackInfo& info, const Trainer& trainer, HeldArrays* held) {
  const TrainPlan& plan = trainer.plan();
  TrainBatch batch;
  batch.count = GetCount(info[1], "count", 1, plan.batch_size);
  batch.tiles = TakeTiles(info[0], batch.count, trainer, held);
  batch.targets = held->Take<float>(info[2], "targets", batch.count * plan.num_tags);
  batch.dropout = held->TakeOptional<float>(info[3], "dropout", batch.count * plan.values[plan.features].channels);
  return batch;
}

TrainRates GetRates(const Napi::Value& value) {
  const Napi::Object from = GetObject(value, "rates");
  const auto number = [&](const char* name) { return GetNumber(from.Get(name), name); };
  return {number("backbone"), number("head"), number("weightDecay"), GetCount(from.Get("step"), "step", 1)};
}

// step(tiles, count, targets, dropout, rates): Promise<number>
Napi::Value BindStep(const Napi::CallbackInfo& info, const Holder& holder) {
  const std::shared_ptr<Trainer> trainer = TrainerOf(info.Env(), holder);
  const TrainRates rates = GetRates(info[4]);
  HeldArrays held;
  const TrainBatch batch = TakeBatch(info, *trainer, &held);
  const auto loss = std::make_shared<double>(0);
  return PoolWorker::Start(
      info.Env(), std::move(held), [=] { *loss = trainer->Step(batch, rates); },
      [=](Napi::Env env) { return Napi::Number::New(env, *loss); });
}

// gradient(tiles, count, targets, dropout, arrays): Promise<number>
Napi::Value BindGradient(const Napi::CallbackInfo& info, const Holder& holder) {
  const std::shared_ptr<Trainer> trainer = TrainerOf(info.Env(), holder);
  HeldArrays held;
  const std::vector<float*> arrays = TakeArrays(info[4], *trainer, &held);
  const TrainBatch batch = TakeBatch(info, *trainer, &held);
  const auto loss = std::make_shared<double>(0);
  return PoolWorker::Start(
      info.Env(), std::move(held), [=] { *loss = trainer->Gradient(batch, arrays); },
      [=](Napi::Env env) { return Napi::Number::New(env, *loss); });
}

// logits(tiles, count, out): Promise<void>
Napi::Value BindLogits(const Napi::CallbackInfo& info, const Holder& holder) {
  const std::shared_ptr<Trainer> trainer = TrainerOf(info.Env(), holder);
  HeldArrays held;
  const uint64_t count = GetCount(info[1], "count");
  const uint8_t* const tiles = TakeTiles(info[0], count, *trainer, &held);
  float* const out = held.Take<float>(info[2], "out", CheckedProduct(info.Env(), {count, trainer->plan().num_tags}));
  return PoolWorker::Start(info.Env(), std::move(held), [=] { trainer->Logits(tiles, count, out); });
}

// read(part, arrays): Promise<void>
Napi::Value BindRead(const Napi::CallbackInfo& info, const Holder& holder) {
  const std::shared_ptr<Trainer> trainer = TrainerOf(info.Env(), holder);
  const WeightPart part = GetPart(info[0]);
  HeldArrays held;
  const std::vector<float*> arrays = TakeArrays(info[1], *trainer, &held);
  return PoolWorker::Start(info.Env(), std::move(held), [=] { trainer->Read(part, arrays); });
}

// write(part, arrays): Promise<void>
Napi::Value BindWrite(const Napi::CallbackInfo& info, const Holder& holder) {
  const std::shared_ptr<Trainer> trainer = TrainerOf(info.Env(), holder);
  const WeightPart part = GetPart(info[0]);
  HeldArrays held;
  const std::vector<float*> taken = TakeArrays(info[1], *trainer, &held);
  const std::vector<const float*> arrays(taken.begin(), taken.end());
  return PoolWorker::Start(info.Env(), std::move(held), [=] { trainer->Write(part, arrays); });
}

Napi::Value BindClose(const Napi::CallbackInfo& info, const Holder& holder) {
  holder->reset();
  return info.Env().Undefined();
}

using Method = Napi::Value (*)(const Napi::CallbackInfo&, const Holder&);

void ExportMethod(Napi::Object object, const char* name, const Holder& holder, Method method) {
  object.Set(name, Napi::Function::New(
                       object.Env(),
                       [holder, method](const Napi::CallbackInfo& info) {
                         try {
                           return method(info, holder);
                         } catch (const Napi::Error&) {
                           throw;
                         } catch (...) {
                           throw ToError(info.Env(), std::current_exception());
                         }
                       },
                       name));
}

// createTrainer(plan, threads, kernels?): NativeTrainer
Napi::Value BindCreateTrainer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TrainPlan plan = GetPlan(info[0]);
  const size_t threads = GetThreads(info[1]);
  const TrainKernels& kernels = GetKernels(info[2]);
  std::shared_ptr<Trainer> trainer;
  try {
    trainer = std::make_shared<Trainer>(std::move(plan), kernels, threads);
  } catch (const std::invalid_argument& error) {
    ThrowRange(env, std::string("`plan` to be consistent: ") + error.what());
  }
  const Holder holder = std::make_shared<std::shared_ptr<Trainer>>(trainer);
  Napi::Object object = Napi::Object::New(env);
  object.Set("kernels", trainer->kernels());
  object.Set("bytes", static_cast<double>(trainer->bytes()));
  object.Set("bytesPerTile", static_cast<double>(trainer->bytes_per_tile()));
  ExportMethod(object, "step", holder, BindStep);
  ExportMethod(object, "gradient", holder, BindGradient);
  ExportMethod(object, "logits", holder, BindLogits);
  ExportMethod(object, "read", holder, BindRead);
  ExportMethod(object, "write", holder, BindWrite);
  ExportMethod(object, "close", holder, BindClose);
  return object;
}

}  // namespace

void InitTrainer(Napi::Object exports) { Export<BindCreateTrainer>(exports, "createTrainer"); }

}  // namespace canopy
