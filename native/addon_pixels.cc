// Binds resizeRgb, encodePlanetJpeg, aliasShared and dihedral.
#include <cstring>

#include "addon.h"
#include "dihedral.h"
#include "encode.h"

namespace canopy {
namespace {

uint64_t PixelBytes(int width, int height, int channels) {
  return static_cast<uint64_t>(width) * static_cast<uint64_t>(height) * static_cast<uint64_t>(channels);
}

Napi::Value ResizeRgb(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array pixels = GetBytes(env, info[0], "pixels");
  const int width = GetDimension(env, info[1], "width");
  const int height = GetDimension(env, info[2], "height");
  Napi::Uint8Array target = GetBytes(env, info[3], "target");
  const int size = GetDimension(env, info[4], "size");
  if (!info[5].IsBoolean()) throw Napi::TypeError::New(env, "Expected `antialias` to be a boolean");
  CheckByteLength(env, "pixels", pixels.ByteLength(), PixelBytes(width, height, 3));
  CheckByteLength(env, "target", target.ByteLength(), PixelBytes(size, size, 3));
  StateOf(info).decoder.ResizeRgb(pixels.Data(), width, height, target.Data(), size,
                                  info[5].As<Napi::Boolean>().Value());
  return env.Undefined();
}

Napi::Value BindEncodePlanetJpeg(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array rgba = GetBytes(env, info[0], "rgba");
  const int width = GetDimension(env, info[1], "width");
  const int height = GetDimension(env, info[2], "height");
  const int quality = GetDimension(env, info[3], "quality");
  CheckByteLength(env, "rgba", rgba.ByteLength(), PixelBytes(width, height, 4));
  try {
    const std::vector<uint8_t> bytes = EncodePlanetJpeg(rgba.Data(), width, height, quality);
    Napi::Uint8Array result = Napi::Uint8Array::New(env, bytes.size());
    std::memcpy(result.Data(), bytes.data(), bytes.size());
    return result;
  } catch (const DecodeError& error) {
    throw Napi::Error::New(env, error.what());
  }
}

Napi::Value AliasShared(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Uint8Array shared = GetBytes(env, info[0], "shared");
  // No finalizer: the memory belongs to the SharedArrayBuffer.
  return Napi::ArrayBuffer::New(env, shared.Data(), shared.ByteLength());
}

Napi::Value BindDihedral(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array source = GetBytes(env, info[0], "source");
  Napi::Uint8Array target = GetBytes(env, info[1], "target");
  const int64_t count = info[2].IsNumber() ? info[2].As<Napi::Number>().Int64Value() : -1;
  const int size = GetDimension(env, info[3], "size");
  const int64_t k = info[4].IsNumber() ? info[4].As<Napi::Number>().Int64Value() : -1;
  if (count < 0 || count > UINT32_MAX) throw Napi::RangeError::New(env, "Expected `count` to be a number of tiles");
  if (k < 0 || k > 7) throw Napi::RangeError::New(env, "Expected `k` to be a whole number from 0 to 7");
  const uint64_t tile = PixelBytes(size, size, 3);
  CheckByteLength(env, "source", source.ByteLength(), tile * static_cast<uint64_t>(count));
  CheckByteLength(env, "target", target.ByteLength(), tile * static_cast<uint64_t>(count));
  for (int64_t i = 0; i < count; i++) {
    const size_t at = static_cast<size_t>(i) * tile;
    Dihedral(source.Data() + at, target.Data() + at, size, static_cast<int>(k));
  }
  return env.Undefined();
}

}  // namespace

void InitPixels(Napi::Env env, Napi::Object exports) {
  exports.Set("resizeRgb", Napi::Function::New<ResizeRgb>(env, "resizeRgb"));
  exports.Set("encodePlanetJpeg", Napi::Function::New<BindEncodePlanetJpeg>(env, "encodePlanetJpeg"));
  exports.Set("aliasShared", Napi::Function::New<AliasShared>(env, "aliasShared"));
  exports.Set("dihedral", Napi::Function::New<BindDihedral>(env, "dihedral"));
}

}  // namespace canopy
