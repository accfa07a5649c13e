// Kernels of 3x3 convolutions without padding and of 2x2 max pooling.
//
// Values are stored [image][channel][row][column], weights [output channel][input channel][row][column].
// Every kernel has one thread per value it computes: blockIdx.z is the image, blockIdx.y the channel, and x runs over
// the pixels of a plane. With -DTILED the forward convolution keeps its input plane in shared memory; the order of the
// additions stays the same.
#pragma once

#include "../common/linear.cuh"

#include <cstddef>

// A stage of the network: channels, and rows (= columns) of each.
struct Plane {
    int channels, rows;
    constexpr size_t size() const { return size_t(channels) * rows * rows; }
};

constexpr int PLANE_BLOCK = 128; // threads per block over the pixels of a plane

#ifndef TILED

// y[image][channel][row][column] = bias[channel] + sum over input channels and the 3x3 window of x * weights
extern "C" __global__ void conv2d_forward(const float *x, const float *weights, const float *bias, float *y,
                                          int in_channels, int in_rows, int out_rows) {
    int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    int channel = blockIdx.y, out_channels = gridDim.y, image = blockIdx.z;
    if (pixel >= out_rows * out_rows) return;
    int row = pixel / out_rows, column = pixel % out_rows;
    float sum = bias[channel];
    for (int c = 0; c < in_channels; c++) {
        const float *window = x + ((image * in_channels + c) * in_rows + row) * in_rows + column;
        const float *w = weights + (channel * in_channels + c) * 9;
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) sum += window[i * in_rows + j] * w[i * 3 + j];
        }
    }
    y[(image * out_channels + channel) * out_rows * out_rows + pixel] = sum;
}

inline void launch_conv2d_forward(const float *x, const float *weights, const float *bias, float *y, int images,
                                  Plane in, Plane out) {
    dim3 grid(blocks_for(out.rows * out.rows, PLANE_BLOCK), out.channels, images);
    conv2d_forward<<<grid, PLANE_BLOCK>>>(x, weights, bias, y, in.channels, in.rows, out.rows);
    CHECK_LAUNCH();
}

#else

constexpr int MAX_ROWS = 28;

// The same as above; the block's threads first bring the whole input plane of each channel into shared memory.
extern "C" __global__ void conv2d_forward_tiled(const float *x, const float *weights, const float *bias, float *y,
                                                int in_channels, int in_rows, int out_rows) {
    __shared__ float tile[MAX_ROWS * MAX_ROWS];
    int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    int channel = blockIdx.y, out_channels = gridDim.y, image = blockIdx.z;
    bool inside = pixel < out_rows * out_rows;
    int row = pixel / out_rows, column = pixel % out_rows;
    float sum = bias[channel];
    for (int c = 0; c < in_channels; c++) {
        const float *plane = x + (image * in_channels + c) * in_rows * in_rows;
        for (int i = threadIdx.x; i < in_rows * in_rows; i += blockDim.x) tile[i] = plane[i];
        __syncthreads();
        if (inside) {
            const float *w = weights + (channel * in_channels + c) * 9;
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 3; j++) sum += tile[(row + i) * in_rows + column + j] * w[i * 3 + j];
            }
        }
        __syncthreads();
    }
    if (inside) y[(image * out_channels + channel) * out_rows * out_rows + pixel] = sum;
}

inline void launch_conv2d_forward(const float *x, const float *weights, const float *bias, float *y, int images,
                                  Plane in, Plane out) {
    int block = blocks_for(out.rows * out.rows, 32) * 32; // a whole plane: at most 26 x 26 outputs
    dim3 grid(1, out.channels, images);
    conv2d_forward_tiled<<<grid, block>>>(x, weights, bias, y, in.channels, in.rows, out.rows);
    CHECK_LAUNCH();
}

#endif

// y = the greatest value of each 2x2 window
extern "C" __global__ void maxpool_forward(const float *x, float *y, int in_rows, int out_rows) {
    int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    int plane = blockIdx.z * gridDim.y + blockIdx.y;
    if (pixel >= out_rows * out_rows) return;
    int row = pixel / out_rows, column = pixel % out_rows;
    const float *window = x + (plane * in_rows + 2 * row) * in_rows + 2 * column;
    float upper = fmaxf(window[0], window[1]);
    float lower = fmaxf(window[in_rows], window[in_rows + 1]);
    y[plane * out_rows * out_rows + pixel] = fmaxf(upper, lower);
}

// The gradient goes to the greatest value of the window, the first of equals; the others get zero.
extern "C" __global__ void maxpool_backward(const float *x, const float *y_gradient, float *x_gradient, int in_rows,
                                            int out_rows) {
    int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    int plane = blockIdx.z * gridDim.y + blockIdx.y;
    if (pixel >= in_rows * in_rows) return;
    int row = pixel / in_rows, column = pixel % in_rows;
    float gradient = 0.0f;
    if (row / 2 < out_rows && column / 2 < out_rows) {
        const float *window = x + (plane * in_rows + row / 2 * 2) * in_rows + column / 2 * 2;
        int winner = 0;
        float greatest = window[0];
        for (int i = 1; i < 4; i++) {
            float value = window[i / 2 * in_rows + i % 2];
            if (value > greatest) {
                greatest = value;
                winner = i;
            }
        }
        if (winner == row % 2 * 2 + column % 2) {
            gradient = y_gradient[(plane * out_rows + row / 2) * out_rows + column / 2];
        }
    }
    x_gradient[plane * in_rows * in_rows + pixel] = gradient;
}

