// Kernels of a transformer beside those of ../common/linear.cuh: embeddings, RMS norm, GELU, causal attention; forward
// and backward.
//
// One thread per output value, sums in a fixed order, no atomics; names are extern "C". A batch is `sequences` times
// `length` tokens, token by token ([token][channel]). Queries, keys and values of a token lie beside each other, `width`
// channels each. Attention weights are [sequence][head][key][query], so that the threads of a warp, one query each, read
// neighbouring words; those of keys behind the query are neither written nor read.
#pragma once

#include "../common/linear.cuh"

constexpr float NORM_EPSILON = 1e-5f; // added to the mean square

// x[token][channel] = the embedding of the token's character + that of its place in the sequence
extern "C" __global__ void embed_forward(const int *characters, const float *character_embedding,
                                         const float *place_embedding, float *x, int tokens, int length, int width) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int token = blockIdx.y * blockDim.y + threadIdx.y;
    if (channel >= width || token >= tokens) return;
    x[token * width + channel] =
        character_embedding[characters[token] * width + channel] + place_embedding[token % length * width + channel];
}

// The gradient of a character's embedding: the sum over the tokens that are this character.
extern "C" __global__ void embed_backward_characters(const int *characters, const float *x_gradient, float *gradient,
                                                     int tokens, int vocabulary, int width) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int character = blockIdx.y * blockDim.y + threadIdx.y;
    if (channel >= width || character >= vocabulary) return;
    float sum = 0.0f;
    for (int token = 0; token < tokens; token++) {
        if (characters[token] == character) sum += x_gradient[token * width + channel];
    }
    gradient[character * width + channel] = sum;
}

// The gradient of a place's embedding: the sum over the sequences.
extern "C" __global__ void embed_backward_places(const float *x_gradient, float *gradient, int sequences, int length,
                                                 int width) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int place = blockIdx.y * blockDim.y + threadIdx.y;
    if (channel >= width || place >= length) return;
    float sum = 0.0f;
    for (int sequence = 0; sequence < sequences; sequence++) {
        sum += x_gradient[(sequence * length + place) * width + channel];
    }
    gradient[place * width + channel] = sum;
}

// scale[token] = 1 / root mean square of its channels. `factor` is 1 / sqrt(width): what is summed is the mean already,
// for a sum of squares would leave the range of narrow formats.
extern "C" __global__ void norm_scale(const float *x, float *scale, float factor, int tokens, int width) {
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token >= tokens) return;
    float sum = 0.0f;
    for (int channel = 0; channel < width; channel++) {
        float value = x[token * width + channel] * factor;
        sum += value * value;
    }
    scale[token] = 1.0f / sqrtf(sum + NORM_EPSILON);
}

// RMS norm (Zhang and Sennrich, 2019): y = x * scale * (1 + gain). The gain is kept as its distance from one.
extern "C" __global__ void norm_forward(const float *x, const float *scale, const float *gain, float *y, int tokens,
                                        int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < tokens * width) y[i] = x[i] * scale[i / width] * (1.0f + gain[i % width]);
}

// dot[token] = sum over its channels of y_gradient * (1 + gain) * x, which norm_backward_input needs.
extern "C" __global__ void norm_backward_dot(const float *x, const float *gain, const float *y_gradient, float *dot,
                                             int tokens, int width) {
    int token = blockIdx.x * blockDim.x + threadIdx.x;
    if (token >= tokens) return;
    float sum = 0.0f;
    for (int channel = 0; channel < width; channel++) {
        int i = token * width + channel;
        sum += y_gradient[i] * (1.0f + gain[channel]) * x[i];
    }
    dot[token] = sum;
}

// Adds the norm's gradient to that which the input already has from the path around the norm.
extern "C" __global__ void norm_backward_input(const float *x, const float *scale, const float *gain,
                                               const float *y_gradient, const float *dot, float *x_gradient, int tokens,
                                               int width) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= tokens * width) return;
    float s = scale[i / width];
    float share = dot[i / width] * s * s / width;
    x_gradient[i] += s * (y_gradient[i] * (1.0f + gain[i % width]) - x[i] * share);
}

