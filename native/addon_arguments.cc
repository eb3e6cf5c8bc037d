#include "addon_arguments.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <thread>

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

constexpr uint64_t kMaxDimension = 65535;

template <typename Element>
struct ArrayType;
template <>
struct ArrayType<uint8_t> {
  static constexpr napi_typedarray_type kType = napi_uint8_array;
  static constexpr const char* kName = "a Uint8Array";
};
template <>
struct ArrayType<int32_t> {
  static constexpr napi_typedarray_type kType = napi_int32_array;
  static constexpr const char* kName = "an Int32Array";
};
template <>
struct ArrayType<uint32_t> {
  static constexpr napi_typedarray_type kType = napi_uint32_array;
  static constexpr const char* kName = "a Uint32Array";
};
template <>
struct ArrayType<float> {
  static constexpr napi_typedarray_type kType = napi_float32_array;
  static constexpr const char* kName = "a Float32Array";
};
template <>
struct ArrayType<double> {
  static constexpr napi_typedarray_type kType = napi_float64_array;
  static constexpr const char* kName = "a Float64Array";
};

std::string Quoted(const char* name) { return std::string("`") + name + "`"; }

Colorspace GetColorspace(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  for (const NamedColorspace& entry : kColorspaces) {
    if (name == entry.name) return entry.value;
  }
  ThrowRange(value.Env(), "`colorspace` to be one of auto, rgb, ycbcr, cmyk, cmyk-inverted, gray");
}

// Into the memory that `text` already has, if that is enough; Utf8Value would make a new string.
void CopyText(const Napi::Value& value, std::string* text) {
  size_t length = 0;
  if (napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &length) == napi_ok) {
    text->resize(length);
    // The terminating zero lies in the string's own last byte.
    if (napi_get_value_string_utf8(value.Env(), value, text->data(), length + 1, &length) == napi_ok) return;
  }
  throw Napi::Error::New(value.Env());
}

}  // namespace

void ThrowType(Napi::Env env, const std::string& what) { throw Napi::TypeError::New(env, "Expected " + what + "."); }

void ThrowRange(Napi::Env env, const std::string& what) { throw Napi::RangeError::New(env, "Expected " + what + "."); }

Napi::Object GetObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) ThrowType(value.Env(), Quoted(name) + " to be an object");
  return value.As<Napi::Object>();
}

Napi::Array GetList(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) ThrowType(value.Env(), Quoted(name) + " to be an array");
  return value.As<Napi::Array>();
}

std::string GetText(const Napi::Value& value, const char* name) {
  if (!value.IsString()) ThrowType(value.Env(), Quoted(name) + " to be a string");
  return value.As<Napi::String>().Utf8Value();
}

bool GetFlag(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) ThrowType(value.Env(), Quoted(name) + " to be a boolean");
  return value.As<Napi::Boolean>().Value();
}

double GetNumber(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) ThrowType(value.Env(), Quoted(name) + " to be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) ThrowRange(value.Env(), Quoted(name) + " to be a finite number");
  return number;
}

uint64_t GetCount(const Napi::Value& value, const char* name, uint64_t least, uint64_t most) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  const bool is_inside = number >= static_cast<double>(least) && number <= static_cast<double>(most);
  if (!is_inside || number != std::floor(number)) {
    const std::string from = std::to_string(least);
    ThrowRange(value.Env(),
               Quoted(name) + " to be a whole number " +
                   (most == kMaxCount ? "of at least " + from : "from " + from + " to " + std::to_string(most)));
  }
  return static_cast<uint64_t>(number);
}

int GetDimension(const Napi::Value& value, const char* name) {
  return static_cast<int>(GetCount(value, name, 1, kMaxDimension));
}

size_t GetThreads(const Napi::Value& value) {
  const uint64_t wanted = GetCount(value, "threads", 1);
  return static_cast<size_t>(std::min<uint64_t>(wanted, std::max(std::thread::hardware_concurrency(), 1u)));
}

DecodeOptions GetDecodeOptions(const Napi::Value& value) {
  const Napi::Object object = GetObject(value, "options");
  DecodeOptions options;
  options.size = GetDimension(object.Get("size"), "size");
  options.colorspace = GetColorspace(object.Get("colorspace"));
  options.antialias = GetFlag(object.Get("antialias"), "antialias");
  options.max_pixels = GetCount(object.Get("maxPixels"), "maxPixels");
  options.accept_truncated = GetFlag(object.Get("acceptTruncated"), "acceptTruncated");
  return options;
}

void GetTile(const Napi::Value& value, TileLocation* tile) {
  if (!value.IsObject()) ThrowType(value.Env(), "each of `tiles` to be an object");
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value path = object.Get("path");
  if (!path.IsString()) ThrowType(value.Env(), "`path` of each tile to be a string");
  const Napi::Value offset = object.Get("offset");
  const Napi::Value byte_length = object.Get("byteLength");
  CopyText(path, &tile->path);
  tile->offset = offset.IsUndefined() ? 0 : GetCount(offset, "offset");
  tile->byte_length = byte_length.IsUndefined() ? kToEnd : GetCount(byte_length, "byteLength");
}

uint64_t CheckedProduct(Napi::Env env, std::initializer_list<uint64_t> factors) {
  uint64_t product = 1;
  for (uint64_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product) || product > kMaxCount) {
      ThrowRange(env, "sizes whose product is at most 2^53 - 1");
    }
  }
  return product;
}

template <typename Element>
Span<Element> GetArray(const Napi::Value& value, const char* name) {
  using Type = ArrayType<Element>;
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  const bool is_array = value.IsTypedArray() && napi_get_typedarray_info(value.Env(), value, &type, &length, &data,
                                                                         nullptr, nullptr) == napi_ok;
  if (!is_array || type != Type::kType) ThrowType(value.Env(), Quoted(name) + " to be " + Type::kName);
  return {static_cast<Element*>(data), length};
}

template <typename Element>
Element* GetArray(const Napi::Value& value, const char* name, uint64_t length) {
  const Span<Element> span = GetArray<Element>(value, name);
  if (span.length < length) {
    ThrowRange(value.Env(), Quoted(name) + " to have at least " + std::to_string(length) + " elements, got " +
                                std::to_string(span.length));
  }
  return span.data;
}

#define CANOPY_FOR_ELEMENT(Element)                                 \
  template Span<Element> GetArray(const Napi::Value&, const char*); \
  template Element* GetArray(const Napi::Value&, const char*, uint64_t);
CANOPY_FOR_ELEMENT(uint8_t)
CANOPY_FOR_ELEMENT(int32_t)
CANOPY_FOR_ELEMENT(uint32_t)
CANOPY_FOR_ELEMENT(float)
CANOPY_FOR_ELEMENT(double)
#undef CANOPY_FOR_ELEMENT

void CheckApart(Napi::Env env, ByteSpan read, const char* read_name, ByteSpan written, const char* written_name) {
  const std::less<const uint8_t*> is_before;
  const bool is_apart = read.size == 0 || written.size == 0 || !is_before(read.data, written.data + written.size) ||
                        !is_before(written.data, read.data + read.size);
  if (!is_apart) ThrowRange(env, Quoted(read_name) + " and " + Quoted(written_name) + " not to overlap");
}

}  // namespace canopy
