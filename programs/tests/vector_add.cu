// Vector addition: the first program everyone writes. The last block is not full.
#include "check.h"

__global__ void vector_add(const float *a, const float *b, float *c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}

int main() {
    const int n = 10007;
    std::vector<float> a = noise_vector(n), b = noise_vector(n), want(n);
    for (int i = 0; i < n; i++) want[i] = a[i] + b[i];
    float *da = to_device(a), *db = to_device(b), *dc = to_device(std::vector<float>(n));
    vector_add<<<(n + 255) / 256, 256>>>(da, db, dc, n);
    CHECK_LAUNCH();
    expect_equal(to_host(dc, n), want, "sum");
    return verdict();
}
