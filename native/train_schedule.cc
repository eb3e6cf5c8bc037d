#include "train_schedule.h"

#include <algorithm>
#include <utility>

#include "train_windows.h"

namespace canopy {
namespace {

// About what a core's second-level cache holds of the maps of an operation.
constexpr size_t kCacheFloats = (size_t{1} << 20) / sizeof(float);

// A pointwise convolution of this many inputs or fewer is done again going back. Its sums take about as long as memory
// takes to keep and return an output.
constexpr size_t kDepthMadeAgain = 96;

// A block of memory over the steps [first, last] of a pass. Going forward operation i is step i, going back it is step
// 2 * operations - i; the step between is the head.
struct Lifetime {
  size_t floats, first, last;
  Place* place;
};

class Scheduler {
 public:
  explicit Scheduler(const TrainPlan& plan) : plan_(plan), count_(plan.operations.size()) {}

  Schedule Make() {
    FindUsers();
    FindGradients();
    MakeSegments();
    PlaceAll();
    return std::move(schedule_);
  }

 private:
  size_t BackStep(size_t op) const { return 2 * count_ - op; }
  bool IsTrained(size_t parameter) const { return parameter != kNone && plan_.parameters[parameter].is_trainable; }
  const TrainOperation& Op(size_t i) const { return plan_.operations[i]; }

  void FindUsers() {
    makers_.assign(plan_.values.size(), kNone);
    users_.resize(plan_.values.size());
    schedule_.made_by.resize(plan_.values.size());
    for (size_t i = 0; i < count_; i++) {
      makers_[Op(i).output] = i;
      if (Op(i).weight != kNone) schedule_.made_by[Op(i).output] = Op(i).activation;
      for (size_t input : Op(i).inputs) users_[input].push_back(i);
    }
  }

  // The gradient of a value is wanted where something trainable lies before it and the features after it.
  void FindGradients() {
    std::vector<bool> is_above(plan_.values.size(), false);
    for (size_t i = 0; i < count_; i++) {
      bool trains = IsTrained(Op(i).weight) || IsTrained(Op(i).bias);
      for (size_t input : Op(i).inputs) trains = trains || is_above[input];
      is_above[Op(i).output] = trains;
    }
    wanted_.assign(plan_.values.size(), false);
    wanted_[plan_.features] = is_above[plan_.features];
    schedule_.inputs.resize(count_);
    schedule_.goes_back.assign(count_, false);
    std::vector<bool> has_some(plan_.values.size(), false);
    has_some[plan_.features] = true;
    for (size_t i = count_; i-- > 0;) {
      schedule_.goes_back[i] = wanted_[Op(i).output];
      for (size_t input : Op(i).inputs) {
        InputGradient gradient;
        gradient.is_wanted = schedule_.goes_back[i] && is_above[input];
        gradient.is_first = gradient.is_wanted && !has_some[input];
        if (gradient.is_wanted) wanted_[input] = has_some[input] = true;
        schedule_.inputs[i].push_back(gradient);
      }
    }
    MarkLast();
  }

  void MarkLast() {
    std::vector<bool> is_done(plan_.values.size(), false);
    for (size_t i = 0; i < count_; i++) {
      for (size_t k = Op(i).inputs.size(); k-- > 0;) {
        InputGradient& gradient = schedule_.inputs[i][k];
        if (!gradient.is_wanted || is_done[Op(i).inputs[k]]) continue;
        gradient.is_last = is_done[Op(i).inputs[k]] = true;
      }
    }
  }

  size_t TilesOfPass(size_t op) const {
    size_t floats = plan_.values[Op(op).output].floats();
    for (size_t input : Op(op).inputs) floats += plan_.values[input].floats();
    size_t tiles = kGroupTiles;
    while (tiles > 1 && tiles * floats > kCacheFloats) tiles /= 2;
    return tiles;
  }

  // Later operations never take fewer tiles than earlier ones, which keeps segments few.
  void MakeSegments() {
    std::vector<size_t> tiles(count_);
    size_t most = kGroupTiles;
    for (size_t i = count_; i-- > 0;) tiles[i] = most = std::min(most, TilesOfPass(i));
    segment_of_.resize(count_);
    for (size_t i = 0; i < count_; i++) {
      if (schedule_.segments.empty() || schedule_.segments.back().tiles != tiles[i]) {
        schedule_.segments.push_back({i, i, tiles[i]});
      }
      schedule_.segments.back().last = i + 1;
      segment_of_[i] = schedule_.segments.size() - 1;
    }
  }

  bool AreTogether(size_t value) const {
    const size_t segment = segment_of_[makers_[value]];
    const std::vector<size_t>& users = users_[value];
    return value != plan_.features &&
           std::all_of(users.begin(), users.end(), [&](size_t user) { return segment_of_[user] == segment; });
  }

