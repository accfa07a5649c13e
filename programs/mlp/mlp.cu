// A multilayer perceptron for MNIST: 784 - 128 - 64 - 10, ReLU, softmax cross-entropy, stochastic gradient descent.
// The kernels are in ../common/linear.cuh; usage is in ../common/program.hpp.

#include "../common/network.hpp"

namespace {

constexpr int SIZES[] = {IMAGE_PIXELS, 128, 64, CLASSES}; // values in each layer
constexpr int LAYERS = 3;
constexpr int TRAIN_BATCH = 100;  // images per step
constexpr int TEST_BATCH = 1000;  // images per launch
constexpr float RATE = 0.1f;      // learning rate of the first epoch
constexpr float RATE_DECAY = 0.9f; // and its factor per epoch

class Mlp : public Network {
  public:
    explicit Mlp(int batch)
        : Network({{"linear1.weight", {784, 128}}, {"linear1.bias", {128}}, {"linear2.weight", {128, 64}},
                   {"linear2.bias", {64}}, {"linear3.weight", {64, 10}}, {"linear3.bias", {10}}},
                  batch),
          hidden1_(size_t(batch) * SIZES[1]), hidden2_(size_t(batch) * SIZES[2]),
          hidden1_gradient_(size_t(batch) * SIZES[1]), hidden2_gradient_(size_t(batch) * SIZES[2]) {}

  protected:
    void forward(int images) override {
        float *values[] = {x_.get(), hidden1_.get(), hidden2_.get(), logits_.get()};
        for (int layer = 0; layer < LAYERS; layer++) {
            launch_linear_forward(values[layer], value(2 * layer), value(2 * layer + 1), values[layer + 1], images,
                                  SIZES[layer], SIZES[layer + 1]);
            if (layer + 1 < LAYERS) launch_relu_forward(values[layer + 1], images * SIZES[layer + 1]);
        }
    }

    void backward(int images) override {
        float *values[] = {x_.get(), hidden1_.get(), hidden2_.get()};
        float *gradients[] = {nullptr, hidden1_gradient_.get(), hidden2_gradient_.get(), logits_gradient_.get()};
        for (int layer = LAYERS - 1; layer >= 0; layer--) {
            launch_linear_backward(values[layer], value(2 * layer), gradients[layer + 1], gradients[layer],
                                   gradient(2 * layer), gradient(2 * layer + 1), images, SIZES[layer], SIZES[layer + 1]);
            if (layer > 0) launch_relu_backward(values[layer], gradients[layer], images * SIZES[layer]);
        }
    }

    void update(int epoch) override {
        float rate = RATE;
        for (int i = 0; i < epoch; i++) rate *= RATE_DECAY;
        for (Parameter &parameter : parameters_) {
            int count = parameter.value.size();
            sgd_update<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(parameter.value.get(),
                                                                            parameter.gradient.get(), rate, count);
            CHECK_LAUNCH();
        }
    }

    bool has_state() const override { return false; }

  private:
    DeviceArray<float> hidden1_, hidden2_, hidden1_gradient_, hidden2_gradient_;
};

} // namespace

int main(int argc, char **argv) { return run_program<Mlp>(argc, argv, TRAIN_BATCH, TEST_BATCH); }
