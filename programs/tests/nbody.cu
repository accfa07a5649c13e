// N-body step with float4 positions in shared tiles, rsqrtf, and a template switch; compared within a tolerance.
#include "check.h"

template <bool SOFT> __device__ float3 pull(float3 sum, float4 at, float4 from) {
    float dx = from.x - at.x, dy = from.y - at.y, dz = from.z - at.z;
    float square = dx * dx + dy * dy + dz * dz + (SOFT ? 0.01f : 0.0f);
    float inverse = SOFT || square > 0.0f ? rsqrtf(square) : 0.0f;
    float factor = from.w * inverse * inverse * inverse;
    return make_float3(sum.x + dx * factor, sum.y + dy * factor, sum.z + dz * factor);
}

template <bool SOFT> __global__ void accelerations(const float4 *__restrict__ bodies, float *out, int n) {
    __shared__ float4 tile[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    float4 at = i < n ? __ldg(&bodies[i]) : make_float4(0, 0, 0, 0);
    float3 sum = make_float3(0, 0, 0);
    for (int first = 0; first < n; first += 64) {
        int j = first + threadIdx.x;
        tile[threadIdx.x] = j < n ? bodies[j] : make_float4(1e6f, 1e6f, 1e6f, 0);
        __syncthreads();
        for (int k = 0; k < 64; k++) sum = pull<SOFT>(sum, at, tile[k]);
        __syncthreads();
    }
    if (i < n) {
        out[3 * i] = sum.x;
        out[3 * i + 1] = sum.y;
        out[3 * i + 2] = sum.z;
    }
}

int main() {
    const int n = 200;
    std::vector<float> bodies = noise_vector(4 * n), soft(3 * n), hard(3 * n);
    for (int i = 0; i < n; i++) bodies[4 * i + 3] = std::fabs(bodies[4 * i + 3]) * 0.01f;
    for (int i = 0; i < n; i++) {
        double s[2][3] = {};
        for (int j = 0; j < n; j++) {
            double d[3], square = 0.0;
            for (int k = 0; k < 3; k++) square += (d[k] = double(bodies[4 * j + k]) - bodies[4 * i + k]) * d[k];
            for (int k = 0; k < 3; k++) {
                s[0][k] += d[k] * bodies[4 * j + 3] * std::pow(square + double(0.01f), -1.5);
                if (i != j) s[1][k] += d[k] * bodies[4 * j + 3] * std::pow(square, -1.5);
            }
        }
        for (int k = 0; k < 3; k++) {
            soft[3 * i + k] = float(s[0][k]);
            hard[3 * i + k] = float(s[1][k]);
        }
    }
    float *din = to_device(bodies), *dout = to_device(std::vector<float>(3 * n));
    accelerations<true><<<4, 64>>>((const float4 *)din, dout, n);
    CHECK_LAUNCH();
    expect_near(to_host(dout, 3 * n), soft, 1e-4, 1e-4, "softened");
    accelerations<false><<<4, 64>>>((const float4 *)din, dout, n);
    CHECK_LAUNCH();
    expect_near(to_host(dout, 3 * n), hard, 1e-3, 1e-3, "plain");
    return verdict();
}
