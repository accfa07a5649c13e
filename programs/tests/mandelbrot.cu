// Mandelbrot set: a loop that ends at a different step in each thread. Intrinsics keep the rounding of each operation.
#include "check.h"

__host__ __device__ inline float mul(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fmul_rn(a, b);
#else
    volatile float product = a * b;
    return product;
#endif
}

__host__ __device__ inline int steps(float cx, float cy) {
    float x = 0.0f, y = 0.0f;
    int i = 0;
    while (i < 200 && mul(x, x) + mul(y, y) < 4.0f) {
        float next = mul(x, x) - mul(y, y) + cx;
        y = mul(2.0f, mul(x, y)) + cy;
        x = next;
        i++;
    }
    return i;
}

__global__ void mandelbrot(int *out, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < width && y < height) out[y * width + x] = steps(-2.0f + x * 0.03125f, -1.0f + y * 0.03125f);
}

int main() {
    const int width = 90, height = 64;
    std::vector<int> want(width * height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) want[y * width + x] = steps(-2.0f + x * 0.03125f, -1.0f + y * 0.03125f);
    int *dout = to_device(std::vector<int>(width * height));
    mandelbrot<<<dim3(6, 8), dim3(16, 8)>>>(dout, width, height);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, width * height), want, "steps");
    return verdict();
}
