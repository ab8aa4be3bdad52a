"""Writes real files for the fuzz targets to start from: `seeds.py DIRECTORY`.

They are the small arrays of the round-trip test as numpy saves them, archives as Python's zipfile
writes them in its various ways, and deflate streams of every kind.
"""

import io
import os
import struct
import sys
import warnings
import zipfile
import zlib

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "numpy"))
from corpus import cases  # noqa: E402

LARGEST = 4096


def put(target, name, data):
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def saved(save, *arguments, **arrays):
    file = io.BytesIO()
    save(file, *arguments, **arrays)
    return file.getvalue()


def deflated(data, level=6, strategy=zlib.Z_DEFAULT_STRATEGY, flush=None):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
    if flush is None:
        return compressor.compress(data) + compressor.flush()
    half = len(data) // 2
    first = compressor.compress(data[:half]) + compressor.flush(flush)
    return first + compressor.compress(data[half:]) + compressor.flush()


class Pipe(io.RawIOBase):
    """A file that cannot seek, for which zipfile writes sizes after the data."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def archives(npy):
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy)
    yield "descriptor", bytes(pipe.data)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("\u00e9\u0442.npy", npy)
        archive.writestr("a.txt", b"no array")
        archive.comment = b"a comment"
    yield "names", file.getvalue()


def chunked():
    """An archive with a list of the chunks of its stream, as the npz crate writes it."""
    npy = saved(np.save, np.zeros(3 << 20, "u1"))
    header, data = npy[:128], npy[128:]
    lengths = []
    stream = b""
    for part in [header, data[: 1 << 20], data[1 << 20 : 2 << 20], data[2 << 20 :]]:
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        chunk = compressor.compress(part) + compressor.flush(zlib.Z_SYNC_FLUSH)
        lengths.append(len(chunk))
        stream += chunk
    stream += b"\x03\x00"
    content = b"npz1" + struct.pack("<5I", 1 << 20, *lengths)
    extra = b"zn" + struct.pack("<H", len(content)) + content
    crc, name = zlib.crc32(npy), b"a.npy"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(stream), len(npy), 5, 0)
    body = local + name + stream
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(stream), len(npy),
        5, len(extra), 0, 0, 0, 0, 0,
    )
    central += name + extra
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(body), 0)
    return body + central + end


def main():
    warnings.simplefilter("ignore")
    for number, (_, array) in enumerate(cases()):
        npy = saved(np.save, array)
        if len(npy) > LARGEST:
            continue
        put("npy", "%03d.npy" % number, npy)
        put("npz", "%03d-stored.npz" % number, saved(np.savez, array))
        put("npz", "%03d-deflated.npz" % number, saved(np.savez_compressed, array, b=array))
        if number % 10 == 0:
            for name, archive in archives(npy):
                put("npz", "%03d-%s.npz" % (number, name), archive)
    put("npz", "chunked.npz", chunked())
    random = np.random.RandomState(1)
    for name, data in {
        "empty": b"",
        "noise": random.bytes(3000),
        "smooth": np.cumsum(random.randint(-3, 4, 3000)).astype("<f4").tobytes(),
        "text": open(__file__, "rb").read(),
        "zeros": bytes(100000),
    }.items():
        for level in (1, 6, 9):
            put("inflate", "%s-%d" % (name, level), deflated(data, level))
        put("inflate", name + "-stored", deflated(data[:3000], 0))
        put("inflate", name + "-fixed", deflated(data, 6, zlib.Z_FIXED))
        put("inflate", name + "-codes", deflated(data, 6, zlib.Z_HUFFMAN_ONLY))
        put("inflate", name + "-flushed", deflated(data, 6, flush=zlib.Z_SYNC_FLUSH))


if __name__ == "__main__":
    main()
