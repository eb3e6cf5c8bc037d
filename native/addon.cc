// The addon's table of contents: which file adds which functions. src/addon.ts declares them all.
#include "addon.h"

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>
#include <uv.h>

#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "addon_arguments.h"
#include "error.h"
#include "simd.h"

namespace canopy {
namespace {

#define CANOPY_TEXT_OF(x) #x
#define CANOPY_TEXT(x) CANOPY_TEXT_OF(x)

// Once it has seen such blocks freed, glibc keeps blocks of up to 32 MiB for later use, in every thread's arena. Small
// blocks that stay then split them. Decoding large files of changing sizes then takes several times the memory they
// need.
Napi::Value ReturnFreedMemory(const Napi::CallbackInfo& info) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  return info.Env().Undefined();
}

// Through Node's library, which works on every system.
Napi::Value DisableTelemetry(const Napi::CallbackInfo& info) {
  uv_os_setenv("ORT_DISABLE_TELEMETRY", "1");
  return info.Env().Undefined();
}

Napi::Error OutOfMemory(Napi::Env env) {
  Napi::Error error = Napi::Error::New(env, kOutOfMemoryMessage);
  error.Set("code", ErrorCodeName(ErrorCode::kOutOfMemory));
  return error;
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto state = std::make_unique<AddonState>();
  // Node deletes it with the environment.
  env.SetInstanceData(state.release());
  exports.Set("jpegVersion", CANOPY_TEXT(LIBJPEG_TURBO_VERSION));
  exports.Set("simd", SimdName(ActiveSimd()));
  exports.Set("decoderVersion", kDecoderVersion);
  Export<ReturnFreedMemory>(exports, "returnFreedMemory");
  Export<DisableTelemetry>(exports, "disableTelemetry");
  InitDecode(exports);
  InitPixels(exports);
  InitBench(exports);
  InitHead(exports);
  InitTrainer(exports);
  return exports;
}

}  // namespace

Napi::Error ToError(Napi::Env env, std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const Napi::Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return OutOfMemory(env);
  } catch (const std::length_error&) {
    return OutOfMemory(env);
  } catch (const std::exception& error) {
    return Napi::Error::New(env, error.what());
  } catch (...) {
    return Napi::Error::New(env, "The native addon failed for an unknown reason");
  }
}

Napi::Value ToBytes(Napi::Env env, const std::vector<uint8_t>& bytes) {
  const Napi::Value constructor = env.Global().Get("Uint8Array");
  if (!constructor.IsFunction()) ThrowType(env, "`Uint8Array` to be as it was");
  const Napi::Value array =
      constructor.As<Napi::Function>().New({Napi::Number::New(env, static_cast<double>(bytes.size()))});
  uint8_t* const data = GetArray<uint8_t>(array, "Uint8Array", bytes.size());
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return array;
}

}  // namespace canopy

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return canopy::Init(env, exports); }

NODE_API_MODULE(canopy, InitAddon)
