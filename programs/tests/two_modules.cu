// A program of two modules (see modules/two_modules_other.cu): kernels of the same unmangled name in both, constants of the
// same name with different values, launches from either translation unit.
#include "two_modules_other.h"

static __constant__ int scale = 10;

static __global__ void scale_values(int *values) { values[threadIdx.x] *= scale; }

int main() {
    std::vector<int> want(32);
    for (int i = 0; i < 32; i++) want[i] = i;
    int *device = to_device(want);
    scale_values<<<1, 32>>>(device);
    CHECK_LAUNCH();
    scale_in_other_module(device);
    for (int &value : want) value *= 70;
    expect_equal(to_host(device, 32), want, "both modules");
    return verdict();
}
