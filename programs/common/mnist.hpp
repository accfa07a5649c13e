// MNIST: the packed test set that lies in programs/data, and the training set from idx files.
//
// Where the files are looked for:
//   packed test set: $VERNIER_DATA_DIR, else data/ beside the program's own folder, else ./data
//   training set:    $VERNIER_MNIST_DIR, else mnist/ in the same places
#pragma once

#include "program.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

constexpr int IMAGE_ROWS = 28;
constexpr int IMAGE_COLS = 28;
constexpr int IMAGE_PIXELS = IMAGE_ROWS * IMAGE_COLS;
constexpr int CLASSES = 10;

struct Images {
    int count = 0;
    std::vector<uint8_t> pixels; // count * IMAGE_PIXELS, 0 = background .. 255
    std::vector<uint8_t> labels; // count, 0 .. 9

    // Pixels of one image, scaled to [0, 1].
    void copy_scaled(int image, float *out) const {
        const uint8_t *in = &pixels[static_cast<size_t>(image) * IMAGE_PIXELS];
        for (int i = 0; i < IMAGE_PIXELS; i++) out[i] = static_cast<float>(in[i]) / 255.0f;
    }
};

// FNV-1a, 64 bit (Fowler, Noll, Vo).
inline uint64_t fnv1a(const void *data, size_t size, uint64_t hash = 0xcbf29ce484222325u) {
    const uint8_t *bytes = static_cast<const uint8_t *>(data);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

// All bytes of a file; false when it cannot be opened or read (errno says why).
inline bool read_file(const std::string &path, std::vector<uint8_t> &bytes) {
    FILE *file = fopen(path.c_str(), "rb");
    if (file == nullptr) return false;
    uint8_t buffer[65536];
    size_t got;
    bytes.clear();
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) bytes.insert(bytes.end(), buffer, buffer + got);
    bool good = ferror(file) == 0;
    fclose(file);
    return good;
}

inline uint64_t little_endian(const uint8_t *bytes, int size) {
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

inline uint32_t big_endian32(const uint8_t *bytes) {
    return uint32_t(bytes[0]) << 24 | uint32_t(bytes[1]) << 16 | uint32_t(bytes[2]) << 8 | bytes[3];
}

// The folder `data` that belongs to this program.
inline std::string data_folder() {
    if (const char *folder = getenv("VERNIER_DATA_DIR")) return folder;
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        std::string path(self, static_cast<size_t>(length));
        std::string folder = path.substr(0, path.rfind('/')) + "/../data";
        if (access(folder.c_str(), R_OK) == 0) return folder;
    }
    return "data";
}

// Decodes the range-coded pixels of a packed file; the format is described in ../data/pack.py.
inline void unpack_pixels(const uint8_t *in, const uint8_t *in_end, int count, uint8_t *out) {
    constexpr int PITCH = IMAGE_COLS + 3; // two zero columns left of the image, one right of it, two zero rows above
    std::vector<uint32_t> zero(972, 32768), value(8 * 256, 32768); // probability of a 0 bit, in 1/65536
    auto level = [](uint8_t pixel) { return pixel == 0 ? 0 : pixel < 128 ? 1 : 2; };
    auto next = [&]() -> uint32_t { return in < in_end ? *in++ : 0; };
    uint32_t range = 0xffffffffu, code = 0;
    for (int i = 0; i < 5; i++) code = code << 8 | next();
    auto decode = [&](uint32_t &p) {
        uint32_t bound = (range >> 16) * p;
        bool bit = code >= bound;
        if (bit) {
            code -= bound;
            range -= bound;
            p -= p >> 4;
        } else {
            range = bound;
            p += (65536 - p) >> 4;
        }
        for (; range < 1u << 24; range <<= 8) code = code << 8 | next();
        return bit;
    };
    for (int image = 0; image < count; image++) {
        uint8_t padded[PITCH * (IMAGE_ROWS + 2)] = {};
        for (int y = 0; y < IMAGE_ROWS; y++) {
            for (int x = 0; x < IMAGE_COLS; x++) {
                uint8_t *at = padded + (y + 2) * PITCH + x + 2;
                uint8_t west = at[-1], north = at[-PITCH];
                int context = (level(west) * 3 + level(north)) * 3 + level(at[-PITCH - 1]);
                context = (context * 3 + level(at[-PITCH + 1])) * 4 + (at[-2] ? 2 : 0) + (at[-2 * PITCH] ? 1 : 0);
                if (decode(zero[context])) {
                    uint32_t *tree = &value[((west + north) >> 6) << 8];
                    int node = 1;
                    while (node < 256) node = node * 2 + decode(tree[node]);
                    *at = static_cast<uint8_t>(node);
                }
                *out++ = *at;
            }
        }
    }
}

// Keeps bytes in a file that appears whole or not at all. Without it the next run decodes again: failures do not matter.
inline void keep_file(const std::string &path, const std::vector<uint8_t> &bytes) {
    std::string part = path + "." + std::to_string(getpid());
    FILE *file = fopen(part.c_str(), "wb");
    if (file == nullptr) return;
    bool good = fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    good = fclose(file) == 0 && good;
    if (!good || rename(part.c_str(), path.c_str()) != 0) remove(part.c_str());
}

