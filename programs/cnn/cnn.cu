// A convolutional network for MNIST, trained with Adam:
//
//     1x28x28  conv 3x3 (4)   ReLU  4x26x26  max pool 2x2  4x13x13
//              conv 3x3 (8)   ReLU  8x11x11  max pool 2x2  8x5x5
//              conv 3x3 (16)  ReLU  16x3x3 = 144
//              linear 1000    ReLU  linear 10  softmax
//
// The convolutions are not padded; a pool drops an odd last row and column. Multiply-adds per image: 24,336 + 34,848
// + 10,368 in the convolutions, 144,000 + 10,000 in the linear layers, 223,552 in all.
// Kernels: convolution.cuh here, the others in ../common/linear.cuh; usage is in ../common/program.hpp.

#include "../common/network.hpp"
#include "convolution.cuh"

namespace {

constexpr int TRAIN_BATCH = 100;     // images per step
constexpr int TEST_BATCH = 1000;     // images per launch
constexpr float RATE = 0.001f;       // learning rate of the first epoch
constexpr float RATE_DECAY = 0.85f;  // and its factor per epoch

// Channels and size (rows = columns) of each stage.
constexpr Plane INPUT = {1, 28}, CONV1 = {4, 26}, POOL1 = {4, 13}, CONV2 = {8, 11}, POOL2 = {8, 5}, CONV3 = {16, 3};
constexpr int FLAT = 16 * 3 * 3;
constexpr int HIDDEN = 1000;

// Indices of the parameters.
enum { W_CONV1, B_CONV1, W_CONV2, B_CONV2, W_CONV3, B_CONV3, W_FC1, B_FC1, W_FC2, B_FC2 };

// Values of a layer for a batch, and their gradient.
struct Activation {
    DeviceArray<float> value, gradient;
    explicit Activation(size_t count) : value(count), gradient(count) {}
    float *y() const { return value.get(); }
    float *dy() const { return gradient.get(); }
};

class Cnn : public Network {
  public:
    explicit Cnn(int batch)
        : Network({{"conv1.weight", {4, 1, 3, 3}}, {"conv1.bias", {4}}, {"conv2.weight", {8, 4, 3, 3}},
                   {"conv2.bias", {8}}, {"conv3.weight", {16, 8, 3, 3}}, {"conv3.bias", {16}},
                   {"fc1.weight", {FLAT, HIDDEN}}, {"fc1.bias", {HIDDEN}}, {"fc2.weight", {HIDDEN, CLASSES}},
                   {"fc2.bias", {CLASSES}}},
                  batch),
          conv1_(batch * CONV1.size()), pool1_(batch * POOL1.size()), conv2_(batch * CONV2.size()),
          pool2_(batch * POOL2.size()), conv3_(batch * CONV3.size()), hidden_(size_t(batch) * HIDDEN),
          partial_(size_t(batch) * 16 * 8 * 9) {}

  protected:
    void forward(int images) override {
        launch_conv2d_forward(x_.get(), value(W_CONV1), value(B_CONV1), conv1_.y(), images, INPUT, CONV1);
        launch_relu_forward(conv1_.y(), images * CONV1.size());
        launch_maxpool_forward(conv1_.y(), pool1_.y(), images, CONV1, POOL1);

        launch_conv2d_forward(pool1_.y(), value(W_CONV2), value(B_CONV2), conv2_.y(), images, POOL1, CONV2);
        launch_relu_forward(conv2_.y(), images * CONV2.size());
        launch_maxpool_forward(conv2_.y(), pool2_.y(), images, CONV2, POOL2);

        launch_conv2d_forward(pool2_.y(), value(W_CONV3), value(B_CONV3), conv3_.y(), images, POOL2, CONV3);
        launch_relu_forward(conv3_.y(), images * CONV3.size());

        launch_linear_forward(conv3_.y(), value(W_FC1), value(B_FC1), hidden_.y(), images, FLAT, HIDDEN);
        launch_relu_forward(hidden_.y(), images * HIDDEN);
        launch_linear_forward(hidden_.y(), value(W_FC2), value(B_FC2), logits_.get(), images, HIDDEN, CLASSES);
    }

    void backward(int images) override {
        launch_linear_backward(hidden_.y(), value(W_FC2), logits_gradient_.get(), hidden_.dy(), gradient(W_FC2),
                               gradient(B_FC2), images, HIDDEN, CLASSES);
        launch_relu_backward(hidden_.y(), hidden_.dy(), images * HIDDEN);
        launch_linear_backward(conv3_.y(), value(W_FC1), hidden_.dy(), conv3_.dy(), gradient(W_FC1), gradient(B_FC1),
                               images, FLAT, HIDDEN);

        launch_relu_backward(conv3_.y(), conv3_.dy(), images * CONV3.size());
        backward_convolution(pool2_.y(), conv3_.dy(), pool2_.dy(), W_CONV3, images, POOL2, CONV3);

        launch_maxpool_backward(conv2_.y(), pool2_.dy(), conv2_.dy(), images, CONV2, POOL2);
        launch_relu_backward(conv2_.y(), conv2_.dy(), images * CONV2.size());
        backward_convolution(pool1_.y(), conv2_.dy(), pool1_.dy(), W_CONV2, images, POOL1, CONV2);

        launch_maxpool_backward(conv1_.y(), pool1_.dy(), conv1_.dy(), images, CONV1, POOL1);
        launch_relu_backward(conv1_.y(), conv1_.dy(), images * CONV1.size());
        backward_convolution(x_.get(), conv1_.dy(), nullptr, W_CONV1, images, INPUT, CONV1);
    }

    void update(int epoch) override {
        double rate = RATE;
        for (int i = 0; i < epoch; i++) rate *= RATE_DECAY;
        adam_step(rate);
    }

    bool has_state() const override { return true; }

  private:
    // Gradients of weights w and bias w + 1, and of the input unless x_gradient is null.
    void backward_convolution(const float *x, const float *y_gradient, float *x_gradient, int w, int images, Plane in,
                              Plane out) {
        launch_conv2d_backward_weights(x, y_gradient, partial_.get(), images, in, out);
        launch_sum_rows(partial_.get(), gradient(w), images, out.channels * in.channels * 9);
        launch_conv2d_backward_bias(y_gradient, partial_.get(), images, out);
        launch_sum_rows(partial_.get(), gradient(w + 1), images, out.channels);
        if (x_gradient != nullptr) launch_conv2d_backward_input(y_gradient, value(w), x_gradient, images, in, out);
    }

    Activation conv1_, pool1_, conv2_, pool2_, conv3_, hidden_;
    DeviceArray<float> partial_; // gradients of one convolution's weights, per image
};

} // namespace

int main(int argc, char **argv) { return run_program<Cnn>(argc, argv, TRAIN_BATCH, TEST_BATCH); }
