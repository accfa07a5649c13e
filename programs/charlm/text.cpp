// Shows the texts of grammar.hpp, and how far counting gets with them.
//
//     text NUMBER CHARACTERS     the beginning of a text (an epoch's number, from 0; `test` for the held-out text)
//     text baselines EPOCHS      characters of the test that counting over the texts of so many epochs foresees
#include "grammar.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace {

constexpr size_t EPOCH = 1024 * 128, TEST = 128 * 128; // characters, as in charlm.cu

// The share of the test's characters that the longest known context of up to `order` - 1 characters foresees, percent.
double foreseen(const std::vector<std::string> &texts, const std::string &test, size_t order) {
    std::vector<std::map<std::string, std::map<char, int>>> counts(order);
    for (const std::string &text : texts) {
        for (size_t context = 0; context < order; context++) {
            for (size_t i = context; i < text.size(); i++) counts[context][text.substr(i - context, context)][text[i]]++;
        }
    }
    int correct = 0;
    for (size_t i = 1; i < test.size(); i++) {
        size_t context = std::min(i, order - 1);
        while (context > 0 && counts[context].count(test.substr(i - context, context)) == 0) context--;
        const std::map<char, int> &next = counts[context][test.substr(i - context, context)];
        auto best = std::max_element(next.begin(), next.end(), [](auto &a, auto &b) { return a.second < b.second; });
        correct += best->first == test[i];
    }
    return 100.0 * correct / double(test.size() - 1);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s NUMBER|test CHARACTERS\n       %s baselines EPOCHS\n", argv[0], argv[0]);
        return 64;
    }
    size_t amount = strtoul(argv[2], nullptr, 10);
    if (strcmp(argv[1], "baselines") != 0) {
        uint64_t number = strcmp(argv[1], "test") == 0 ? TEST_TEXT : strtoul(argv[1], nullptr, 10);
        fputs(Grammar(number).text(amount).c_str(), stdout);
        return 0;
    }
    std::vector<std::string> texts;
    for (size_t epoch = 0; epoch < amount; epoch++) texts.push_back(Grammar(epoch).text(EPOCH));
    std::string test = Grammar(TEST_TEXT).text(TEST + 1);
    for (size_t order : {1, 2, 3, 5, 8}) printf("%zu-gram  %.2f%%\n", order, foreseen(texts, test, order));
    return 0;
}