extern "C" __global__ void norm_backward_gain(const float *x, const float *scale, const float *y_gradient, float *gradient,
                                              int tokens, int width) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= width) return;
    float sum = 0.0f;
    for (int token = 0; token < tokens; token++) {
        sum += y_gradient[token * width + channel] * (x[token * width + channel] * scale[token]);
    }
    gradient[channel] = sum;
}

// score[key][query] = query . key / sqrt(size of a head), for the keys up to the query
extern "C" __global__ void attention_scores(const float *qkv, float *weights, int length, int heads, int size,
                                            float factor) {
    int query = blockIdx.x * blockDim.x + threadIdx.x;
    int key = blockIdx.y * blockDim.y + threadIdx.y;
    int sequence = blockIdx.z / heads, head = blockIdx.z % heads;
    if (query >= length || key > query) return;
    int row = 3 * heads * size;
    const float *q = qkv + (sequence * length + query) * row + head * size;
    const float *k = qkv + (sequence * length + key) * row + (heads + head) * size;
    float sum = 0.0f;
    for (int i = 0; i < size; i++) sum += q[i] * k[i];
    weights[(blockIdx.z * length + key) * length + query] = sum * factor;
}

// Scores to weights, in place: each query's column becomes a softmax over its keys.
extern "C" __global__ void attention_softmax(float *weights, int length) {
    int query = blockIdx.x * blockDim.x + threadIdx.x;
    if (query >= length) return;
    float *column = weights + blockIdx.y * length * length + query;
    float greatest = column[0];
    for (int key = 1; key <= query; key++) greatest = fmaxf(greatest, column[key * length]);
    float sum = 0.0f;
    for (int key = 0; key <= query; key++) {
        float power = expf(column[key * length] - greatest);
        column[key * length] = power;
        sum += power;
    }
    for (int key = 0; key <= query; key++) column[key * length] /= sum;
}

// y[query] = sum over keys of weight * value
extern "C" __global__ void attention_mix(const float *qkv, const float *weights, float *y, int tokens, int length,
                                         int heads, int size) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int token = blockIdx.y * blockDim.y + threadIdx.y;
    int width = heads * size;
    if (channel >= width || token >= tokens) return;
    int sequence = token / length, query = token % length;
    const float *weight = weights + (sequence * heads + channel / size) * length * length + query;
    const float *value = qkv + sequence * length * 3 * width + 2 * width + channel;
    float sum = 0.0f;
    for (int key = 0; key <= query; key++) sum += weight[key * length] * value[key * 3 * width];
    y[token * width + channel] = sum;
}

// The gradient of a weight: value . gradient of the query's output.
extern "C" __global__ void attention_backward_weights(const float *qkv, const float *y_gradient, float *gradient,
                                                      int length, int heads, int size) {
    int query = blockIdx.x * blockDim.x + threadIdx.x;
    int key = blockIdx.y * blockDim.y + threadIdx.y;
    int sequence = blockIdx.z / heads, head = blockIdx.z % heads;
    if (query >= length || key > query) return;
    const float *dy = y_gradient + (sequence * length + query) * heads * size + head * size;
    const float *v = qkv + (sequence * length + key) * 3 * heads * size + (2 * heads + head) * size;
    float sum = 0.0f;
    for (int i = 0; i < size; i++) sum += dy[i] * v[i];
    gradient[(blockIdx.z * length + key) * length + query] = sum;
}

// From the gradient of the weights to that of query . key, in place.
extern "C" __global__ void attention_backward_softmax(const float *weights, float *gradient, int length, float factor) {
    int query = blockIdx.x * blockDim.x + threadIdx.x;
    if (query >= length) return;
    int first = blockIdx.y * length * length + query;
    float sum = 0.0f;
    for (int key = 0; key <= query; key++) sum += weights[first + key * length] * gradient[first + key * length];
    for (int key = 0; key <= query; key++) {
        int i = first + key * length;
        gradient[i] = weights[i] * (gradient[i] - sum) * factor;
    }
}

