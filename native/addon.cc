// The addon's table of contents: which file adds which functions. src/addon.ts declares them all.
#include "addon.h"

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <memory>

#include "simd.h"

namespace canopy {
namespace {

#define CANOPY_TEXT_OF(x) #x
#define CANOPY_TEXT(x) CANOPY_TEXT_OF(x)

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto state = std::make_unique<AddonState>();
  // Node deletes it with the environment.
  env.SetInstanceData(state.release());
  exports.Set("jpegVersion", CANOPY_TEXT(LIBJPEG_TURBO_VERSION));
  exports.Set("simd", SimdName(ActiveSimd()));
  exports.Set("decoderVersion", kDecoderVersion);
  InitDecode(env, exports);
  InitPixels(env, exports);
  InitBench(env, exports);
  InitHead(env, exports);
  return exports;
}

}  // namespace
}  // namespace canopy

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return canopy::Init(env, exports); }

NODE_API_MODULE(canopy, InitAddon)
