// Weights files: every weight of a network, and the optimiser's state when training may go on from it.
//
// The format (all integers and floats little-endian):
//
//     offset  bytes
//     0       8     magic "VWEIGHT1"
//     8       4     encoding of the values: 0 = binary32, 1 = binary16
//     12      4     epochs the weights have seen
//     16      8     optimiser steps taken
//     24      4     t, number of tensors
//     28      4     s, number of sets of values: 1 = the weights, 3 = the weights, Adam's first and second moments
//     32      8     FNV-1a (64 bit) of all bytes from offset 40 on
//     40      36 t  per tensor: name (16 bytes, zero padded), rank (4), four dimensions (4 each, unused ones 1)
//     ...           the values, set by set, tensor by tensor
//
// Programs write binary32; compact_weights.py rounds a file to binary16 and drops the optimiser's state.
#pragma once

#include "mnist.hpp"
#include "program.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <sys/stat.h>
#include <vector>

// One tensor of a network: what the program expects a file to hold.
struct TensorShape {
    const char *name; // at most 15 characters
    std::vector<uint32_t> dims;

    size_t size() const {
        size_t product = 1;
        for (uint32_t dim : dims) product *= dim;
        return product;
    }
};

// The content of a weights file. sets[0] are the weights; sets[k][i] belongs to tensor i.
struct Weights {
    uint32_t epochs = 0;
    uint64_t steps = 0;
    std::vector<std::vector<std::vector<float>>> sets;
};