extern "C" __global__ void attention_backward_queries(const float *qkv, const float *gradient, float *qkv_gradient,
                                                      int tokens, int length, int heads, int size) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int token = blockIdx.y * blockDim.y + threadIdx.y;
    int width = heads * size;
    if (channel >= width || token >= tokens) return;
    int sequence = token / length, query = token % length;
    const float *score = gradient + (sequence * heads + channel / size) * length * length + query;
    const float *k = qkv + sequence * length * 3 * width + width + channel;
    float sum = 0.0f;
    for (int key = 0; key <= query; key++) sum += score[key * length] * k[key * 3 * width];
    qkv_gradient[token * 3 * width + channel] = sum;
}

extern "C" __global__ void attention_backward_keys(const float *qkv, const float *gradient, float *qkv_gradient, int tokens,
                                                   int length, int heads, int size) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int token = blockIdx.y * blockDim.y + threadIdx.y;
    int width = heads * size;
    if (channel >= width || token >= tokens) return;
    int sequence = token / length, key = token % length;
    const float *score = gradient + ((sequence * heads + channel / size) * length + key) * length;
    const float *q = qkv + sequence * length * 3 * width + channel;
    float sum = 0.0f;
    for (int query = key; query < length; query++) sum += score[query] * q[query * 3 * width];
    qkv_gradient[token * 3 * width + width + channel] = sum;
}

extern "C" __global__ void attention_backward_values(const float *weights, const float *y_gradient, float *qkv_gradient,
                                                     int tokens, int length, int heads, int size) {
    int channel = blockIdx.x * blockDim.x + threadIdx.x;
    int token = blockIdx.y * blockDim.y + threadIdx.y;
    int width = heads * size;
    if (channel >= width || token >= tokens) return;
    int sequence = token / length, key = token % length;
    const float *weight = weights + ((sequence * heads + channel / size) * length + key) * length;
    const float *dy = y_gradient + sequence * length * width + channel;
    float sum = 0.0f;
    for (int query = key; query < length; query++) sum += weight[query] * dy[query * width];
    qkv_gradient[token * 3 * width + 2 * width + channel] = sum;
}

// GELU by its logistic approximation (Hendrycks and Gimpel, 2016): y = x / (1 + exp(-1.702 x))
extern "C" __global__ void gelu_forward(const float *x, float *y, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) y[i] = x[i] / (1.0f + expf(-1.702f * x[i]));
}

// In place: the gradient of y becomes that of x.
extern "C" __global__ void gelu_backward(const float *x, float *gradient, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    float gate = 1.0f / (1.0f + expf(-1.702f * x[i]));
    gradient[i] *= gate + 1.702f * x[i] * gate * (1.0f - gate);
}

// sum[i] = x[i] + y[i]
extern "C" __global__ void add_forward(const float *x, const float *y, float *sum, int count) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) sum[i] = x[i] + y[i];
}

// The shape of a batch.
struct Batch {
    int sequences, length, heads, size; // tokens in a sequence; channels of a head

    int tokens() const { return sequences * length; }
    int width() const { return heads * size; }
    float factor() const { return 1.0f / sqrtf(float(size)); }
};

// Launches. A grid over [row][channel], one over the pairs of query and key of each head, one over queries.

constexpr int ROW_BLOCK = 4;   // rows of a block of 32 channels
constexpr int QUERY_BLOCK = 32;

inline dim3 row_block() { return dim3(32, ROW_BLOCK); }
inline dim3 row_grid(int channels, int rows) { return dim3(blocks_for(channels, 32), blocks_for(rows, ROW_BLOCK)); }
inline dim3 pair_grid(const Batch &b) {
    return dim3(blocks_for(b.length, 32), blocks_for(b.length, ROW_BLOCK), b.sequences * b.heads);
}
inline dim3 query_grid(const Batch &b) { return dim3(blocks_for(b.length, QUERY_BLOCK), b.sequences * b.heads); }

inline void launch_embed_forward(const int *characters, const float *character_embedding, const float *place_embedding,
                                 float *x, const Batch &b) {
    embed_forward<<<row_grid(b.width(), b.tokens()), row_block()>>>(characters, character_embedding, place_embedding, x,
                                                                   b.tokens(), b.length, b.width());
    CHECK_LAUNCH();
}

