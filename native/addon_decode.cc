// Binds decodeFiles, decodeBytes, decodeFull and inspectJpeg.
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"
#include "error.h"

namespace canopy {
namespace {

uint64_t TileBytes(int size) { return static_cast<uint64_t>(size) * static_cast<uint64_t>(size) * 3; }

// A failed tile is black, not part of another picture.
void Blacken(uint8_t* target, int size) { std::memset(target, 0, static_cast<size_t>(TileBytes(size))); }

Napi::Object ToFailure(Napi::Env env, ErrorCode code, const char* message) {
  Napi::Object failure = Napi::Object::New(env);
  failure.Set("code", ErrorCodeName(code));
  failure.Set("message", message);
  return failure;
}

// What `decode` returns, or why this picture cannot be decoded.
template <typename Decode>
Napi::Value ResultOrFailure(Napi::Env env, const Decode& decode) {
  try {
    return decode();
  } catch (const DecodeError& error) {
    return ToFailure(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return ToFailure(env, ErrorCode::kOutOfMemory, kOutOfMemoryMessage);
  }
}

// `bytes` gives the file's bytes. Returns undefined, or why it failed; the target is then black.
template <typename Bytes>
Napi::Value DecodeTile(Napi::Env env, Decoder* decoder, const Bytes& bytes, const DecodeOptions& options,
                       uint8_t* target) {
  const Napi::Value failure = ResultOrFailure(env, [&]() -> Napi::Value {
    decoder->DecodeInto(bytes(), options, target);
    return env.Undefined();
  });
  if (!failure.IsUndefined()) Blacken(target, options.size);
  return failure;
}

// The window of tile `i`: `values` are [count, 4] as left, top, width and height.
Window GetWindow(const Napi::Value& values, uint64_t i, uint64_t count) {
  const double* const at = GetArray<double>(values, "windows", 4 * count) + 4 * i;
  const Window window{at[0], at[1], at[2], at[3]};
  const bool has_place = window.left >= 0 && window.left <= 1 && window.top >= 0 && window.top <= 1;
  const bool has_sides = window.width > 0 && window.width <= 1 && window.height > 0 && window.height <= 1;
  if (!has_place || !has_sides) ThrowRange(values.Env(), "`windows` to have places and sides from 0 to 1");
  return window;
}

// A copy of the bytes given: another thread may write to shared memory at the same time, and the target may be part of
// it.
std::vector<uint8_t> CopyBytes(const Napi::Value& value) {
  const Span<uint8_t> span = GetArray<uint8_t>(value, "bytes");
  return std::vector<uint8_t>(span.data, span.data + span.length);
}

Napi::Value DecodeFiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Array tiles = GetList(info[0], "tiles");
  DecodeOptions options = GetDecodeOptions(info[2]);
  const uint32_t count = tiles.Length();
  const uint64_t needed = CheckedProduct(env, {count, TileBytes(options.size)});
  GetArray<uint8_t>(info[1], "target", needed);
  const bool has_windows = !info[3].IsUndefined();

  AddonState& state = StateOf(info);
  const ReaderRelease release(&state.reader);
  Napi::Value failures = env.Undefined();
  for (uint32_t i = 0; i < count; i++) {
    // The handles made here, some words for each tile of a chunk, live as long as the call: a scope for each tile would
    // be an allocation for each.
    GetTile(tiles.Get(i), &state.tile);
    // Asked for again, because reading a tile may have run JavaScript.
    uint8_t* const pixels = GetArray<uint8_t>(info[1], "target", needed) + i * TileBytes(options.size);
    if (has_windows) options.window = GetWindow(info[3], i, count);
    const auto read = [&] { return state.reader.Read(state.tile, options.max_pixels); };
    const Napi::Value failure = DecodeTile(env, &state.decoder, read, options, pixels);
    if (failure.IsUndefined()) continue;
    if (failures.IsUndefined()) failures = Napi::Array::New(env, count);
    failures.As<Napi::Array>().Set(i, failure);
  }
  return failures;
}

Napi::Value DecodeBytes(const Napi::CallbackInfo& info) {
  DecodeOptions options = GetDecodeOptions(info[2]);
  if (!info[3].IsUndefined()) options.window = GetWindow(info[3], 0, 1);
  GetArray<uint8_t>(info[0], "bytes");
  uint8_t* const target = GetArray<uint8_t>(info[1], "target", TileBytes(options.size));
  // Inside the try block, because there may be no memory for it.
  std::vector<uint8_t> bytes;
  const auto copy = [&] {
    bytes = CopyBytes(info[0]);
    return ByteSpan{bytes.data(), bytes.size()};
  };
  return DecodeTile(info.Env(), &StateOf(info).decoder, copy, options, target);
}

std::string SamplingText(const JpegHeader& header) {
  std::string text;
  for (int c = 0; c < header.components; c++) {
    if (c > 0) text += ',';
    text += std::to_string(header.sampling[c].horizontal) + "x" + std::to_string(header.sampling[c].vertical);
  }
  return text;
}

Napi::Object ToJpegInfo(Napi::Env env, const Inspection& inspection) {
  const JpegHeader& header = inspection.header;
  Napi::Object result = Napi::Object::New(env);
  result.Set("width", header.width);
  result.Set("height", header.height);
  result.Set("components", header.components);
  result.Set("progressive", header.progressive);
  result.Set("adobeTransform", header.adobe_transform);
  result.Set("jfif", header.jfif);
  result.Set("icc", header.icc);
  result.Set("sampling", SamplingText(header));
  result.Set("reading", ReadingName(inspection.reading));
  return result;
}

Napi::Value ToFullImage(Napi::Env env, const FullImage& image) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("width", image.inspection.header.width);
  result.Set("height", image.inspection.header.height);
  result.Set("pixels", ToBytes(env, image.pixels));
  result.Set("info", ToJpegInfo(env, image.inspection));
  return result;
}

Napi::Value DecodeFull(const Napi::CallbackInfo& info) {
  const DecodeOptions options = GetDecodeOptions(info[1]);
  return ResultOrFailure(info.Env(), [&]() -> Napi::Value {
    const std::vector<uint8_t> bytes = CopyBytes(info[0]);
    return ToFullImage(info.Env(), StateOf(info).decoder.DecodeFull({bytes.data(), bytes.size()}, options));
  });
}

Napi::Value InspectJpeg(const Napi::CallbackInfo& info) {
  const DecodeOptions options = GetDecodeOptions(info[1]);
  return ResultOrFailure(info.Env(), [&]() -> Napi::Value {
    const std::vector<uint8_t> bytes = CopyBytes(info[0]);
    return ToJpegInfo(info.Env(), StateOf(info).decoder.Inspect({bytes.data(), bytes.size()}, options));
  });
}

}  // namespace

void InitDecode(Napi::Object exports) {
  Export<DecodeFiles>(exports, "decodeFiles");
  Export<DecodeBytes>(exports, "decodeBytes");
  Export<DecodeFull>(exports, "decodeFull");
  Export<InspectJpeg>(exports, "inspectJpeg");
}

}  // namespace canopy
