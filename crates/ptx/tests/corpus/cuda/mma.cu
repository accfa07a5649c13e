// Instructions that Vernier keeps but does not execute: matrices, asynchronous copies, textures, beside one ordinary kernel.
#include <mma.h>
#include <cuda_fp16.h>
#include <cuda_pipeline.h>
extern "C" __global__ void matrix(const __half *a, const __half *b, float *c) {
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __half, nvcuda::wmma::row_major> fa;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __half, nvcuda::wmma::col_major> fb;
    nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> fc;
    nvcuda::wmma::fill_fragment(fc, 0.0f);
    nvcuda::wmma::load_matrix_sync(fa, a, 16);
    nvcuda::wmma::load_matrix_sync(fb, b, 16);
    nvcuda::wmma::mma_sync(fc, fa, fb, fc);
    nvcuda::wmma::store_matrix_sync(c, fc, 16, nvcuda::wmma::mem_row_major);
}
extern "C" __global__ void copy(float *out, const float *in, cudaTextureObject_t t) {
    __shared__ float s[64];
    __pipeline_memcpy_async(s + threadIdx.x * 4, in + threadIdx.x * 4, 16);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    out[threadIdx.x] = s[threadIdx.x] + tex2D<float>(t, 1.0f, 2.0f) + tex1Dfetch<float>(t, 3);
}
extern "C" __global__ void plain(float *x) { x[threadIdx.x] *= 2.0f; }
