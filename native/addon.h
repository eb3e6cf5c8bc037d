// What the binding files share: one Init per file, called in addon.cc, and the state of one JavaScript environment.
#ifndef CANOPY_NATIVE_ADDON_H_
#define CANOPY_NATIVE_ADDON_H_

#include <napi.h>

#include <exception>
#include <vector>

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

// Releases the reader at the end of a call, however it ends.
class ReaderRelease {
 public:
  explicit ReaderRelease(TileReader* reader) : reader_(reader) {}
  ~ReaderRelease() { reader_->Release(); }
  ReaderRelease(const ReaderRelease&) = delete;
  ReaderRelease& operator=(const ReaderRelease&) = delete;

 private:
  TileReader* reader_;
};

// What JavaScript is told of an exception of any kind. Memory that ran out has the code OUT_OF_MEMORY.
Napi::Error ToError(Napi::Env env, std::exception_ptr exception);
// A new Uint8Array. An error if there is no memory for it; N-API's own function would end the process.
Napi::Value ToBytes(Napi::Env env, const std::vector<uint8_t>& bytes);

using Function = Napi::Value (*)(const Napi::CallbackInfo&);

template <Function kFunction>
Napi::Value CallGuarded(const Napi::CallbackInfo& info) {
  try {
    return kFunction(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw ToError(info.Env(), std::current_exception());
  }
}

// Every function is exported through this, so that whatever it throws becomes a JavaScript error.
template <Function kFunction>
void Export(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<CallGuarded<kFunction>>(exports.Env(), name));
}

void InitDecode(Napi::Object exports);
void InitPixels(Napi::Object exports);
void InitBench(Napi::Object exports);
void InitHead(Napi::Object exports);
void InitTrainer(Napi::Object exports);

}  // namespace canopy

#endif  // CANOPY_NATIVE_ADDON_H_
