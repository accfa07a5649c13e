// Matrix transpose through a padded shared tile, blocks of 32 x 8 threads; and a vectorised copy (float4).
#include "check.h"

__global__ void transpose(const float *in, float *out, int width, int height) {
    __shared__ float tile[32][33];
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8)
        if (x < width && y + j < height) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
    __syncthreads();
    x = blockIdx.y * 32 + threadIdx.x;
    y = blockIdx.x * 32 + threadIdx.y;
    for (int j = 0; j < 32; j += 8)
        if (x < height && y + j < width) out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}

__global__ void copy_vector(const float4 *in, float4 *out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        float4 v = in[i];
        out[i] = make_float4(v.w, v.z, v.y, v.x);
    }
}

int main() {
    const int width = 100, height = 60, n = width * height;
    std::vector<float> in = noise_vector(n), want(n), reversed(n);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) want[x * height + y] = in[y * width + x];
    for (int i = 0; i < n; i++) reversed[i] = in[i / 4 * 4 + 3 - i % 4];
    float *din = to_device(in), *dout = to_device(std::vector<float>(n));
    transpose<<<dim3(4, 2), dim3(32, 8)>>>(din, dout, width, height);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, n), want, "transpose");
    copy_vector<<<(n / 4 + 127) / 128, 128>>>((const float4 *)din, (float4 *)dout, n / 4);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, n), reversed, "float4");
    return verdict();
}