// Gradient with respect to the convolution's input.
extern "C" __global__ void conv2d_backward_input(const float *y_gradient, const float *weights, float *x_gradient,
                                                 int out_channels, int in_rows, int out_rows) {
    int pixel = blockIdx.x * blockDim.x + threadIdx.x;
    int channel = blockIdx.y, in_channels = gridDim.y, image = blockIdx.z;
    if (pixel >= in_rows * in_rows) return;
    int row = pixel / in_rows, column = pixel % in_rows;
    float sum = 0.0f;
    for (int c = 0; c < out_channels; c++) {
        const float *plane = y_gradient + (image * out_channels + c) * out_rows * out_rows;
        const float *w = weights + (c * in_channels + channel) * 9;
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                int y_row = row - i, y_column = column - j;
                if (y_row >= 0 && y_row < out_rows && y_column >= 0 && y_column < out_rows) {
                    sum += plane[y_row * out_rows + y_column] * w[i * 3 + j];
                }
            }
        }
    }
    x_gradient[(image * in_channels + channel) * in_rows * in_rows + pixel] = sum;
}

// Each image's part of the gradient with respect to the weights: partial[image][weight].
extern "C" __global__ void conv2d_backward_weights(const float *x, const float *y_gradient, float *partial,
                                                   int in_channels, int out_channels, int in_rows, int out_rows) {
    int weight = blockIdx.x * blockDim.x + threadIdx.x;
    int image = blockIdx.y, count = out_channels * in_channels * 9;
    if (weight >= count) return;
    int j = weight % 3, i = weight / 3 % 3, in_channel = weight / 9 % in_channels, channel = weight / 9 / in_channels;
    const float *window = x + ((image * in_channels + in_channel) * in_rows + i) * in_rows + j;
    const float *plane = y_gradient + (image * out_channels + channel) * out_rows * out_rows;
    float sum = 0.0f;
    for (int row = 0; row < out_rows; row++) {
        for (int column = 0; column < out_rows; column++) {
            sum += window[row * in_rows + column] * plane[row * out_rows + column];
        }
    }
    partial[image * count + weight] = sum;
}

// Each image's part of the gradient with respect to the bias: partial[image][channel].
extern "C" __global__ void conv2d_backward_bias(const float *y_gradient, float *partial, int planes, int pixels) {
    int plane = blockIdx.x * blockDim.x + threadIdx.x;
    if (plane >= planes) return;
    float sum = 0.0f;
    for (int pixel = 0; pixel < pixels; pixel++) sum += y_gradient[plane * pixels + pixel];
    partial[plane] = sum;
}

inline void launch_maxpool_forward(const float *x, float *y, int images, Plane in, Plane out) {
    dim3 grid(blocks_for(out.rows * out.rows, PLANE_BLOCK), out.channels, images);
    maxpool_forward<<<grid, PLANE_BLOCK>>>(x, y, in.rows, out.rows);
    CHECK_LAUNCH();
}

inline void launch_maxpool_backward(const float *x, const float *y_gradient, float *x_gradient, int images, Plane in,
                                    Plane out) {
    dim3 grid(blocks_for(in.rows * in.rows, PLANE_BLOCK), in.channels, images);
    maxpool_backward<<<grid, PLANE_BLOCK>>>(x, y_gradient, x_gradient, in.rows, out.rows);
    CHECK_LAUNCH();
}

inline void launch_conv2d_backward_input(const float *y_gradient, const float *weights, float *x_gradient, int images,
                                         Plane in, Plane out) {
    dim3 grid(blocks_for(in.rows * in.rows, PLANE_BLOCK), in.channels, images);
    conv2d_backward_input<<<grid, PLANE_BLOCK>>>(y_gradient, weights, x_gradient, out.channels, in.rows, out.rows);
    CHECK_LAUNCH();
}

inline void launch_conv2d_backward_weights(const float *x, const float *y_gradient, float *partial, int images, Plane in,
                                           Plane out) {
    dim3 grid(blocks_for(out.channels * in.channels * 9, PLANE_BLOCK), images);
    conv2d_backward_weights<<<grid, PLANE_BLOCK>>>(x, y_gradient, partial, in.channels, out.channels, in.rows, out.rows);
    CHECK_LAUNCH();
}

inline void launch_conv2d_backward_bias(const float *y_gradient, float *partial, int images, Plane out) {
    int planes = images * out.channels;
    conv2d_backward_bias<<<blocks_for(planes, PLANE_BLOCK), PLANE_BLOCK>>>(y_gradient, partial, planes,
                                                                           out.rows * out.rows);
    CHECK_LAUNCH();
}
