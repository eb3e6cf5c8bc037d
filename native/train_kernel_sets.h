// One set of kernels per instruction set; null where this CPU or build lacks it.
#ifndef CANOPY_NATIVE_TRAIN_KERNEL_SETS_H_
#define CANOPY_NATIVE_TRAIN_KERNEL_SETS_H_

#include "train_kernels.h"

namespace canopy {

const TrainKernels* PlainTrainKernels();
const TrainKernels* PortableTrainKernels();
const TrainKernels* Avx2TrainKernels();
const TrainKernels* Avx512TrainKernels();

}  // namespace canopy

#endif  // CANOPY_NATIVE_TRAIN_KERNEL_SETS_H_