// The binary32 value of a binary16: exact.
inline float half_to_float(uint16_t half) {
    int exponent = half >> 10 & 31, fraction = half & 1023;
    float magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                      : exponent == 0 ? std::ldexp(float(fraction), -24)
                                      : std::ldexp(float(fraction + 1024), exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

constexpr size_t WEIGHTS_HEADER_BYTES = 40;
constexpr size_t TENSOR_ENTRY_BYTES = 36;

inline void append_little_endian(std::vector<uint8_t> &bytes, uint64_t value, int size) {
    for (int i = 0; i < size; i++) bytes.push_back(uint8_t(value >> (8 * i)));
}

// The file that is written and then renamed to `path`, so that a run that is killed leaves the old file whole. What
// is no plain file (/dev/null, a pipe, a link) is written where it is.
inline std::string partial_path(const std::string &path) {
    struct stat status;
    bool special = lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
    return special ? path : path + ".partial";
}

// Before an hour of training: can the file be written at its end?
inline void check_writable(const std::string &path) {
    std::string partial = partial_path(path);
    FILE *out = fopen(partial.c_str(), "ab");
    if (out == nullptr) data_error("%s: cannot write the weights: %s", partial.c_str(), strerror(errno));
    fclose(out);
    if (partial != path) remove(partial.c_str());
}

inline void save_weights(const std::string &path, const std::vector<TensorShape> &shapes, const Weights &weights) {
    std::vector<uint8_t> body;
    for (const TensorShape &shape : shapes) {
        for (size_t i = 0; i < 16; i++) body.push_back(i < strlen(shape.name) ? uint8_t(shape.name[i]) : 0);
        append_little_endian(body, shape.dims.size(), 4);
        for (size_t i = 0; i < 4; i++) append_little_endian(body, i < shape.dims.size() ? shape.dims[i] : 1, 4);
    }
    for (const auto &set : weights.sets) {
        for (const auto &tensor : set) {
            for (float value : tensor) {
                uint32_t bits;
                memcpy(&bits, &value, 4);
                append_little_endian(body, bits, 4);
            }
        }
    }
    std::vector<uint8_t> file = {'V', 'W', 'E', 'I', 'G', 'H', 'T', '1'};
    append_little_endian(file, 0, 4);
    append_little_endian(file, weights.epochs, 4);
    append_little_endian(file, weights.steps, 8);
    append_little_endian(file, shapes.size(), 4);
    append_little_endian(file, weights.sets.size(), 4);
    append_little_endian(file, fnv1a(body.data(), body.size()), 8);
    file.insert(file.end(), body.begin(), body.end());

    std::string partial = partial_path(path);
    FILE *out = fopen(partial.c_str(), "wb");
    if (out == nullptr) data_error("%s: cannot write the weights: %s", partial.c_str(), strerror(errno));
    bool written = fwrite(file.data(), 1, file.size(), out) == file.size();
    int reason = errno;
    if (fclose(out) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (!written) {
        if (partial != path) remove(partial.c_str());
        data_error("%s: cannot write the weights (%zu bytes): %s", partial.c_str(), file.size(), strerror(reason));
    }
    if (partial != path && rename(partial.c_str(), path.c_str()) != 0) {
        reason = errno;
        remove(partial.c_str());
        data_error("%s: cannot put the weights in place: %s", path.c_str(), strerror(reason));
    }
}

// Reads a weights file for the network of these shapes; `want_state` asks for Adam's moments too, which become zero
// (and the steps 0) when the file has none.
inline Weights load_weights(const std::string &path, const std::vector<TensorShape> &shapes, bool want_state) {
    std::vector<uint8_t> file;
    if (!read_file(path, file)) data_error("%s: cannot read the weights: %s", path.c_str(), strerror(errno));
    const char *advice = "A weights file is written by -train; the trained one that comes with this program is weights.bin.";
    if (file.size() < WEIGHTS_HEADER_BYTES || memcmp(file.data(), "VWEIGHT1", 8) != 0) {
        data_error("%s: not a weights file (%zu bytes; expected it to begin with VWEIGHT1)\n  %s", path.c_str(), file.size(),
                   advice);
    }
    uint64_t encoding = little_endian(&file[8], 4), tensors = little_endian(&file[24], 4), sets = little_endian(&file[28], 4);
    if (encoding > 1) data_error("%s: values in encoding %u, known are 0 and 1\n  %s", path.c_str(), unsigned(encoding), advice);
    if (tensors != shapes.size() || (sets != 1 && sets != 3)) {
        data_error("%s: %u tensors in %u sets, this program has %zu tensors in 1 or 3: weights of another network?\n  %s",
                   path.c_str(), unsigned(tensors), unsigned(sets), shapes.size(), advice);
    }
    size_t values = 0, width = encoding == 0 ? 4 : 2;
    for (const TensorShape &shape : shapes) values += shape.size();
    size_t expected = WEIGHTS_HEADER_BYTES + TENSOR_ENTRY_BYTES * shapes.size() + sets * values * width;
    size_t at = WEIGHTS_HEADER_BYTES;
    for (const TensorShape &shape : shapes) {
        if (at + TENSOR_ENTRY_BYTES > file.size()) break;
        std::string name(reinterpret_cast<const char *>(&file[at]), 16);
        bool same = name.c_str() == std::string(shape.name) && little_endian(&file[at + 16], 4) == shape.dims.size();
        for (size_t i = 0; i < 4; i++) {
            same = same && little_endian(&file[at + 20 + 4 * i], 4) == (i < shape.dims.size() ? shape.dims[i] : 1);
        }
        if (!same) {
            data_error("%s: tensor '%s' stands where this program expects '%s' of %zu values: weights of another network?\n  %s",
                       path.c_str(), name.c_str(), shape.name, shape.size(), advice);
        }
        at += TENSOR_ENTRY_BYTES;
    }
    if (file.size() != expected) {
        data_error("%s: %zu bytes, expected %zu: truncated or damaged\n  %s", path.c_str(), file.size(), expected, advice);
    }
    if (fnv1a(&file[WEIGHTS_HEADER_BYTES], file.size() - WEIGHTS_HEADER_BYTES) != little_endian(&file[32], 8)) {
        data_error("%s: damaged (its checksum differs)\n  %s", path.c_str(), advice);
    }
    Weights weights;
    weights.epochs = uint32_t(little_endian(&file[12], 4));
    weights.steps = sets == 3 || !want_state ? little_endian(&file[16], 8) : 0;
    weights.sets.resize(want_state ? 3 : 1);
    for (size_t set = 0; set < weights.sets.size(); set++) {
        for (const TensorShape &shape : shapes) {
            std::vector<float> tensor(shape.size(), 0.0f);
            for (float &value : tensor) {
                if (set >= sets) break;
                uint32_t bits = uint32_t(little_endian(&file[at], int(width)));
                if (encoding == 1) value = half_to_float(uint16_t(bits));
                else memcpy(&value, &bits, 4);
                at += width;
            }
            weights.sets[set].push_back(tensor);
        }
    }
    return weights;
}
