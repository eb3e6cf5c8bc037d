// Binds benchStage: how long one stage takes over a list of tiles, measured here so that no JavaScript is in the time.
#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "addon.h"
#include "addon_arguments.h"
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
    return Now() - start;
  }

  double Whole() {
    const double start = Now();
    for (const TileLocation& tile : tiles) state.decoder.DecodeInto(state.reader.Read(tile), options, target.data());
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
    return BareDecodeLoop(files);
  }

  StageTimes Stages() {
    StageTimes times;
    for (const TileLocation& tile : tiles) {
      state.decoder.DecodeInto(state.reader.Read(tile), options, target.data(), &times);
    }
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
  ThrowRange(env, "`stage` to be one of read, ceiling, decode, color, resize, whole");
}

// The length is read each time, because reading a tile may run JavaScript that changes it.
std::vector<TileLocation> GetTiles(const Napi::Array& array) {
  std::vector<TileLocation> tiles;
  for (uint32_t i = 0; i < array.Length(); i++) {
    tiles.emplace_back();
    GetTile(array.Get(i), &tiles.back());
  }
  return tiles;
}

Napi::Value BenchStage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string stage = GetText(info[0], "stage");
  const DecodeOptions options = GetDecodeOptions(info[2]);
  const std::vector<TileLocation> tiles = GetTiles(GetList(info[1], "tiles"));
  Bench bench{StateOf(info), tiles, options, {}};
  const ReaderRelease release(&bench.state.reader);
  bench.target.resize(static_cast<size_t>(options.size) * static_cast<size_t>(options.size) * 3);
  return Napi::Number::New(env, RunStage(&bench, env, stage));
}

}  // namespace

void InitBench(Napi::Object exports) { Export<BenchStage>(exports, "benchStage"); }

}  // namespace canopy
