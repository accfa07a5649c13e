// Thrust and CUB: sorting, reductions, scans, with sizes of one block and of many.
#include "check.h"

#include <algorithm>
#include <cub/cub.cuh>
#include <functional>
#include <numeric>
#include <thrust/device_vector.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/unique.h>

// Calls a CUB algorithm twice: for the size of its workspace, then to do the work.
template <typename Call> void cub_call(Call call) {
    size_t bytes = 0;
    CHECK(call(nullptr, bytes));
    void *workspace = nullptr;
    CHECK(cudaMalloc(&workspace, bytes));
    CHECK(call(workspace, bytes));
    CHECK(cudaDeviceSynchronize());
    CHECK(cudaFree(workspace));
}

static std::vector<int> numbers(size_t count, int range) {
    std::vector<int> values(count);
    for (int &value : values) value = int(noise_bits() % unsigned(range)) - range / 2;
    return values;
}

static std::vector<int> host_of(const thrust::device_vector<int> &device) {
    std::vector<int> host(device.size());
    thrust::copy(device.begin(), device.end(), host.begin());
    return host;
}

static void with_thrust(size_t count) {
    std::vector<int> keys = numbers(count, 1000), want = keys;
    thrust::device_vector<int> device(keys.begin(), keys.end());
    expect(thrust::reduce(device.begin(), device.end()) == std::accumulate(keys.begin(), keys.end(), 0), "thrust::reduce");

    thrust::device_vector<int> sums(count);
    thrust::inclusive_scan(device.begin(), device.end(), sums.begin());
    std::partial_sum(keys.begin(), keys.end(), want.begin());
    expect_equal(host_of(sums), want, "thrust::inclusive_scan");

    // Keys with their first places: stable.
    std::vector<int> places(count);
    std::iota(places.begin(), places.end(), 0);
    thrust::device_vector<int> sorted = device, order(places.begin(), places.end());
    thrust::stable_sort_by_key(sorted.begin(), sorted.end(), order.begin(), thrust::greater<int>());
    std::stable_sort(places.begin(), places.end(), [&](int a, int b) { return keys[a] > keys[b]; });
    expect_equal(host_of(order), places, "thrust::stable_sort_by_key");

    thrust::sort(device.begin(), device.end());
    want = keys;
    std::sort(want.begin(), want.end());
    expect_equal(host_of(device), want, "thrust::sort");

    device.erase(thrust::unique(device.begin(), device.end()), device.end());
    want.erase(std::unique(want.begin(), want.end()), want.end());
    expect(device.size() == want.size(), "size of thrust::unique");
    expect_equal(host_of(device), want, "thrust::unique");
}

static void with_cub(int count) {
    std::vector<int> keys = numbers(count, 1 << 30), want = keys;
    std::vector<float> values(count);
    for (float &value : values) value = float(int(noise() * 100));
    int *in = to_device(keys), *out = to_device(keys);
    float *values_in = to_device(values), *values_out = to_device(values);

    cub_call([&](void *w, size_t &n) { return cub::DeviceReduce::Max(w, n, in, out, count); });
    expect(to_host(out, 1)[0] == *std::max_element(keys.begin(), keys.end()), "cub::DeviceReduce::Max");
    cub_call([&](void *w, size_t &n) { return cub::DeviceReduce::Sum(w, n, values_in, values_out, count); });
    expect(to_host(values_out, 1)[0] == std::accumulate(values.begin(), values.end(), 0.0f), "cub::DeviceReduce::Sum");

    cub_call([&](void *w, size_t &n) { return cub::DeviceScan::ExclusiveSum(w, n, values_in, values_out, count); });
    std::vector<float> sums(count);
    float sum = 0;
    for (int i = 0; i < count; i++) {
        sums[i] = sum;
        sum += values[i];
    }
    expect_equal(to_host(values_out, count), sums, "cub::DeviceScan::ExclusiveSum");

    cub_call([&](void *w, size_t &n) {
        return cub::DeviceRadixSort::SortPairs(w, n, in, out, values_in, values_out, count);
    });
    std::vector<int> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return keys[a] < keys[b]; });
    std::vector<float> moved(count);
    for (int i = 0; i < count; i++) {
        want[i] = keys[order[i]];
        moved[i] = values[order[i]];
    }
    expect_equal(to_host(out, count), want, "keys of cub::DeviceRadixSort::SortPairs");
    expect_equal(to_host(values_out, count), moved, "values of cub::DeviceRadixSort::SortPairs");
    CHECK(cudaFree(in));
    CHECK(cudaFree(out));
    CHECK(cudaFree(values_in));
    CHECK(cudaFree(values_out));
}

int main() {
    for (int count : {1, 777, 20000}) {
        with_thrust(size_t(count));
        with_cub(count);
    }
    return verdict();
}
