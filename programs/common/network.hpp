// What training and testing of an image classifier have in common: batches, the epoch loop, accuracy.
//
// A program derives from Network, names its tensors, and says what a forward pass, a backward pass and an update are.
#pragma once

#include "mnist.hpp"
#include "model.hpp"
#include "program.hpp"

#include <algorithm>
#include <string>
#include <vector>

class Network : public Model {
  public:
    Network(std::vector<TensorShape> shapes, int batch_size)
        : Model(std::move(shapes)), batch_size_(batch_size), x_(size_t(batch_size) * IMAGE_PIXELS),
          labels_(batch_size), logits_(size_t(batch_size) * CLASSES), logits_gradient_(size_t(batch_size) * CLASSES),
          losses_(batch_size), predicted_(batch_size) {}

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

    // For each of the first `count` images: '1' if its digit is found, else '0'.
    std::string test(const Images &images, int count) {
        std::string answers;
        for (int first = 0; first < count; first += batch_size_) {
            int size = count - first < batch_size_ ? count - first : batch_size_;
            std::vector<int> order(size);
            for (int i = 0; i < size; i++) order[i] = first + i;
            upload_batch(images, order.data(), size);
            forward(size);
            launch_predict_class(logits_.get(), predicted_.get(), size, CLASSES);
            std::vector<int> predicted = predicted_.download(size);
            for (int i = 0; i < size; i++) answers += predicted[i] == images.labels[first + i] ? '1' : '0';
        }
        return answers;
    }

  protected:
    // From x_ (images x 784) to logits_ (images x 10).
    virtual void forward(int images) = 0;
    // From logits_gradient_ to the gradient of every parameter.
    virtual void backward(int images) = 0;
    // One step of the optimiser.
    virtual void update(int epoch) = 0;

    int batch_size_;
    DeviceArray<float> x_;
    DeviceArray<int> labels_;
    DeviceArray<float> logits_, logits_gradient_, losses_;
    DeviceArray<int> predicted_;

  private:
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
        std::string answers = network.test(images, count);
        int correct = int(std::count(answers.begin(), answers.end(), '1'));
        printf("correct: %d / %d\n", correct, count);
        printf("accuracy: %.2f%%\n", 100.0 * correct / count);
        write_answers(answers);
        return 0;
    }
    int limit = image_limit(argv[0], "VERNIER_TRAIN_IMAGES", 1000000);
    check_writable(command.weights_out);
    Net network(train_batch);
    if (command.weights_in.empty()) {
        network.start_from_seed();
    } else {
        network.load(command.weights_in, true);
        network.check_epoch(command.weights_in, command.start_epoch);
    }
    Images images = load_training_set();
    network.train(images, limit < images.count ? limit : images.count, command.start_epoch, command.end_epoch);
    network.save(command.weights_out);
    return 0;
}
