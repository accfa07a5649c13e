"""Records what ml_dtypes and gfloat make of many binary32 values as digests (expected.txt).

Lines: library, format, rounding mode, digest. pip install numpy ml_dtypes gfloat, then: python3 record.py > expected.txt
The inputs and the digest are those of ../conformance.rs.
"""
import gfloat
import gfloat.formats as gf
import ml_dtypes
import numpy as np
from gfloat import RoundMode

TYPES = [
    ("bf16", ml_dtypes.bfloat16), ("fp16", np.float16), ("e5m2", ml_dtypes.float8_e5m2),
    ("e4m3", ml_dtypes.float8_e4m3), ("e3m4", ml_dtypes.float8_e3m4), ("e4m3fn", ml_dtypes.float8_e4m3fn),
    ("e4m3fnuz", ml_dtypes.float8_e4m3fnuz), ("e5m2fnuz", ml_dtypes.float8_e5m2fnuz),
    ("e4m3b11fnuz", ml_dtypes.float8_e4m3b11fnuz), ("e3m2fn", ml_dtypes.float6_e3m2fn),
    ("e2m3fn", ml_dtypes.float6_e2m3fn), ("e2m1fn", ml_dtypes.float4_e2m1fn),
]

# gfloat's formats, and whether it saturates.
INFOS = [
    ("fp16", gf.format_info_binary16, False), ("bf16", gf.format_info_bfloat16, False),
    ("e5m2", gf.format_info_ocp_e5m2, False), ("e5m2_sat", gf.format_info_ocp_e5m2, True),
    ("e4m3fn", gf.format_info_ocp_e4m3, False), ("e4m3fn_sat", gf.format_info_ocp_e4m3, True),
    ("e3m2fn", gf.format_info_ocp_e3m2, True), ("e2m3fn", gf.format_info_ocp_e2m3, True),
    ("e2m1fn", gf.format_info_ocp_e2m1, True),
]
MODES = [
    ("rn", RoundMode.TiesToEven), ("rz", RoundMode.TowardZero), ("rm", RoundMode.TowardNegative),
    ("rp", RoundMode.TowardPositive), ("ra", RoundMode.TiesToAway), ("rs8", RoundMode.StochasticFastest),
]
BLOCKS = [
    ("mxfp8_e4m3", gf.format_info_mxfp8_e4m3), ("mxfp8_e5m2", gf.format_info_mxfp8_e5m2),
    ("mxfp6_e3m2", gf.format_info_mxfp6_e3m2), ("mxfp6_e2m3", gf.format_info_mxfp6_e2m3),
    ("mxfp4", gf.format_info_mxfp4_e2m1),
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


def line(library, name, mode, y):
    y = np.asarray(y).astype(np.float32)
    out = np.where(np.isnan(y), np.uint32(0x7FFFFFFF), y.view(np.uint32))
    print(f"{library} {name} {mode} {digest(out):016x}")


def main():
    bits = inputs()
    x = bits.view(np.float32)
    x = x[~np.isnan(x)]
    for name, dtype in TYPES:
        with np.errstate(all="ignore"):
            y = x.astype(dtype).astype(np.float32)
        line("ml_dtypes", name, "rn", y)
    # The first values only: gfloat is slow. Value i draws the byte 151 i.
    x = x[:200_000].astype(np.float64)
    draws = np.arange(len(x), dtype=np.int64) * 151 % 256
    for name, info, saturates in INFOS:
        for mode, rounding in MODES:
            stochastic = (draws, 8) if mode == "rs8" else (None, 0)
            with np.errstate(all="ignore"):
                line("gfloat", name, mode, gfloat.round_ndarray(info, x, rounding, saturates, *stochastic))
    # Blocks of neighbours from every 97th value, finite ones.
    finite = x[np.isfinite(x)]
    spread = finite[np.arange(32 * 500, dtype=np.int64) * 97 % len(finite)]
    for name, info in BLOCKS:
        blocks = spread.reshape(-1, 32)
        y = [gfloat.quantize_block(info, b, gfloat.compute_scale_amax, RoundMode.TiesToEven) for b in blocks]
        line("gfloat", name, "block", np.concatenate(y))


main()
