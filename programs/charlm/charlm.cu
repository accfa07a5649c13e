// A character-level language model: a transformer that reads 128 characters and says after each which comes next.
//
//     embedding of character + place           64 channels
//     2 layers of: RMS norm, causal attention (4 heads of 16), added to what came in
//                  RMS norm, linear 256, GELU, linear 64, added to what came in
//     RMS norm, linear 64 (one logit for each character), softmax
//
// Trained with Adam on text of ../charlm/grammar.hpp, fresh in every epoch; tested on text that training never sees.
// Kernels: transformer.cuh here, linear layers and loss in ../common/linear.cuh; usage is in ../common/program.hpp.

#include "../common/model.hpp"
#include "../common/program.hpp"
#include "grammar.hpp"
#include "transformer.cuh"

#include <algorithm>
#include <cmath>
#include <string>

namespace {

constexpr int LENGTH = 128;   // characters of a sequence
constexpr int HEADS = 4, SIZE = 16, WIDTH = HEADS * SIZE, HIDDEN = 256;
constexpr int LAYERS = 2;
constexpr int TRAIN_BATCH = 8;        // sequences per step
constexpr int TRAIN_SEQUENCES = 1024; // sequences per epoch
constexpr int TEST_BATCH = 32;        // sequences per launch
constexpr int TEST_SEQUENCES = 128;   // sequences of the held-out text
constexpr float RATE = 0.003f;        // learning rate of the first epoch
constexpr float RATE_DECAY = 0.99f;   // and its factor per epoch

// Indices of the parameters; those of a layer begin at LAYER + its number * LAYER_PARAMETERS.
enum { CHARACTER, PLACE, NORM, W_HEAD, B_HEAD, LAYER };
enum { NORM1, W_QKV, B_QKV, W_OUT, B_OUT, NORM2, W_UP, B_UP, W_DOWN, B_DOWN, LAYER_PARAMETERS };

std::vector<TensorShape> tensor_shapes() {
    std::vector<TensorShape> shapes = {{"character", {VOCABULARY, WIDTH}}, {"place", {LENGTH, WIDTH}}, {"norm", {WIDTH}},
                                       {"head.weight", {WIDTH, VOCABULARY}}, {"head.bias", {VOCABULARY}}};
    static const char *const names[LAYERS][LAYER_PARAMETERS] = {
        {"1.norm1", "1.qkv.weight", "1.qkv.bias", "1.out.weight", "1.out.bias", "1.norm2", "1.up.weight", "1.up.bias",
         "1.down.weight", "1.down.bias"},
        {"2.norm1", "2.qkv.weight", "2.qkv.bias", "2.out.weight", "2.out.bias", "2.norm2", "2.up.weight", "2.up.bias",
         "2.down.weight", "2.down.bias"}};
    static const std::vector<uint32_t> dims[LAYER_PARAMETERS] = {
        {WIDTH}, {WIDTH, 3 * WIDTH}, {3 * WIDTH}, {WIDTH, WIDTH}, {WIDTH}, {WIDTH}, {WIDTH, HIDDEN}, {HIDDEN},
        {HIDDEN, WIDTH}, {WIDTH}};
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < LAYER_PARAMETERS; i++) shapes.push_back({names[layer][i], dims[i]});
    }
    return shapes;
}

// What a layer computes for a batch, kept for the backward pass.
struct LayerValues {
    DeviceArray<float> scale1, normed1, qkv, weights, mixed, out, middle; // middle: between attention and linear layers
    DeviceArray<float> scale2, normed2, up, hidden, down, after;

    explicit LayerValues(int sequences)
        : scale1(tokens(sequences)), normed1(tokens(sequences) * WIDTH), qkv(tokens(sequences) * 3 * WIDTH),
          weights(tokens(sequences) * HEADS * LENGTH), mixed(tokens(sequences) * WIDTH), out(tokens(sequences) * WIDTH),
          middle(tokens(sequences) * WIDTH), scale2(tokens(sequences)), normed2(tokens(sequences) * WIDTH),
          up(tokens(sequences) * HIDDEN), hidden(tokens(sequences) * HIDDEN), down(tokens(sequences) * WIDTH),
          after(tokens(sequences) * WIDTH) {}

    static size_t tokens(int sequences) { return size_t(sequences) * LENGTH; }
};

class Charlm : public Model {
  public:
    explicit Charlm(int sequences)
        : Model(tensor_shapes()), batch_size_(sequences), characters_(tokens()), next_(tokens()), predicted_(tokens()),
          embedded_(tokens() * WIDTH), scale_(tokens()), normed_(tokens() * WIDTH), logits_(tokens() * VOCABULARY),
          logits_gradient_(tokens() * VOCABULARY), losses_(tokens()), gradient_(tokens() * WIDTH),
          branch_gradient_(tokens() * WIDTH), hidden_gradient_(tokens() * HIDDEN), qkv_gradient_(tokens() * 3 * WIDTH),
          weights_gradient_(tokens() * HEADS * LENGTH), dot_(tokens()) {
        for (int layer = 0; layer < LAYERS; layer++) layers_.emplace_back(sequences);
    }

