// Binds resizeRgb, encodePlanetJpeg, aliasShared, dihedral and alterTiles.
#include <memory>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"
#include "alter.h"
#include "dihedral.h"
#include "encode.h"

namespace canopy {
namespace {

uint64_t PixelBytes(int width, int height, int channels) {
  return static_cast<uint64_t>(width) * static_cast<uint64_t>(height) * static_cast<uint64_t>(channels);
}

Napi::Value ResizeRgb(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int width = GetDimension(info[1], "width");
  const int height = GetDimension(info[2], "height");
  const int size = GetDimension(info[4], "size");
  const bool antialias = GetFlag(info[5], "antialias");
  const uint64_t read = PixelBytes(width, height, 3);
  const uint64_t written = PixelBytes(size, size, 3);
  const uint8_t* const pixels = GetArray<uint8_t>(info[0], "pixels", read);
  uint8_t* const target = GetArray<uint8_t>(info[3], "target", written);
  CheckApart(env, {pixels, read}, "pixels", {target, written}, "target");
  StateOf(info).decoder.ResizeRgb(pixels, width, height, target, size, antialias);
  return env.Undefined();
}

Napi::Value BindEncodePlanetJpeg(const Napi::CallbackInfo& info) {
  const int width = GetDimension(info[1], "width");
  const int height = GetDimension(info[2], "height");
  const int quality = static_cast<int>(GetCount(info[3], "quality", 1, 100));
  const uint8_t* const rgba = GetArray<uint8_t>(info[0], "rgba", PixelBytes(width, height, 4));
  return ToBytes(info.Env(), EncodePlanetJpeg(rgba, width, height, quality));
}

bool IsShared(const Napi::Value& array) {
  napi_value buffer = nullptr;
  bool is_private = true;
  return napi_get_typedarray_info(array.Env(), array, nullptr, nullptr, nullptr, &buffer, nullptr) == napi_ok &&
         napi_is_arraybuffer(array.Env(), buffer, &is_private) == napi_ok && !is_private;
}

Napi::Value AliasShared(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Span<uint8_t> shared = GetArray<uint8_t>(info[0], "shared");
  if (!IsShared(info[0])) ThrowType(env, "`shared` to be a view of a SharedArrayBuffer");
  // The memory belongs to the SharedArrayBuffer, which lives as long as the alias does.
  auto keep = std::make_unique<Napi::ObjectReference>(Napi::Persistent(info[0].As<Napi::Object>()));
  const auto drop = [](Napi::Env, void*, Napi::ObjectReference* reference) { delete reference; };
  const Napi::Value alias = Napi::ArrayBuffer::New(env, shared.data, shared.length, drop, keep.get());
  keep.release();
  return alias;
}

Napi::Value BindDihedral(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint64_t count = GetCount(info[2], "count");
  const int size = GetDimension(info[3], "size");
  const int k = static_cast<int>(GetCount(info[4], "k", 0, 7));
  const uint64_t tile = PixelBytes(size, size, 3);
  const uint64_t all = CheckedProduct(env, {tile, count});
  const uint8_t* const source = GetArray<uint8_t>(info[0], "source", all);
  uint8_t* const target = GetArray<uint8_t>(info[1], "target", all);
  CheckApart(env, {source, all}, "source", {target, all}, "target");
  for (uint64_t at = 0; at < all; at += tile) Dihedral(source + at, target + at, size, k);
  return env.Undefined();
}

Napi::Value BindAlterTiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint64_t count = GetCount(info[1], "count");
  const int size = GetDimension(info[2], "size");
  const uint64_t tile = PixelBytes(size, size, 3);
  const int32_t* const looks = GetArray<int32_t>(info[3], "looks", CheckedProduct(env, {3, count}));
  for (uint64_t i = 0; i < count; i++) {
    const int32_t* const look = looks + 3 * i;
    const bool is_light = look[1] >= 0 && look[1] <= 4 * kOne && look[2] >= 0 && look[2] <= 4 * kOne;
    if (look[0] < 0 || look[0] > 7 || !is_light) ThrowRange(env, "`looks` to be turns and factors of light");
  }
  uint8_t* const tiles = GetArray<uint8_t>(info[0], "tiles", CheckedProduct(env, {tile, count}));
  std::vector<uint8_t> scratch(count == 0 ? 0 : tile);
  for (uint64_t i = 0; i < count; i++) {
    const int32_t* const look = looks + 3 * i;
    AlterTile(tiles + i * tile, scratch.data(), size, {look[0], look[1], look[2]});
  }
  return env.Undefined();
}

}  // namespace

void InitPixels(Napi::Object exports) {
  Export<ResizeRgb>(exports, "resizeRgb");
  Export<BindEncodePlanetJpeg>(exports, "encodePlanetJpeg");
  Export<AliasShared>(exports, "aliasShared");
  Export<BindDihedral>(exports, "dihedral");
  Export<BindAlterTiles>(exports, "alterTiles");
}

}  // namespace canopy