  // Memory that outlives a pass through a segment is taken for all of the segment, forward or back.
  void AddLifetime(size_t value, size_t first, size_t last, bool is_local, Place* place) {
    const auto segment_at = [&](size_t step) -> const Segment& {
      return schedule_.segments[segment_of_[step < count_ ? step : BackStep(step)]];
    };
    place->is_local = is_local;
    size_t tiles = kGroupTiles;
    if (is_local) tiles = segment_at(first).tiles;
    if (!is_local && first != count_) {
      first = first < count_ ? segment_at(first).first : BackStep(segment_at(first).last - 1);
    }
    if (!is_local && last != count_) {
      last = last < count_ ? segment_at(last).last - 1 : BackStep(segment_at(last).first);
    }
    lifetimes_.push_back({plan_.values[value].floats() * tiles, first, last, place});
  }

  bool IsMadeAgain(size_t value) const {
    const TrainOperation& op = Op(makers_[value]);
    if (op.kind != TrainKind::kConvolution || !IsPointwise(plan_, op) || users_[value].empty()) return false;
    const size_t input_maker = makers_[op.inputs[0]];
    return schedule_.goes_back[makers_[value]] && AreTogether(value) &&
           plan_.parameters[op.weight].columns() <= kDepthMadeAgain &&
           schedule_.maps_again[op.inputs[0]].offset == kNone && input_maker != kNone;
  }

  void PlaceMap(size_t value) {
    const size_t maker = makers_[value];
    const std::vector<size_t>& users = users_[value];
    const bool is_local = AreTogether(value);
    if (IsMadeAgain(value)) {
      schedule_.makes_again[users.back()].push_back(maker);
      schedule_.maps_again[value].offset = 0;  // until Pack places it
      AddLifetime(value, maker, users.back(), true, &schedule_.maps[value]);
      return AddLifetime(value, BackStep(users.back()), BackStep(maker), true, &schedule_.maps_again[value]);
    }
    if (schedule_.goes_back[maker]) return AddLifetime(value, maker, BackStep(maker), false, &schedule_.maps[value]);
    const auto goes_back = [&](size_t user) { return schedule_.goes_back[user]; };
    const auto first = std::find_if(users.begin(), users.end(), goes_back);
    if (first != users.end()) return AddLifetime(value, maker, BackStep(*first), false, &schedule_.maps[value]);
    const size_t last = value == plan_.features ? count_ : users.empty() ? maker : users.back();
    AddLifetime(value, maker, last, is_local, &schedule_.maps[value]);
  }

  void PlaceAll() {
    schedule_.maps.resize(plan_.values.size());
    schedule_.maps_again.resize(plan_.values.size());
    schedule_.makes_again.resize(count_);
    schedule_.gradients.resize(plan_.values.size());
    for (const TrainOperation& op : plan_.operations) {
      const size_t value = op.output;
      PlaceMap(value);
      if (!wanted_[value]) continue;
      const size_t first = value == plan_.features ? count_ : BackStep(users_[value].back());
      AddLifetime(value, first, BackStep(makers_[value]), AreTogether(value), &schedule_.gradients[value]);
    }
    Pack();
  }

  // Largest first, each at the lowest place that is free for all its life.
  void Pack() {
    std::stable_sort(lifetimes_.begin(), lifetimes_.end(),
                     [](const Lifetime& a, const Lifetime& b) { return a.floats > b.floats; });
    for (size_t i = 0; i < lifetimes_.size(); i++) {
      Lifetime& mine = lifetimes_[i];
      std::vector<std::pair<size_t, size_t>> taken;
      for (size_t j = 0; j < i; j++) {
        const Lifetime& other = lifetimes_[j];
        if (other.first > mine.last || other.last < mine.first) continue;
        taken.emplace_back(other.place->offset, other.place->offset + other.floats);
      }
      std::sort(taken.begin(), taken.end());
      size_t offset = 0;
      for (const auto& [begin, end] : taken) {
        if (offset + mine.floats <= begin) break;
        offset = std::max(offset, end);
      }
      mine.place->offset = offset;
      schedule_.workspace_floats = std::max(schedule_.workspace_floats, offset + mine.floats);
    }
  }

  const TrainPlan& plan_;
  size_t count_;
  Schedule schedule_;
  std::vector<size_t> makers_;  // by value
  std::vector<std::vector<size_t>> users_;
  std::vector<bool> wanted_;
  std::vector<size_t> segment_of_;  // by operation
  std::vector<Lifetime> lifetimes_;
};

}  // namespace

Schedule MakeSchedule(const TrainPlan& plan) { return Scheduler(plan).Make(); }

}  // namespace canopy
