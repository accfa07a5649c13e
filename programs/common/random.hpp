// A small random number generator, the same on every platform, for initial weights and for shuffling.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // Uniform over [-1, 1), 24 bits: exact in binary32.
    float symmetric() { return static_cast<float>(static_cast<int64_t>(next() >> 40) - (1 << 23)) / (1 << 23); }

    // Uniform over 0 .. bound - 1.
    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(((next() >> 32) * bound) >> 32); }

  private:
    uint64_t state_;
};

// Weights before training: uniform with variance 2 / fan_in (He et al., Delving Deep into Rectifiers, 2015).
inline void initialise(std::vector<float> &weights, int fan_in, Random &random) {
    float bound = std::sqrt(6.0f / static_cast<float>(fan_in));
    for (float &weight : weights) weight = bound * random.symmetric();
}

// The order in which an epoch visits `count` images: depends on the epoch's number only.
inline std::vector<int> epoch_order(int count, int epoch) {
    Random random(0x5eed0000u + static_cast<uint64_t>(epoch));
    std::vector<int> order(count);
    for (int i = 0; i < count; i++) order[i] = i;
    for (int i = count - 1; i > 0; i--) std::swap(order[i], order[random.below(i + 1)]);
    return order;
}
