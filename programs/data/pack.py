#!/usr/bin/env python3
"""Packs the MNIST test set (idx files) into `t10k.pack`, losslessly, and checks that it unpacks again.

    python3 pack.py T10K-IMAGES-IDX3-UBYTE T10K-LABELS-IDX1-UBYTE t10k.pack
    python3 pack.py --unpack t10k.pack IMAGES_OUT LABELS_OUT

The format (all integers little-endian):

    offset  bytes
    0       8       magic "VMNIST01"
    8       4       n, number of images
    12      4       rows (28)
    16      4       columns (28)
    20      8       FNV-1a (64 bit) of the n * rows * columns pixels followed by the n labels
    28      n       labels, one byte each
    28 + n  rest    pixels, coded by an adaptive binary range coder

Each pixel is coded as one bit "is it zero" in a context made of six neighbours, and, when it is not, as its eight
bits, most significant first, each in the context of the bits before it and of the mean of the left and the upper
neighbour. A probability is 16 bits wide, starts at one half, and moves by 1/16 of the way after each bit. The decoder
is the function `unpack_pixels` of ../common/mnist.hpp. Only the standard library is needed; a run takes less than a minute.
"""
import struct
import sys

MAGIC = b"VMNIST01"
ROWS = COLS = 28
SHIFT = 4  # adaptation rate of a probability: 1/16
LEVEL = [0] + [1] * 127 + [2] * 128  # zero, dark, bright


def fnv1a(data, h=0xCBF29CE484222325):
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


class Encoder:
    """Carry-propagating binary range coder: 32-bit range, 16-bit probability that a bit is 0."""

    def __init__(self):
        self.low, self.range, self.cache, self.pending, self.out = 0, 0xFFFFFFFF, 0, 1, bytearray()

    def _shift(self):
        if self.low < 0xFF000000 or self.low > 0xFFFFFFFF:
            carry = self.low >> 32
            self.out.append((self.cache + carry) & 0xFF)
            self.out.extend(bytes([(0xFF + carry) & 0xFF]) * (self.pending - 1))
            self.pending = 0
            self.cache = (self.low >> 24) & 0xFF
        self.pending += 1
        self.low = (self.low << 8) & 0xFFFFFFFF

    def bit(self, probs, i, value):
        p = probs[i]
        bound = (self.range >> 16) * p
        if value:
            self.low += bound
            self.range -= bound
            probs[i] = p - (p >> SHIFT)
        else:
            self.range = bound
            probs[i] = p + ((65536 - p) >> SHIFT)
        while self.range < 1 << 24:
            self.range = (self.range << 8) & 0xFFFFFFFF
            self._shift()

    def finish(self):
        for _ in range(5):
            self._shift()
        return bytes(self.out)


class Decoder:
    """The inverse of Encoder. Reads zeros past the end of its input."""

    def __init__(self, data):
        self.data, self.pos, self.range, self.code = data, 5, 0xFFFFFFFF, int.from_bytes(data[1:5], "big")

    def bit(self, probs, i, _value=None):
        p = probs[i]
        bound = (self.range >> 16) * p
        if self.code >= bound:
            self.code -= bound
            self.range -= bound
            probs[i] = p - (p >> SHIFT)
            value = 1
        else:
            self.range = bound
            probs[i] = p + ((65536 - p) >> SHIFT)
            value = 0
        while self.range < 1 << 24:
            byte = self.data[self.pos] if self.pos < len(self.data) else 0
            self.pos += 1
            self.range <<= 8
            self.code = (self.code << 8) | byte
        return value


def code_pixels(coder, pixels, count, decode):
    """Walks over all pixels in order; the same walk encodes `pixels` and decodes into it."""
    zero = [32768] * 972
    value = [32768] * (8 * 256)
    pitch = COLS + 3  # two zero columns at the left, one at the right
    for image in range(count):
        # the padded image: two zero rows above
        pad = bytearray(pitch * (ROWS + 2))
        base = image * ROWS * COLS
        for y in range(ROWS):
            for x in range(COLS):
                at = (y + 2) * pitch + x + 2
                west, north = pad[at - 1], pad[at - pitch]
                context = (LEVEL[west] * 3 + LEVEL[north]) * 3 + LEVEL[pad[at - pitch - 1]]
                context = (context * 3 + LEVEL[pad[at - pitch + 1]]) * 4
                context += (2 if pad[at - 2] else 0) + (1 if pad[at - 2 * pitch] else 0)
                pixel = 0 if decode else pixels[base + y * COLS + x]
                nonzero = coder.bit(zero, context, 1 if pixel else 0)
                if not decode:
                    nonzero = pixel != 0
                if nonzero:
                    node, tree = 1, ((west + north) >> 6) << 8
                    for k in range(7, -1, -1):
                        bit = (pixel >> k) & 1
                        got = coder.bit(value, tree + node, bit)
                        node = node * 2 + (got if decode else bit)
                    pixel = node & 255
                pad[at] = pixel
                if decode:
                    pixels[base + y * COLS + x] = pixel


def read_idx(path, magic, header):
    data = open(path, "rb").read()
    fields = struct.unpack(f">{header}I", data[: 4 * header])
    if fields[0] != magic:
        sys.exit(f"{path}: not an idx file of this kind (magic {fields[0]:#x}, expected {magic:#x})")
    return fields, data[4 * header :]


def unpack(data):
    magic, count, rows, cols, checksum = struct.unpack("<8sIIIQ", data[:28])
    if magic != MAGIC or rows != ROWS or cols != COLS:
        sys.exit("not a packed MNIST file")
    labels = data[28 : 28 + count]
    pixels = bytearray(count * ROWS * COLS)
    code_pixels(Decoder(data[28 + count :]), pixels, count, True)
    if fnv1a(labels, fnv1a(pixels)) != checksum:
        sys.exit("checksum differs: the packed file is damaged")
    return bytes(pixels), labels


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--unpack":
        pixels, labels = unpack(open(sys.argv[2], "rb").read())
        open(sys.argv[3], "wb").write(struct.pack(">4I", 2051, len(labels), ROWS, COLS) + pixels)
        open(sys.argv[4], "wb").write(struct.pack(">2I", 2049, len(labels)) + labels)
        return
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    (_, count, rows, cols), pixels = read_idx(sys.argv[1], 2051, 4)
    (_, label_count), labels = read_idx(sys.argv[2], 2049, 2)
    if (rows, cols) != (ROWS, COLS) or len(pixels) != count * rows * cols or not len(labels) == count == label_count:
        sys.exit("the two idx files do not fit each other")
    coder = Encoder()
    code_pixels(coder, pixels, count, False)
    packed = struct.pack("<8sIIIQ", MAGIC, count, rows, cols, fnv1a(labels, fnv1a(pixels))) + labels + coder.finish()
    if unpack(packed) != (pixels, labels):
        sys.exit("internal error: the packed file does not unpack to its source")
    open(sys.argv[3], "wb").write(packed)
    print(f"{sys.argv[3]}: {len(packed)} bytes for {count} images")


if __name__ == "__main__":
    main()
