// What every trained network has: device arrays, named tensors with gradients, weights files, the optimiser's state.
#pragma once

#include "linear.cuh"
#include "random.hpp"
#include "weights.hpp"

#include <cmath>
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

class Model {
  public:
    explicit Model(std::vector<TensorShape> shapes) : shapes_(std::move(shapes)) {
        for (const TensorShape &shape : shapes_) parameters_.emplace_back(shape.size());
    }
    virtual ~Model() {}

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

    // Says so when weights are trained on from another epoch than they have seen.
    void check_epoch(const std::string &path, int start_epoch) const {
        if (epochs_seen() != start_epoch) {
            fprintf(stderr, "note: %s has seen %d epochs, START_EPOCH says %d: order and rate follow START_EPOCH\n",
                    path.c_str(), epochs_seen(), start_epoch);
        }
    }

  protected:
    // Does the optimiser keep moments between steps?
    virtual bool has_state() const = 0;

    float *value(int i) const { return parameters_[i].value.get(); }
    float *gradient(int i) const { return parameters_[i].gradient.get(); }

    // One step of Adam, the steps_th; `rate` is the learning rate.
    void adam_step(double rate) {
        double power1 = 1.0, power2 = 1.0;
        for (uint64_t i = 0; i < steps_; i++) {
            power1 *= ADAM_BETA1;
            power2 *= ADAM_BETA2;
        }
        float step_rate = float(rate * std::sqrt(1.0 - power2) / (1.0 - power1));
        for (Parameter &parameter : parameters_) {
            int count = parameter.value.size();
            adam_update<<<blocks_for(count, ELEMENT_BLOCK), ELEMENT_BLOCK>>>(
                parameter.value.get(), parameter.gradient.get(), parameter.first.get(), parameter.second.get(), step_rate,
                count);
            CHECK_LAUNCH();
        }
    }

    std::vector<TensorShape> shapes_;
    std::vector<Parameter> parameters_;
    uint32_t epochs_ = 0;
    uint64_t steps_ = 0;

  private:
    static constexpr double ADAM_BETA1 = 0.9, ADAM_BETA2 = 0.999; // as in adam_update

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
};
