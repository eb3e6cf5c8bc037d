// Inner products of rows, in double precision, which a Cholesky factorisation of nearly dependent rows needs.
#ifndef CANOPY_GRAM_H_
#define CANOPY_GRAM_H_

#include <cstddef>

#include "head.h"

namespace canopy {

// The lower triangle of gram [rows, rows]: gram[i, j] is the inner product of rows i and j <= i, standardised if
// `features` have a mean and scale. Entries above the diagonal are undefined. The same bits whatever the number of
// threads.
void ComputeGram(const FeatureRows& features, size_t threads, double* gram);

}  // namespace canopy

#endif  // CANOPY_GRAM_H_
