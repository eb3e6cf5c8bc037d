// Calls that compute off the main thread.
#ifndef CANOPY_NATIVE_ADDON_WORKER_H_
#define CANOPY_NATIVE_ADDON_WORKER_H_

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"

namespace canopy {

// Arrays whose memory a call works on: none of them is collected before it ends.
class HeldArrays {
 public:
  template <typename Element>
  Element* Take(const Napi::Value& value, const char* name, uint64_t length) {
    Element* data = GetArray<Element>(value, name, length);
    arrays_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    return data;
  }
  template <typename Element>
  Element* TakeOptional(const Napi::Value& value, const char* name, uint64_t length) {
    return value.IsUndefined() ? nullptr : Take<Element>(value, name, length);
  }

 private:
  std::vector<Napi::ObjectReference> arrays_;
};

// Runs a function on a pool thread and settles a promise with the result of `finish`, or with what was thrown.
class PoolWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Promise Start(Napi::Env env, HeldArrays held, Work work, Finish finish = UndefinedOf) {
    auto worker = std::make_unique<PoolWorker>(env, std::move(held), std::move(work), std::move(finish));
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    worker.release();  // from here on it deletes itself
    return promise;
  }

  PoolWorker(Napi::Env env, HeldArrays held, Work work, Finish finish)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        held_(std::move(held)),
        work_(std::move(work)),
        finish_(std::move(finish)) {}

 protected:
  void Execute() override {
    try {
      work_();
    } catch (...) {
      exception_ = std::current_exception();
    }
  }
  void OnOK() override {
    try {
      if (exception_ != nullptr) std::rethrow_exception(exception_);
      deferred_.Resolve(finish_(Env()));
    } catch (...) {
      deferred_.Reject(ToError(Env(), std::current_exception()).Value());
    }
  }

 private:
  static Napi::Value UndefinedOf(Napi::Env env) { return env.Undefined(); }

  Napi::Promise::Deferred deferred_;
  HeldArrays held_;
  Work work_;
  Finish finish_;
  std::exception_ptr exception_;
};

}  // namespace canopy

#endif  // CANOPY_NATIVE_ADDON_WORKER_H_
