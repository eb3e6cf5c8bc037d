// The addon's table of contents: which file adds which functions. src/addon.ts declares them all.
#include "addon.h"

#include <cstdio>
// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

#include <memory>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "simd.h"

namespace canopy {
namespace {

#define CANOPY_TEXT_OF(x) #x
#define CANOPY_TEXT(x) CANOPY_TEXT_OF(x)

// glibc keeps blocks of up to 32 MiB for later use, once it has seen their like freed: in every thread's arena, and cut
// up by small ones that live on. Decoding large files of changing sizes then takes several times what they need.
void ReturnFreedMemory(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto state = std::make_unique<AddonState>();
  // Node deletes it with the environment.
  env.SetInstanceData(state.release());
  exports.Set("jpegVersion", CANOPY_TEXT(LIBJPEG_TURBO_VERSION));
  exports.Set("simd", SimdName(ActiveSimd()));
  exports.Set("decoderVersion", kDecoderVersion);
  exports.Set("returnFreedMemory", Napi::Function::New(env, ReturnFreedMemory, "returnFreedMemory"));
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