// The 10,000 test images. Decoding them takes longer than testing some hundred: with VERNIER_UNPACKED, a folder, they are
// kept there decoded, under their checksum.
inline Images load_test_set() {
    std::string path = data_folder() + "/t10k.pack";
    std::vector<uint8_t> file;
    if (!read_file(path, file)) {
        data_error("%s: cannot read the packed MNIST test set: %s\n"
                   "  It is part of Vernier (programs/data/t10k.pack): restore it, or name its folder in VERNIER_DATA_DIR.",
                   path.c_str(), strerror(errno));
    }
    constexpr size_t HEADER = 28;
    if (file.size() < HEADER || memcmp(file.data(), "VMNIST01", 8) != 0) {
        data_error("%s: not a packed MNIST file (expected it to begin with VMNIST01)\n"
                   "  Restore programs/data/t10k.pack, or make it anew with programs/data/pack.py.", path.c_str());
    }
    Images images;
    uint32_t count = static_cast<uint32_t>(little_endian(&file[8], 4));
    uint64_t rows = little_endian(&file[12], 4), cols = little_endian(&file[16], 4);
    if (rows != IMAGE_ROWS || cols != IMAGE_COLS || count == 0 || count > 1000000 || file.size() < HEADER + count) {
        data_error("%s: truncated or not 28x28 (%u images of %ux%u announced, %zu bytes in the file)\n"
                   "  Restore programs/data/t10k.pack, or make it anew with programs/data/pack.py.",
                   path.c_str(), count, unsigned(rows), unsigned(cols), file.size());
    }
    images.count = static_cast<int>(count);
    images.labels.assign(file.begin() + HEADER, file.begin() + HEADER + count);
    uint64_t checksum = little_endian(&file[20], 8);
    auto right = [&] {
        uint64_t pixels = fnv1a(images.pixels.data(), images.pixels.size());
        return fnv1a(images.labels.data(), images.labels.size(), pixels) == checksum;
    };
    std::string kept;
    const char *folder = getenv("VERNIER_UNPACKED");
    if (folder != nullptr && *folder != 0) kept = std::string(folder) + "/" + std::to_string(checksum);
    size_t size = size_t(count) * IMAGE_PIXELS;
    if (!kept.empty() && read_file(kept, images.pixels) && images.pixels.size() == size && right()) return images;
    images.pixels.resize(size);
    unpack_pixels(file.data() + HEADER + count, file.data() + file.size(), images.count, images.pixels.data());
    bool whole = right();
    if (whole && !kept.empty()) keep_file(kept, images.pixels);
    if (!whole) {
        data_error("%s: damaged or truncated (the checksum of its %u images differs)\n"
                   "  Restore programs/data/t10k.pack, or make it anew with programs/data/pack.py.", path.c_str(), count);
    }
    return images;
}

// One idx file of the training set: checks magic, sizes and length, and returns the bytes after its header.
inline std::vector<uint8_t> load_idx(const std::string &path, uint32_t magic, std::vector<uint32_t> item, int &count) {
    std::vector<uint8_t> file;
    if (!read_file(path, file)) {
        data_error("%s: cannot read the MNIST training set: %s\n"
                   "  `vernier data mnist` fetches it; or name the folder that holds it in VERNIER_MNIST_DIR.",
                   path.c_str(), strerror(errno));
    }
    size_t header = 8 + 4 * item.size(), item_size = 1;
    const char *advice = "Expected a plain (not gzipped) MNIST idx file: `vernier data mnist` fetches it anew.";
    if (file.size() < header) data_error("%s: only %zu bytes, no idx file\n  %s", path.c_str(), file.size(), advice);
    if (big_endian32(&file[0]) != magic) {
        data_error("%s: begins with 0x%08x, expected 0x%08x\n  %s", path.c_str(), big_endian32(&file[0]), magic, advice);
    }
    for (size_t i = 0; i < item.size(); i++) {
        uint32_t size = big_endian32(&file[8 + 4 * i]);
        if (size != item[i]) data_error("%s: images of size %u, expected %u\n  %s", path.c_str(), size, item[i], advice);
        item_size *= item[i];
    }
    uint32_t items = big_endian32(&file[4]);
    if (items == 0 || items > 10000000 || file.size() != header + items * item_size) {
        data_error("%s: truncated or damaged: %u items announced, that is %zu bytes, but the file has %zu\n  %s",
                   path.c_str(), items, header + items * item_size, file.size(), advice);
    }
    count = static_cast<int>(items);
    file.erase(file.begin(), file.begin() + static_cast<long>(header));
    return file;
}

// The 60,000 training images.
inline Images load_training_set() {
    const char *named = getenv("VERNIER_MNIST_DIR");
    std::string folder = named ? std::string(named) : data_folder() + "/mnist";
    Images images;
    int label_count = 0;
    images.pixels = load_idx(folder + "/train-images-idx3-ubyte", 0x803, {IMAGE_ROWS, IMAGE_COLS}, images.count);
    images.labels = load_idx(folder + "/train-labels-idx1-ubyte", 0x801, {}, label_count);
    if (label_count != images.count) {
        data_error("%s: %d images but %d labels\n  `vernier data mnist` fetches both anew.", folder.c_str(), images.count,
                   label_count);
    }
    for (uint8_t label : images.labels) {
        if (label >= CLASSES) data_error("%s/train-labels-idx1-ubyte: label %u, expected 0 to 9", folder.c_str(), label);
    }
    return images;
}
