// The second module of the program two_modules.
#include "../two_modules_other.h"

static __constant__ int scale = 7;

static __global__ void scale_values(int *values) { values[threadIdx.x] *= scale; }

void scale_in_other_module(int *device_values) {
    scale_values<<<1, 32>>>(device_values);
    CHECK_LAUNCH();
}
