// Five-point stencil, twenty steps in double buffers with a device-to-device copy; coefficients in constant memory.
#include "check.h"

__constant__ float coefficients[2];

__global__ void stencil(const float *in, float *out, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int i = y * width + x;
    if (x == 0 || y == 0 || x == width - 1 || y == height - 1) {
        out[i] = in[i];
        return;
    }
    float around = __fadd_rn(__fadd_rn(in[i - 1], in[i + 1]), __fadd_rn(in[i - width], in[i + width]));
    out[i] = __fadd_rn(__fmul_rn(coefficients[0], in[i]), __fmul_rn(coefficients[1], around));
}

int main() {
    const int width = 50, height = 37, n = width * height;
    const float c[2] = {0.6f, 0.1f};
    std::vector<float> a = noise_vector(n), b(n);
    CHECK(cudaMemcpyToSymbol(coefficients, c, sizeof c));
    float *da = to_device(a), *db = to_device(a);
    for (int step = 0; step < 20; step++) {
        stencil<<<dim3(4, 5), dim3(16, 8)>>>(da, db, width, height);
        CHECK_LAUNCH();
        CHECK(cudaMemcpy(da, db, n * sizeof(float), cudaMemcpyDeviceToDevice));
        b = a;
        for (int y = 1; y < height - 1; y++) {
            for (int x = 1; x < width - 1; x++) {
                int i = y * width + x;
                volatile float horizontal = a[i - 1] + a[i + 1], vertical = a[i - width] + a[i + width];
                volatile float around = horizontal + vertical;
                volatile float centre = c[0] * a[i], rest = c[1] * around;
                b[i] = centre + rest;
            }
        }
        a = b;
    }
    expect_equal(to_host(da, n), a, "field");
    float back[2] = {0, 0};
    CHECK(cudaMemcpyFromSymbol(back, coefficients, sizeof back));
    expect(back[0] == c[0] && back[1] == c[1], "constants read back");
    return verdict();
}
