// Kernels of fully connected layers, activations, loss and optimisers, shared by the programs.
//
// Written for clarity and for one property: the same bits on every machine. Each output value is computed by one
// thread in a fixed order; there are no floating-point atomics. Names are extern "C" so that the PTX reads well.
// Matrices are stored row by row. Weights are [inputs][outputs], so that neighbouring threads read neighbouring words.
// With -DTILED the forward products go through tiles in shared memory; the order of the additions stays the same.
#pragma once

#include "cuda_check.h"

constexpr int TILE = 16;

inline int blocks_for(int items, int block) { return (items + block - 1) / block; }

#ifndef TILED

// y[image][output] = bias[output] + sum over inputs of x[image][input] * weights[input][output]
extern "C" __global__ void linear_forward(const float *x, const float *weights, const float *bias, float *y, int images,
                                          int inputs, int outputs) {
    int output = blockIdx.x * blockDim.x + threadIdx.x;
    int image = blockIdx.y * blockDim.y + threadIdx.y;
    if (output >= outputs || image >= images) return;
    float sum = bias[output];
    for (int input = 0; input < inputs; input++) {
        sum += x[image * inputs + input] * weights[input * outputs + output];
    }
    y[image * outputs + output] = sum;
}

inline void launch_linear_forward(const float *x, const float *weights, const float *bias, float *y, int images,
                                  int inputs, int outputs) {
    dim3 block(32, 8);
    dim3 grid(blocks_for(outputs, block.x), blocks_for(images, block.y));
    linear_forward<<<grid, block>>>(x, weights, bias, y, images, inputs, outputs);
    CHECK_LAUNCH();
}

#else

// The same as above with tiles of x and weights in shared memory; a block is TILE x TILE threads.
extern "C" __global__ void linear_forward_tiled(const float *x, const float *weights, const float *bias, float *y,
                                                int images, int inputs, int outputs) {
    __shared__ float x_tile[TILE][TILE];
    __shared__ float w_tile[TILE][TILE];
    int output = blockIdx.x * TILE + threadIdx.x;
    int image = blockIdx.y * TILE + threadIdx.y;
    float sum = output < outputs ? bias[output] : 0.0f;
    for (int first = 0; first < inputs; first += TILE) {
        int x_input = first + threadIdx.x;
        int w_input = first + threadIdx.y;
        x_tile[threadIdx.y][threadIdx.x] = image < images && x_input < inputs ? x[image * inputs + x_input] : 0.0f;
        w_tile[threadIdx.y][threadIdx.x] =
            output < outputs && w_input < inputs ? weights[w_input * outputs + output] : 0.0f;
        __syncthreads();
        for (int k = 0; k < TILE; k++) sum += x_tile[threadIdx.y][k] * w_tile[k][threadIdx.x];
        __syncthreads();
    }
    if (output < outputs && image < images) y[image * outputs + output] = sum;
}

inline void launch_linear_forward(const float *x, const float *weights, const float *bias, float *y, int images,
                                  int inputs, int outputs) {
    dim3 block(TILE, TILE);
    dim3 grid(blocks_for(outputs, TILE), blocks_for(images, TILE));
    linear_forward_tiled<<<grid, block>>>(x, weights, bias, y, images, inputs, outputs);
    CHECK_LAUNCH();
}

#endif

// x[i] = max(x[i], 0)
extern "C" __global__ void relu_forward(float *x, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) x[i] = fmaxf(x[i], 0.0f);
}

// The gradient passes where the activation y was positive.
extern "C" __global__ void relu_backward(const float *y, float *gradient, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count && y[i] <= 0.0f) gradient[i] = 0.0f;
}

// The class of each image: the one with the greatest logit (softmax keeps the order), the first of equals.
extern "C" __global__ void predict_class(const float *logits, int *predicted, int images, int classes) {
    int image = blockIdx.x * blockDim.x + threadIdx.x;
    if (image >= images) return;
    int best = 0;
    for (int c = 1; c < classes; c++) {
        if (logits[image * classes + c] > logits[image * classes + best]) best = c;
    }
    predicted[image] = best;
}

// Per image: loss = -log softmax(logits)[label]; gradient of the batch's mean loss with respect to the logits.
extern "C" __global__ void softmax_cross_entropy(const float *logits, const int *labels, float *losses, float *gradient,
                                                 int images, int classes) {
    int image = blockIdx.x * blockDim.x + threadIdx.x;
    if (image >= images) return;
    const float *row = logits + image * classes;
    float greatest = row[0];
    for (int c = 1; c < classes; c++) greatest = fmaxf(greatest, row[c]);
    float sum = 0.0f;
    for (int c = 0; c < classes; c++) sum += expf(row[c] - greatest);
    int label = labels[image];
    losses[image] = logf(sum) - (row[label] - greatest);
    for (int c = 0; c < classes; c++) {
        float probability = expf(row[c] - greatest) / sum;
        gradient[image * classes + c] = (probability - (c == label ? 1.0f : 0.0f)) / images;
    }
}

