// 3x3 convolution with zero padding, several channels, one thread per output, with tests at the border.
#include "check.h"

__global__ void conv2d(const float *in, const float *weights, float *out, int channels, int rows, int columns) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y, k = blockIdx.z;
    if (x >= columns || y >= rows) return;
    float sum = 0.0f;
    for (int c = 0; c < channels; c++) {
        for (int i = -1; i <= 1; i++) {
            for (int j = -1; j <= 1; j++) {
                if (y + i < 0 || y + i >= rows || x + j < 0 || x + j >= columns) continue;
                float w = weights[((k * channels + c) * 3 + i + 1) * 3 + j + 1];
                sum = fmaf(in[(c * rows + y + i) * columns + x + j], w, sum);
            }
        }
    }
    out[(k * rows + y) * columns + x] = sum;
}

int main() {
    const int channels = 3, outputs = 5, rows = 19, columns = 23;
    std::vector<float> in = noise_vector(channels * rows * columns), w = noise_vector(outputs * channels * 9);
    std::vector<float> want;
    for (int k = 0; k < outputs; k++) {
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < columns; x++) {
                float sum = 0.0f;
                for (int c = 0; c < channels; c++)
                    for (int i = -1; i <= 1; i++)
                        for (int j = -1; j <= 1; j++)
                            if (y + i >= 0 && y + i < rows && x + j >= 0 && x + j < columns)
                                sum = std::fma(in[(c * rows + y + i) * columns + x + j],
                                               w[((k * channels + c) * 3 + i + 1) * 3 + j + 1], sum);
                want.push_back(sum);
            }
        }
    }
    float *din = to_device(in), *dw = to_device(w), *dout = to_device(std::vector<float>(want.size()));
    conv2d<<<dim3(2, 5, outputs), dim3(16, 4)>>>(din, dw, dout, channels, rows, columns);
    CHECK_LAUNCH();
    expect_equal(to_host(dout, want.size()), want, "convolution");
    return verdict();
}