inline void launch_embed_backward(const int *characters, const float *x_gradient, float *character_gradient,
                                  float *place_gradient, int vocabulary, const Batch &b) {
    embed_backward_characters<<<row_grid(b.width(), vocabulary), row_block()>>>(
        characters, x_gradient, character_gradient, b.tokens(), vocabulary, b.width());
    CHECK_LAUNCH();
    embed_backward_places<<<row_grid(b.width(), b.length), row_block()>>>(x_gradient, place_gradient, b.sequences,
                                                                          b.length, b.width());
    CHECK_LAUNCH();
}

inline void launch_norm_forward(const float *x, float *scale, const float *gain, float *y, const Batch &b) {
    norm_scale<<<blocks_for(b.tokens(), 64), 64>>>(x, scale, 1.0f / sqrtf(float(b.width())), b.tokens(), b.width());
    CHECK_LAUNCH();
    norm_forward<<<blocks_for(b.tokens() * b.width(), ELEMENT_BLOCK), ELEMENT_BLOCK>>>(x, scale, gain, y, b.tokens(),
                                                                                     b.width());
    CHECK_LAUNCH();
}

// The gradient of the gain; that of the input is added to x_gradient.
inline void launch_norm_backward(const float *x, const float *scale, const float *gain, const float *y_gradient,
                                 float *dot, float *x_gradient, float *gain_gradient, const Batch &b) {
    norm_backward_gain<<<blocks_for(b.width(), 32), 32>>>(x, scale, y_gradient, gain_gradient, b.tokens(), b.width());
    CHECK_LAUNCH();
    norm_backward_dot<<<blocks_for(b.tokens(), 64), 64>>>(x, gain, y_gradient, dot, b.tokens(), b.width());
    CHECK_LAUNCH();
    norm_backward_input<<<blocks_for(b.tokens() * b.width(), ELEMENT_BLOCK), ELEMENT_BLOCK>>>(
        x, scale, gain, y_gradient, dot, x_gradient, b.tokens(), b.width());
    CHECK_LAUNCH();
}

inline void launch_attention_forward(const float *qkv, float *weights, float *y, const Batch &b) {
    attention_scores<<<pair_grid(b), row_block()>>>(qkv, weights, b.length, b.heads, b.size, b.factor());
    CHECK_LAUNCH();
    attention_softmax<<<query_grid(b), QUERY_BLOCK>>>(weights, b.length);
    CHECK_LAUNCH();
    attention_mix<<<row_grid(b.width(), b.tokens()), row_block()>>>(qkv, weights, y, b.tokens(), b.length, b.heads, b.size);
    CHECK_LAUNCH();
}

inline void launch_attention_backward(const float *qkv, const float *weights, const float *y_gradient,
                                      float *weights_gradient, float *qkv_gradient, const Batch &b) {
    attention_backward_weights<<<pair_grid(b), row_block()>>>(qkv, y_gradient, weights_gradient, b.length, b.heads, b.size);
    CHECK_LAUNCH();
    attention_backward_softmax<<<query_grid(b), QUERY_BLOCK>>>(weights, weights_gradient, b.length, b.factor());
    CHECK_LAUNCH();
    dim3 grid = row_grid(b.width(), b.tokens());
    attention_backward_queries<<<grid, row_block()>>>(qkv, weights_gradient, qkv_gradient, b.tokens(), b.length, b.heads,
                                                      b.size);
    CHECK_LAUNCH();
    attention_backward_keys<<<grid, row_block()>>>(qkv, weights_gradient, qkv_gradient, b.tokens(), b.length, b.heads,
                                                   b.size);
    CHECK_LAUNCH();
    attention_backward_values<<<grid, row_block()>>>(weights, y_gradient, qkv_gradient, b.tokens(), b.length, b.heads,
                                                     b.size);
    CHECK_LAUNCH();
}

inline void launch_gelu_forward(const float *x, float *y, int count) {
    gelu_forward<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(x, y, count);
    CHECK_LAUNCH();
}

inline void launch_gelu_backward(const float *x, float *gradient, int count) {
    gelu_backward<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(x, gradient, count);
    CHECK_LAUNCH();
}

inline void launch_add_forward(const float *x, const float *y, float *sum, int count) {
    add_forward<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(x, y, sum, count);
    CHECK_LAUNCH();
}
