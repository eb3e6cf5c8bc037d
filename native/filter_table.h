// Builds the weights of one axis of a resize.
#ifndef CANOPY_NATIVE_FILTER_TABLE_H_
#define CANOPY_NATIVE_FILTER_TABLE_H_

#include "resize.h"

namespace canopy {

void BuildFilterTable(const AxisKey& key, FilterTable* table);

}  // namespace canopy

#endif  // CANOPY_NATIVE_FILTER_TABLE_H_
