// Unpacks JavaScript arguments. Misuse throws TypeError or RangeError.
#include <cmath>
#include <cstring>
#include <string>

#include "addon.h"

namespace canopy {
namespace {

struct NamedColorspace {
  const char* name;
  Colorspace value;
};

constexpr NamedColorspace kColorspaces[] = {
    {"auto", Colorspace::kAuto},
    {"rgb", Colorspace::kRgb},
    {"ycbcr", Colorspace::kYcbcr},
    {"cmyk", Colorspace::kCmyk},
    {"cmyk-inverted", Colorspace::kCmykInverted},
    {"gray", Colorspace::kGray},
};

constexpr int kMaxDimension = 65535;

Colorspace GetColorspace(const Napi::Env& env, const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  for (const NamedColorspace& entry : kColorspaces) {
    if (name == entry.name) return entry.value;
  }
  throw Napi::RangeError::New(env, "Expected `colorspace` to be one of auto, rgb, ycbcr, cmyk, cmyk-inverted, gray");
}

// A whole number JavaScript holds exactly.
uint64_t GetCount(const Napi::Env& env, const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= 9007199254740991.0) || number != std::floor(number)) {
    throw Napi::RangeError::New(env, std::string("Expected `") + name + "` to be a whole number of at least 0");
  }
  return static_cast<uint64_t>(number);
}

bool GetFlag(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

// Into memory `text` already has, if it is enough; Utf8Value would make a new string.
void CopyText(const Napi::Env& env, const Napi::Value& value, std::string* text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) == napi_ok) {
    text->resize(length);
    // The byte behind the last is the string's own zero.
    if (napi_get_value_string_utf8(env, value, text->data(), length + 1, &length) == napi_ok) return;
  }
  throw Napi::Error::New(env);
}

}  // namespace

DecodeOptions GetDecodeOptions(const Napi::Env& env, const Napi::Value& value) {
  if (!value.IsObject()) throw Napi::TypeError::New(env, "Expected `options` to be an object");
  const Napi::Object object = value.As<Napi::Object>();
  DecodeOptions options;
  options.size = GetDimension(env, object.Get("size"), "size");
  options.colorspace = GetColorspace(env, object.Get("colorspace"));
  options.antialias = GetFlag(object, "antialias");
  options.max_pixels = GetCount(env, object.Get("maxPixels"), "maxPixels");
  options.accept_truncated = GetFlag(object, "acceptTruncated");
  return options;
}

void GetTile(const Napi::Env& env, const Napi::Value& value, TileLocation* tile) {
  if (!value.IsObject()) throw Napi::TypeError::New(env, "Expected each tile to be an object");
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value path = object.Get("path");
  if (!path.IsString()) throw Napi::TypeError::New(env, "Expected `path` of each tile to be a string");
  const Napi::Value offset = object.Get("offset");
  const Napi::Value byte_length = object.Get("byteLength");
  CopyText(env, path, &tile->path);
  tile->offset = offset.IsUndefined() ? 0 : GetCount(env, offset, "offset");
  tile->byte_length = byte_length.IsUndefined() ? kToEnd : GetCount(env, byte_length, "byteLength");
}

// Takes the typed array as it is: asking for its ArrayBuffer fails on shared memory on Node 20.
Napi::Uint8Array GetBytes(const Napi::Env& env, const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(env, std::string("Expected `") + name + "` to be a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

int GetDimension(const Napi::Env& env, const Napi::Value& value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= kMaxDimension) || number != std::floor(number)) {
    throw Napi::RangeError::New(
        env, std::string("Expected `") + name + "` to be a whole number from 1 to " + std::to_string(kMaxDimension));
  }
  return static_cast<int>(number);
}

void CheckByteLength(const Napi::Env& env, const char* name, size_t byte_length, uint64_t needed) {
  if (byte_length < needed) {
    throw Napi::RangeError::New(env, std::string("Expected `") + name + "` to have at least " + std::to_string(needed) +
                                         " bytes, got " + std::to_string(byte_length));
  }
}

Napi::Object ToFailure(Napi::Env env, const DecodeError& error) {
  Napi::Object failure = Napi::Object::New(env);
  failure.Set("code", ErrorCodeName(error.code()));
  failure.Set("message", error.what());
  return failure;
}

}  // namespace canopy