// Gradient with respect to the layer's input.
extern "C" __global__ void linear_backward_input(const float *y_gradient, const float *weights, float *x_gradient,
                                                 int images, int inputs, int outputs) {
    int input = blockIdx.x * blockDim.x + threadIdx.x;
    int image = blockIdx.y * blockDim.y + threadIdx.y;
    if (input >= inputs || image >= images) return;
    float sum = 0.0f;
    for (int output = 0; output < outputs; output++) {
        sum += y_gradient[image * outputs + output] * weights[input * outputs + output];
    }
    x_gradient[image * inputs + input] = sum;
}

// Gradient with respect to the weights: one thread per weight, summed over the batch.
extern "C" __global__ void linear_backward_weights(const float *x, const float *y_gradient, float *w_gradient,
                                                   int images, int inputs, int outputs) {
    int output = blockIdx.x * blockDim.x + threadIdx.x;
    int input = blockIdx.y * blockDim.y + threadIdx.y;
    if (output >= outputs || input >= inputs) return;
    float sum = 0.0f;
    for (int image = 0; image < images; image++) {
        sum += x[image * inputs + input] * y_gradient[image * outputs + output];
    }
    w_gradient[input * outputs + output] = sum;
}

// Sums the rows of a matrix: the gradient of a bias (rows = images), or of weights with one partial sum per image.
extern "C" __global__ void sum_rows(const float *matrix, float *sums, int rows, int columns) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) return;
    float sum = 0.0f;
    for (int row = 0; row < rows; row++) sum += matrix[row * columns + column];
    sums[column] = sum;
}

// Stochastic gradient descent.
extern "C" __global__ void sgd_update(float *weights, const float *gradient, float rate, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) weights[i] -= rate * gradient[i];
}

// Adam (Kingma and Ba, 2015). `rate` already holds the correction of both biases for this step.
extern "C" __global__ void adam_update(float *weights, const float *gradient, float *first, float *second, float rate,
                                       int count) {
    const float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float g = gradient[i];
    float m = beta1 * first[i] + (1.0f - beta1) * g;
    float v = beta2 * second[i] + (1.0f - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] -= rate * m / (sqrtf(v) + epsilon);
}

// Launches of the kernels that take one thread per element, and of the backward pass of a layer.

constexpr int ELEMENT_BLOCK = 256;

inline void launch_relu_forward(float *x, int count) {
    relu_forward<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(x, count);
    CHECK_LAUNCH();
}

inline void launch_relu_backward(const float *y, float *gradient, int count) {
    relu_backward<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(y, gradient, count);
    CHECK_LAUNCH();
}

inline void launch_predict_class(const float *logits, int *predicted, int images, int classes) {
    predict_class<<<blocks_for(images, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(logits, predicted, images, classes);
    CHECK_LAUNCH();
}

inline void launch_softmax_cross_entropy(const float *logits, const int *labels, float *losses, float *gradient,
                                         int images, int classes) {
    softmax_cross_entropy<<<blocks_for(images, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(logits, labels, losses, gradient, images,
                                                                               classes);
    CHECK_LAUNCH();
}

inline void launch_sum_rows(const float *matrix, float *sums, int rows, int columns) {
    sum_rows<<<blocks_for(columns, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(matrix, sums, rows, columns);
    CHECK_LAUNCH();
}

// Gradients of weights and bias, and of the input unless x_gradient is null.
inline void launch_linear_backward(const float *x, const float *weights, const float *y_gradient, float *x_gradient,
                                   float *w_gradient, float *b_gradient, int images, int inputs, int outputs) {
    dim3 block(32, 8);
    linear_backward_weights<<<dim3(blocks_for(outputs, block.x), blocks_for(inputs, block.y)), block>>>(
        x, y_gradient, w_gradient, images, inputs, outputs);
    CHECK_LAUNCH();
    launch_sum_rows(y_gradient, b_gradient, images, outputs);
    if (x_gradient == nullptr) return;
    linear_backward_input<<<dim3(blocks_for(inputs, block.x), blocks_for(images, block.y)), block>>>(
        y_gradient, weights, x_gradient, images, inputs, outputs);
    CHECK_LAUNCH();
}
