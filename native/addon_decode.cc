// Binds decodeFiles, decodeBytes, decodeFull and inspectJpeg.
#include <cstring>

#include "addon.h"

namespace canopy {
namespace {

uint64_t TileBytes(int size) { return static_cast<uint64_t>(size) * static_cast<uint64_t>(size) * 3; }

// A tile that fails leaves black, not part of another picture.
void Blacken(uint8_t* target, int size) { std::memset(target, 0, static_cast<size_t>(TileBytes(size))); }

Napi::Value DecodeFiles(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw Napi::TypeError::New(env, "Expected `tiles` to be an array");
  const Napi::Array tiles = info[0].As<Napi::Array>();
  Napi::Uint8Array target = GetBytes(env, info[1], "target");
  const DecodeOptions options = GetDecodeOptions(env, info[2]);
  const uint32_t count = tiles.Length();
  CheckByteLength(env, "target", target.ByteLength(), count * TileBytes(options.size));

  AddonState& state = StateOf(info);
  Napi::Value failures = env.Undefined();
  for (uint32_t i = 0; i < count; i++) {
    // The handles this makes, some words for each tile of a chunk, live as long as the call: a scope for each tile
    // would be an allocation for each.
    GetTile(env, tiles.Get(i), &state.tile);
    uint8_t* pixels = target.Data() + i * TileBytes(options.size);
    try {
      state.decoder.DecodeInto(state.reader.Read(state.tile), options, pixels);
    } catch (const DecodeError& error) {
      Blacken(pixels, options.size);
      if (failures.IsUndefined()) failures = Napi::Array::New(env, count);
      failures.As<Napi::Array>().Set(i, ToFailure(env, error));
    }
  }
  state.reader.Release();
  return failures;
}

Napi::Value DecodeBytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = GetBytes(env, info[0], "bytes");
  Napi::Uint8Array target = GetBytes(env, info[1], "target");
  const DecodeOptions options = GetDecodeOptions(env, info[2]);
  CheckByteLength(env, "target", target.ByteLength(), TileBytes(options.size));
  try {
    StateOf(info).decoder.DecodeInto({bytes.Data(), bytes.ByteLength()}, options, target.Data());
  } catch (const DecodeError& error) {
    Blacken(target.Data(), options.size);
    return ToFailure(env, error);
  }
  return env.Undefined();
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

Napi::Value DecodeFull(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = GetBytes(env, info[0], "bytes");
  const DecodeOptions options = GetDecodeOptions(env, info[1]);
  try {
    const FullImage image = StateOf(info).decoder.DecodeFull({bytes.Data(), bytes.ByteLength()}, options);
    Napi::Uint8Array pixels = Napi::Uint8Array::New(env, image.pixels.size());
    std::memcpy(pixels.Data(), image.pixels.data(), image.pixels.size());
    Napi::Object result = Napi::Object::New(env);
    result.Set("width", image.inspection.header.width);
    result.Set("height", image.inspection.header.height);
    result.Set("pixels", pixels);
    result.Set("info", ToJpegInfo(env, image.inspection));
    return result;
  } catch (const DecodeError& error) {
    return ToFailure(env, error);
  }
}

Napi::Value InspectJpeg(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array bytes = GetBytes(env, info[0], "bytes");
  const DecodeOptions options = GetDecodeOptions(env, info[1]);
  try {
    return ToJpegInfo(env, StateOf(info).decoder.Inspect({bytes.Data(), bytes.ByteLength()}, options));
  } catch (const DecodeError& error) {
    return ToFailure(env, error);
  }
}

}  // namespace

void InitDecode(Napi::Env env, Napi::Object exports) {
  exports.Set("decodeFiles", Napi::Function::New<DecodeFiles>(env, "decodeFiles"));
  exports.Set("decodeBytes", Napi::Function::New<DecodeBytes>(env, "decodeBytes"));
  exports.Set("decodeFull", Napi::Function::New<DecodeFull>(env, "decodeFull"));
  exports.Set("inspectJpeg", Napi::Function::New<InspectJpeg>(env, "inspectJpeg"));
}

}  // namespace canopy
