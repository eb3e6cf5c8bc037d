// What the binding files share: one Init per file, called in addon.cc, and the state of one JavaScript environment.
#ifndef CANOPY_NATIVE_ADDON_H_
#define CANOPY_NATIVE_ADDON_H_

#include <napi.h>

#include "decode.h"
#include "tile_reader.h"

namespace canopy {

// Every worker thread has an environment of its own, so that nothing here is shared between threads.
struct AddonState {
  Decoder decoder;
  TileReader reader;
  TileLocation tile;  // the one that is read now: its path keeps its memory
};

inline AddonState& StateOf(const Napi::CallbackInfo& info) { return *info.Env().GetInstanceData<AddonState>(); }

// Arguments, unpacked and checked as far as memory safety needs; TypeScript checks meaning.
DecodeOptions GetDecodeOptions(const Napi::Env& env, const Napi::Value& value);
void GetTile(const Napi::Env& env, const Napi::Value& value, TileLocation* tile);
Napi::Uint8Array GetBytes(const Napi::Env& env, const Napi::Value& value, const char* name);
int GetDimension(const Napi::Env& env, const Napi::Value& value, const char* name);
void CheckByteLength(const Napi::Env& env, const char* name, size_t byte_length, uint64_t needed);

Napi::Object ToFailure(Napi::Env env, const DecodeError& error);

void InitDecode(Napi::Env env, Napi::Object exports);
void InitPixels(Napi::Env env, Napi::Object exports);
void InitBench(Napi::Env env, Napi::Object exports);
void InitHead(Napi::Env env, Napi::Object exports);

}  // namespace canopy

#endif  // CANOPY_NATIVE_ADDON_H_
