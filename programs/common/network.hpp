// What a network's training and testing have in common: device arrays, batches, the epoch loop, accuracy.
//
// A program derives from Network, names its tensors, and says what a forward pass, a backward pass and an update are.
#pragma once

#include "linear.cuh"
#include "mnist.hpp"
#include "program.hpp"
#include "random.hpp"
#include "weights.hpp"

#include <string>
#include <vector>

// An array of T on the device, freed with its owner.
template <typename T> class DeviceArray {
  public:
    explicit DeviceArray(size_t count) : count_(count) { CHECK(cudaMalloc(&data_, count * sizeof(T))); }
    ~DeviceArray() { cudaFree(data_); }
    DeviceArray(const DeviceArray &) = delete;
    DeviceArray &operator=(const DeviceArray &) = delete;
    DeviceArray(DeviceArray &&other) : data_(other.data_), count_(other.count_) { other.data_ = nullptr; }

    T *get() const { return data_; }
    int size() const { return static_cast<int>(count_); }
    void upload(const std::vector<T> &values) {
        CHECK(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    }
    std::vector<T> download(size_t count) const {
        std::vector<T> values(count);
        CHECK(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }

  private:
    T *data_ = nullptr;
    size_t count_;
};

// A weight tensor with its gradient and the optimiser's two moments.
struct Parameter {
    DeviceArray<float> value, gradient, first, second;
    explicit Parameter(size_t count) : value(count), gradient(count), first(count), second(count) {}
};

class Network {
  public:
    Network(std::vector<TensorShape> shapes, int batch_size)
        : shapes_(std::move(shapes)), batch_size_(batch_size), x_(size_t(batch_size) * IMAGE_PIXELS),
          labels_(batch_size), logits_(size_t(batch_size) * CLASSES), logits_gradient_(size_t(batch_size) * CLASSES),
          losses_(batch_size), predicted_(batch_size) {
        for (const TensorShape &shape : shapes_) parameters_.emplace_back(shape.size());
    }
    virtual ~Network() {}

    // Fixed seed: the same start on every machine. Biases (rank 1) are zero.
    void start_from_seed() {
        Random random(20240229);
        Weights weights;
        weights.sets.resize(3);
        for (const TensorShape &shape : shapes_) {
            std::vector<float> zeros(shape.size(), 0.0f), values = zeros;
            if (shape.dims.size() > 1) initialise(values, fan_in(shape), random);
            weights.sets[0].push_back(values);
            weights.sets[1].push_back(zeros);
            weights.sets[2].push_back(zeros);
        }
        upload(weights);
    }

    void load(const std::string &path, bool for_training) {
        upload(load_weights(path, shapes_, for_training && has_state()));
    }

    int epochs_seen() const { return int(epochs_); }

    void train(const Images &images, int count, int start_epoch, int end_epoch) {
        epochs_ = uint32_t(start_epoch);
        int batches = (count + batch_size_ - 1) / batch_size_;
        for (int epoch = start_epoch; epoch < end_epoch; epoch++) {
            std::vector<int> order = epoch_order(count, epoch);
            double epoch_loss = 0.0, running_loss = 0.0;
            int running = 0;
            for (int batch = 0; batch < batches; batch++) {
                int first = batch * batch_size_;
                int size = count - first < batch_size_ ? count - first : batch_size_;
                upload_batch(images, &order[first], size);
                forward(size);
                launch_softmax_cross_entropy(logits_.get(), labels_.get(), losses_.get(), logits_gradient_.get(), size,
                                             CLASSES);
                backward(size);
                steps_++;
                update(epoch);
                for (float loss : losses_.download(size)) {
                    epoch_loss += loss;
                    running_loss += loss;
                    running++;
                }
                if ((batch + 1) % 100 == 0 && batch + 1 < batches) {
                    printf("epoch %d batch %d/%d loss %.4f\n", epoch + 1, batch + 1, batches, running_loss / running);
                    fflush(stdout);
                    running_loss = 0.0;
                    running = 0;
                }
            }
            epochs_ = uint32_t(epoch + 1);
            printf("epoch %d loss %.4f\n", epoch + 1, epoch_loss / count);
            fflush(stdout);
        }
    }

    void save(const std::string &path) const {
        Weights weights;
        weights.epochs = epochs_;
        weights.steps = steps_;
        weights.sets.resize(has_state() ? 3 : 1);
        for (const Parameter &parameter : parameters_) {
            const DeviceArray<float> *arrays[] = {&parameter.value, &parameter.first, &parameter.second};
            for (size_t set = 0; set < weights.sets.size(); set++) {
                weights.sets[set].push_back(arrays[set]->download(arrays[set]->size()));
            }
        }
        save_weights(path, shapes_, weights);
    }

    // The number of the first `count` images whose digit is found.
    int test(const Images &images, int count) {
        int correct = 0;
        for (int first = 0; first < count; first += batch_size_) {
            int size = count - first < batch_size_ ? count - first : batch_size_;
            std::vector<int> order(size);
            for (int i = 0; i < size; i++) order[i] = first + i;
            upload_batch(images, order.data(), size);
            forward(size);
            launch_predict_class(logits_.get(), predicted_.get(), size, CLASSES);
            std::vector<int> predicted = predicted_.download(size);
            for (int i = 0; i < size; i++) correct += predicted[i] == images.labels[first + i];
        }
        return correct;
    }

  protected:
    // From x_ (images x 784) to logits_ (images x 10).
    virtual void forward(int images) = 0;
    // From logits_gradient_ to the gradient of every parameter.
    virtual void backward(int images) = 0;
    // One step of the optimiser.
    virtual void update(int epoch) = 0;
    // Does the optimiser keep moments between steps?
    virtual bool has_state() const = 0;

    float *value(int i) const { return parameters_[i].value.get(); }
    float *gradient(int i) const { return parameters_[i].gradient.get(); }

    std::vector<TensorShape> shapes_;
    std::vector<Parameter> parameters_;
    int batch_size_;
    uint32_t epochs_ = 0;
    uint64_t steps_ = 0;
    DeviceArray<float> x_;
    DeviceArray<int> labels_;
    DeviceArray<float> logits_, logits_gradient_, losses_;
    DeviceArray<int> predicted_;

  private:
    // Linear weights are [inputs][outputs], convolutions [outputs][inputs][rows][columns].
    static int fan_in(const TensorShape &shape) {
        return shape.dims.size() == 2 ? int(shape.dims[0]) : int(shape.dims[1] * shape.dims[2] * shape.dims[3]);
    }

    void upload(const Weights &weights) {
        epochs_ = weights.epochs;
        steps_ = weights.steps;
        for (size_t i = 0; i < parameters_.size(); i++) {
            DeviceArray<float> *arrays[] = {&parameters_[i].value, &parameters_[i].first, &parameters_[i].second};
            for (size_t set = 0; set < weights.sets.size(); set++) arrays[set]->upload(weights.sets[set][i]);
        }
    }

    void upload_batch(const Images &images, const int *order, int size) {
        std::vector<float> x(size_t(size) * IMAGE_PIXELS);
        std::vector<int> labels(size);
        for (int i = 0; i < size; i++) {
            images.copy_scaled(order[i], &x[size_t(i) * IMAGE_PIXELS]);
            labels[i] = images.labels[order[i]];
        }
        x_.upload(x);
        labels_.upload(labels);
    }
};

// The whole program: reads the command line, trains or tests. `Net` is made for a batch size.
template <typename Net> int run_program(int argc, char **argv, int train_batch, int test_batch) {
    Command command = parse_command(argc, argv);
    if (command.mode == Command::Test) {
        int limit = image_limit(argv[0], "VERNIER_TEST_IMAGES", 1000000);
        Net network(test_batch);
        network.load(command.weights_in, false);
        Images images = load_test_set();
        int count = limit < images.count ? limit : images.count;
        int correct = network.test(images, count);
        printf("correct: %d / %d\n", correct, count);
        printf("accuracy: %.2f%%\n", 100.0 * correct / count);
        return 0;
    }
    int limit = image_limit(argv[0], "VERNIER_TRAIN_IMAGES", 1000000);
    check_writable(command.weights_out);
    Net network(train_batch);
    if (command.weights_in.empty()) {
        network.start_from_seed();
    } else {
        network.load(command.weights_in, true);
        if (network.epochs_seen() != command.start_epoch) {
            fprintf(stderr, "note: %s has seen %d epochs, START_EPOCH says %d: order and rate follow START_EPOCH\n",
                    command.weights_in.c_str(), network.epochs_seen(), command.start_epoch);
        }
    }
    Images images = load_training_set();
    network.train(images, limit < images.count ? limit : images.count, command.start_epoch, command.end_epoch);
    network.save(command.weights_out);
    return 0;
}
