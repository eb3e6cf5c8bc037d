// When the trainer does what, and where each map and gradient lies: decided once per network.
#ifndef CANOPY_NATIVE_TRAIN_SCHEDULE_H_
#define CANOPY_NATIVE_TRAIN_SCHEDULE_H_

#include <cstddef>
#include <vector>

#include "train_plan.h"

namespace canopy {

// Tiles that one thread takes through the network together. Gradients are summed within such a group, and then over the
// groups in order, so that the number of threads does not show in a single bit.
constexpr size_t kGroupTiles = 8;

// Operations [first, last) that are done for `tiles` tiles before the next tiles: few where maps are large, so that
// what one operation writes is still in the cache when the next reads it.
struct Segment {
  size_t first, last;
  size_t tiles;
};

// Floats from the start of a workspace to tile 0. If `is_local`, the memory is for the tiles of one pass through a
// segment only.
struct Place {
  size_t offset = kNone;  // kNone: it is never needed
  bool is_local = false;
};

// What an operation does to the gradient of its input i.
struct InputGradient {
  bool is_wanted = false;
  bool is_first = false;  // writes it; others add to it
  bool is_last = false;   // multiplies it by the derivative of the activation that made the value
};

struct Schedule {
  std::vector<Segment> segments;
  std::vector<Place> maps;  // by value; none of value 0, the tiles
  // Going back, of a map that was not kept but is made again: cheaper than to write it to memory and read it.
  std::vector<Place> maps_again;
  std::vector<std::vector<size_t>> makes_again;    // by operation: those that run again before it goes back
  std::vector<Place> gradients;                    // by value
  std::vector<std::vector<InputGradient>> inputs;  // by operation
  std::vector<bool> goes_back;                     // by operation: whether it has anything to do going back
  std::vector<Activation> made_by;                 // by value: the activation of the convolution that made it
  size_t workspace_floats = 0;
};

Schedule MakeSchedule(const TrainPlan& plan);

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_SCHEDULE_H_
