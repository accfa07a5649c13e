"""Records what ml_dtypes makes of many binary32 values, format by format, as digests (expected.txt).

pip install numpy ml_dtypes, then: python3 record.py > expected.txt
The inputs and the digest are those of ../conformance.rs.
"""
import ml_dtypes
import numpy as np

TYPES = [
    ("bf16", ml_dtypes.bfloat16), ("fp16", np.float16), ("e5m2", ml_dtypes.float8_e5m2),
    ("e4m3", ml_dtypes.float8_e4m3), ("e3m4", ml_dtypes.float8_e3m4), ("e4m3fn", ml_dtypes.float8_e4m3fn),
    ("e4m3fnuz", ml_dtypes.float8_e4m3fnuz), ("e5m2fnuz", ml_dtypes.float8_e5m2fnuz),
    ("e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz), ("e3m2fn", ml_dtypes.float6_e3m2fn),
    ("e2m3fn", ml_dtypes.float6_e2m3fn), ("e2m1fn", ml_dtypes.float4_e2m1fn),
]


def inputs():
    all16 = np.arange(1 << 16, dtype=np.uint32)
    half = all16.astype(np.uint16).view(np.float16).astype(np.float32).view(np.uint32)
    near = [half, half + np.uint32(1), half - np.uint32(1)]
    spread = np.arange(1 << 20, dtype=np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    return np.concatenate([all16 << np.uint32(16), *near, spread.astype(np.uint32)])


def digest(bits):
    i = np.arange(len(bits), dtype=np.uint64)
    return int(np.sum((bits.astype(np.uint64) ^ i) * (np.uint64(2) * i + np.uint64(1)), dtype=np.uint64))


def main():
    bits = inputs()
    x = bits.view(np.float32)
    x = x[~np.isnan(x)]
    for name, dtype in TYPES:
        with np.errstate(all="ignore"):
            y = x.astype(dtype).astype(np.float32)
        out = np.where(np.isnan(y), np.uint32(0x7FFFFFFF), y.view(np.uint32))
        print(f"{name} {digest(out):016x}")


main()
