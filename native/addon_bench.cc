// Binds benchStage: how long one stage takes over a list of tiles, measured here so that no JavaScript is in the time.
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "addon.h"
#include "bare_loop.h"

namespace canopy {
namespace {

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

struct Bench {
  AddonState& state;
  const std::vector<TileLocation>& tiles;
  const DecodeOptions& options;
  std::vector<uint8_t> target;

  double Read() {
    const double start = Now();
    for (const TileLocation& tile : tiles) state.reader.Read(tile);
    state.reader.Release();
    return Now() - start;
  }

  double Whole() {
    const double start = Now();
    for (const TileLocation& tile : tiles) state.decoder.DecodeInto(state.reader.Read(tile), options, target.data());
    state.reader.Release();
    return Now() - start;
  }

  double Ceiling() {
    std::deque<std::vector<uint8_t>> bytes;
    std::vector<ByteSpan> files;
    for (const TileLocation& tile : tiles) {
      const ByteSpan span = state.reader.Read(tile);
      bytes.emplace_back(span.data, span.data + span.size);
      files.push_back({bytes.back().data(), bytes.back().size()});
    }
    state.reader.Release();
    return BareDecodeLoop(files);
  }

  StageTimes Stages() {
    StageTimes times;
    for (const TileLocation& tile : tiles) {
      state.decoder.DecodeInto(state.reader.Read(tile), options, target.data(), &times);
    }
    state.reader.Release();
    return times;
  }
};

double RunStage(Bench* bench, const Napi::Env& env, const std::string& stage) {
  if (stage == "read") return bench->Read();
  if (stage == "ceiling") return bench->Ceiling();
  if (stage == "whole") return bench->Whole();
  if (stage == "decode") return bench->Stages().decode;
  if (stage == "color") return bench->Stages().color;
  if (stage == "resize") return bench->Stages().resize;
  throw Napi::RangeError::New(env, "Expected `stage` to be one of read, ceiling, decode, color, resize, whole");
}

Napi::Value BenchStage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) throw Napi::TypeError::New(env, "Expected `stage` to be a string");
  if (!info[1].IsArray()) throw Napi::TypeError::New(env, "Expected `tiles` to be an array");
  const Napi::Array array = info[1].As<Napi::Array>();
  const DecodeOptions options = GetDecodeOptions(env, info[2]);
  std::vector<TileLocation> tiles(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) GetTile(env, array.Get(i), &tiles[i]);
  Bench bench{StateOf(info), tiles, options, {}};
  bench.target.resize(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
  try {
    return Napi::Number::New(env, RunStage(&bench, env, info[0].As<Napi::String>().Utf8Value()));
  } catch (const DecodeError& error) {
    throw Napi::Error::New(env, error.what());
  }
}

}  // namespace

void InitBench(Napi::Env env, Napi::Object exports) {
  exports.Set("benchStage", Napi::Function::New<BenchStage>(env, "benchStage"));
}

}  // namespace canopy