    void train(int sequences, int start_epoch, int end_epoch) {
        epochs_ = uint32_t(start_epoch);
        int batches = blocks_for(sequences, batch_size_);
        for (int epoch = start_epoch; epoch < end_epoch; epoch++) {
            std::vector<int> text = encoded_text(uint64_t(epoch), size_t(sequences) * LENGTH + 1);
            double rate = RATE, epoch_loss = 0.0, running_loss = 0.0;
            for (int i = 0; i < epoch; i++) rate *= RATE_DECAY;
            int running = 0;
            for (int batch = 0; batch < batches; batch++) {
                Batch shape = upload_batch(text, batch * batch_size_, sequences);
                forward(shape);
                backward(shape);
                steps_++;
                adam_step(rate);
                for (float loss : losses_.download(size_t(shape.tokens()))) {
                    epoch_loss += loss;
                    running_loss += loss;
                    running++;
                }
                if ((batch + 1) % 32 == 0 && batch + 1 < batches) {
                    printf("epoch %d batch %d/%d loss %.4f\n", epoch + 1, batch + 1, batches, running_loss / running);
                    fflush(stdout);
                    running_loss = 0.0;
                    running = 0;
                }
            }
            epochs_ = uint32_t(epoch + 1);
            printf("epoch %d loss %.4f\n", epoch + 1, epoch_loss / (double(sequences) * LENGTH));
            fflush(stdout);
        }
    }

    // Over the first sequences of the held-out text: for each character '1' if it is foreseen, else '0', and the sum of the
    // losses in nats.
    void test(int sequences, std::string &answers, double &loss) {
        std::vector<int> text = encoded_text(TEST_TEXT, size_t(sequences) * LENGTH + 1);
        answers.clear();
        loss = 0.0;
        for (int first = 0; first < sequences; first += batch_size_) {
            Batch shape = upload_batch(text, first, sequences);
            forward(shape);
            launch_predict_class(logits_.get(), predicted_.get(), shape.tokens(), VOCABULARY);
            std::vector<int> predicted = predicted_.download(size_t(shape.tokens()));
            std::vector<float> losses = losses_.download(size_t(shape.tokens()));
            for (int i = 0; i < shape.tokens(); i++) {
                bool right = predicted[size_t(i)] == text[size_t(first) * LENGTH + size_t(i) + 1];
                answers += right ? '1' : '0';
                loss += losses[size_t(i)];
            }
        }
    }

  protected:
    bool has_state() const override { return true; }

  private:
    size_t tokens() const { return size_t(batch_size_) * LENGTH; }
    float *of(int layer, int parameter) const { return value(LAYER + layer * LAYER_PARAMETERS + parameter); }
    float *gradient_of(int layer, int parameter) const { return gradient(LAYER + layer * LAYER_PARAMETERS + parameter); }

    // Sequences from the `first` on, `sequences` in all: each character, and the one behind it.
    Batch upload_batch(const std::vector<int> &text, int first, int sequences) {
        int size = sequences - first < batch_size_ ? sequences - first : batch_size_;
        auto begin = text.begin() + long(first) * LENGTH, end = begin + long(size) * LENGTH;
        characters_.upload(std::vector<int>(begin, end));
        next_.upload(std::vector<int>(begin + 1, end + 1));
        return {size, LENGTH, HEADS, SIZE};
    }

    // From characters_ to logits_, losses_ and logits_gradient_.
    void forward(const Batch &shape) {
        int tokens = shape.tokens();
        launch_embed_forward(characters_.get(), value(CHARACTER), value(PLACE), embedded_.get(), shape);
        const float *x = embedded_.get();
        for (int i = 0; i < LAYERS; i++) {
            LayerValues &layer = layers_[i];
            launch_norm_forward(x, layer.scale1.get(), of(i, NORM1), layer.normed1.get(), shape);
            launch_linear_forward(layer.normed1.get(), of(i, W_QKV), of(i, B_QKV), layer.qkv.get(), tokens, WIDTH, 3 * WIDTH);
            launch_attention_forward(layer.qkv.get(), layer.weights.get(), layer.mixed.get(), shape);
            launch_linear_forward(layer.mixed.get(), of(i, W_OUT), of(i, B_OUT), layer.out.get(), tokens, WIDTH, WIDTH);
            launch_add_forward(x, layer.out.get(), layer.middle.get(), tokens * WIDTH);

            launch_norm_forward(layer.middle.get(), layer.scale2.get(), of(i, NORM2), layer.normed2.get(), shape);
            launch_linear_forward(layer.normed2.get(), of(i, W_UP), of(i, B_UP), layer.up.get(), tokens, WIDTH, HIDDEN);
            launch_gelu_forward(layer.up.get(), layer.hidden.get(), tokens * HIDDEN);
            launch_linear_forward(layer.hidden.get(), of(i, W_DOWN), of(i, B_DOWN), layer.down.get(), tokens, HIDDEN, WIDTH);
            launch_add_forward(layer.middle.get(), layer.down.get(), layer.after.get(), tokens * WIDTH);
            x = layer.after.get();
        }
        launch_norm_forward(x, scale_.get(), value(NORM), normed_.get(), shape);
        launch_linear_forward(normed_.get(), value(W_HEAD), value(B_HEAD), logits_.get(), tokens, WIDTH, VOCABULARY);
        launch_softmax_cross_entropy(logits_.get(), next_.get(), losses_.get(), logits_gradient_.get(), tokens, VOCABULARY);
    }

