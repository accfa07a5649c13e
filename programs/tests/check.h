// What the test programs share: checked CUDA calls, comparison with a CPU result, the verdict.
//
// Each program computes something on the device, the same on the host, and prints `PASS` or `FAIL what`; exit code 0
// or 1. Values that come from approximate instructions are compared within a tolerance, all others exactly.
#pragma once

#include "../common/cuda_check.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

static int failures = 0;

static void fail(const char *what) {
    printf("FAIL %s\n", what);
    failures++;
}

static void expect(bool good, const char *what) {
    if (!good) fail(what);
}

// Prints the verdict; the value is main's.
static int verdict() {
    if (failures == 0) printf("PASS\n");
    return failures == 0 ? 0 : 1;
}

// Device copy of a host vector.
template <typename T> T *to_device(const std::vector<T> &host) {
    T *device = nullptr;
    CHECK(cudaMalloc(&device, host.size() * sizeof(T)));
    CHECK(cudaMemcpy(device, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice));
    return device;
}

template <typename T> std::vector<T> to_host(const T *device, size_t count) {
    std::vector<T> host(count);
    CHECK(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
}

// Exact comparison; NaNs of the reference must be NaNs.
template <typename T> void expect_equal(const std::vector<T> &got, const std::vector<T> &want, const char *what) {
    for (size_t i = 0; i < want.size(); i++) {
        if (got[i] == want[i] || (got[i] != got[i] && want[i] != want[i])) continue;
        printf("%s[%zu] is %.9g, expected %.9g\n", what, i, double(got[i]), double(want[i]));
        fail(what);
        return;
    }
}

// |got - want| <= absolute + relative * |want|
template <typename T>
void expect_near(const std::vector<T> &got, const std::vector<T> &want, double relative, double absolute,
                 const char *what) {
    for (size_t i = 0; i < want.size(); i++) {
        double g = double(got[i]), w = double(want[i]);
        if (g == w || std::fabs(g - w) <= absolute + relative * std::fabs(w) || (g != g && w != w)) continue;
        printf("%s[%zu] is %.9g, expected %.9g\n", what, i, g, w);
        fail(what);
        return;
    }
}

// Reproducible input values.
static uint32_t noise_state = 12345;
static uint32_t noise_bits() {
    noise_state = noise_state * 1664525u + 1013904223u; // Numerical Recipes' generator
    return noise_state ^ (noise_state >> 16);
}
// Uniform over [-1, 1), 16 bits.
static float noise() { return float(int(noise_bits() >> 16) - 32768) / 32768.0f; }
static std::vector<float> noise_vector(size_t count) {
    std::vector<float> values(count);
    for (float &value : values) value = noise();
    return values;
}
