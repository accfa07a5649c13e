// Small enough that its debug information can be read.
__device__ int scale = 3;
template <int N> __device__ float inner(float x, const float *w) {
    float sum = 0;
    for (int i = 0; i < N; i++) sum += x * w[i];
    return sum;
}
__global__ void outer(float *y, const float *w, int n) {
    __shared__ float tile[32];
    int t = threadIdx.x + blockIdx.x * blockDim.x;
    tile[threadIdx.x & 31] = t < n ? y[t] : 0.0f;
    __syncthreads();
    if (t < n) y[t] = inner<3>(tile[threadIdx.x & 31], w) * scale;
}