    // From logits_gradient_ to the gradient of every parameter. gradient_ is that of the stream of values that the layers
    // add to, branch_gradient_ that of what comes out of, or goes into, a branch.
    void backward(const Batch &shape) {
        int tokens = shape.tokens();
        float *stream = gradient_.get(), *branch = branch_gradient_.get(), *hidden = hidden_gradient_.get();
        launch_linear_backward(normed_.get(), value(W_HEAD), logits_gradient_.get(), branch, gradient(W_HEAD),
                               gradient(B_HEAD), tokens, WIDTH, VOCABULARY);
        CHECK(cudaMemset(stream, 0, size_t(tokens) * WIDTH * sizeof(float)));
        launch_norm_backward(layers_[LAYERS - 1].after.get(), scale_.get(), value(NORM), branch, dot_.get(), stream,
                             gradient(NORM), shape);
        for (int i = LAYERS - 1; i >= 0; i--) {
            LayerValues &layer = layers_[i];
            const float *x = i > 0 ? layers_[i - 1].after.get() : embedded_.get();
            launch_linear_backward(layer.hidden.get(), of(i, W_DOWN), stream, hidden, gradient_of(i, W_DOWN),
                                   gradient_of(i, B_DOWN), tokens, HIDDEN, WIDTH);
            launch_gelu_backward(layer.up.get(), hidden, tokens * HIDDEN);
            launch_linear_backward(layer.normed2.get(), of(i, W_UP), hidden, branch, gradient_of(i, W_UP),
                                   gradient_of(i, B_UP), tokens, WIDTH, HIDDEN);
            launch_norm_backward(layer.middle.get(), layer.scale2.get(), of(i, NORM2), branch, dot_.get(), stream,
                                 gradient_of(i, NORM2), shape);

            launch_linear_backward(layer.mixed.get(), of(i, W_OUT), stream, branch, gradient_of(i, W_OUT),
                                   gradient_of(i, B_OUT), tokens, WIDTH, WIDTH);
            launch_attention_backward(layer.qkv.get(), layer.weights.get(), branch, weights_gradient_.get(),
                                      qkv_gradient_.get(), shape);
            launch_linear_backward(layer.normed1.get(), of(i, W_QKV), qkv_gradient_.get(), branch, gradient_of(i, W_QKV),
                                   gradient_of(i, B_QKV), tokens, WIDTH, 3 * WIDTH);
            launch_norm_backward(x, layer.scale1.get(), of(i, NORM1), branch, dot_.get(), stream, gradient_of(i, NORM1),
                                 shape);
        }
        launch_embed_backward(characters_.get(), stream, gradient(CHARACTER), gradient(PLACE), VOCABULARY, shape);
    }

    int batch_size_; // sequences
    DeviceArray<int> characters_, next_, predicted_;
    DeviceArray<float> embedded_, scale_, normed_, logits_, logits_gradient_, losses_;
    DeviceArray<float> gradient_, branch_gradient_, hidden_gradient_, qkv_gradient_, weights_gradient_, dot_;
    std::vector<LayerValues> layers_;
};

} // namespace

int main(int argc, char **argv) {
    Command command = parse_command(argc, argv);
    if (command.mode == Command::Test) {
        int sequences = image_limit(argv[0], "VERNIER_TEST_IMAGES", TEST_SEQUENCES);
        std::string answers;
        double loss;
        Charlm network(TEST_BATCH);
        network.load(command.weights_in, false);
        network.test(sequences, answers, loss);
        int characters = sequences * LENGTH;
        int correct = int(std::count(answers.begin(), answers.end(), '1'));
        printf("correct: %d / %d\n", correct, characters);
        printf("loss: %.4f (%.4f bits per character)\n", loss / characters, loss / characters / std::log(2.0));
        printf("accuracy: %.2f%%\n", 100.0 * correct / characters);
        write_answers(answers);
        return 0;
    }
    int sequences = image_limit(argv[0], "VERNIER_TRAIN_IMAGES", TRAIN_SEQUENCES);
    check_writable(command.weights_out);
    Charlm network(TRAIN_BATCH);
    if (command.weights_in.empty()) {
        network.start_from_seed();
    } else {
        network.load(command.weights_in, true);
        network.check_epoch(command.weights_in, command.start_epoch);
    }
    network.train(sequences, command.start_epoch, command.end_epoch);
    network.save(command.weights_out);
    return 0;
}
