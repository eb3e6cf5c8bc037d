// What the windows of a convolution see, as rows of a matrix; and back.
#ifndef CANOPY_NATIVE_TRAIN_WINDOWS_H_
#define CANOPY_NATIVE_TRAIN_WINDOWS_H_

#include <cstddef>
#include <cstdint>

#include "train_plan.h"

namespace canopy {

// True for a convolution that reads its input as it lies.
bool IsPointwise(const TrainPlan& plan, const TrainOperation& op);

struct WindowedMap {
  const MapShape& input;
  const MapShape& output;
  const KernelWindow& window;
  size_t stride;  // floats from one row of the matrix to the next; what lies beyond its columns becomes zero
};

// Row p: the taps of output pixel p, each with all its channels; zeros beyond the map.
void ReadWindows(const WindowedMap& map, const float* x, float* rows);
// The same from uint8 pixels, prepared as the network wants them.
void ReadTileWindows(const WindowedMap& map, const TrainInput& prepare, const uint8_t* pixels, float* rows);
// Adds each row to the pixels that it was read from.
void AddWindows(const WindowedMap& map, const float* rows, float* x);

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_WINDOWS_H_
