#!/usr/bin/env python3
"""Makes a weights file small: rounds its values to binary16 (nearest, ties to even) and drops the optimiser's state.

    python3 compact_weights.py WEIGHTS_IN WEIGHTS_OUT

The format is described in weights.hpp. Only the standard library is needed.
"""
import struct
import sys

HEADER = "<8sIIQIIQ"


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data = open(sys.argv[1], "rb").read()
    magic, encoding, epochs, steps, tensors, sets, checksum = struct.unpack(HEADER, data[:40])
    if magic != b"VWEIGHT1" or encoding != 0 or fnv1a(data[40:]) != checksum:
        sys.exit(f"{sys.argv[1]}: not an undamaged weights file in binary32")
    table = data[40 : 40 + 36 * tensors]
    count = 0
    for i in range(tensors):
        a, b, c, d = struct.unpack("<4I", table[36 * i + 20 : 36 * i + 36])
        count += a * b * c * d
    values = struct.unpack(f"<{count}f", data[40 + len(table) : 40 + len(table) + 4 * count])
    body = table + struct.pack(f"<{count}e", *values)
    header = struct.pack(HEADER, magic, 1, epochs, steps, tensors, 1, fnv1a(body))
    open(sys.argv[2], "wb").write(header + body)
    print(f"{sys.argv[2]}: {40 + len(body)} bytes, {count} values, {epochs} epochs")


if __name__ == "__main__":
    main()
