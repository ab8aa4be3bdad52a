"""Writes real files for the fuzz targets to start from: `seeds.py DIRECTORY`.

They are the files of the tests, and for the target `gzip` what is in those that are gzip streams.
"""

import glob
import gzip
import os
import sys
import zlib

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "data")


def put(target, name, data):
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def main():
    for pattern in ("*.spz", "hostile/*.spz"):
        for path in glob.glob(os.path.join(DATA, pattern)):
            with open(path, "rb") as file:
                data = file.read()
            put("read", os.path.basename(path), data)
            if data.startswith(b"\x1f\x8b"):
                try:
                    content = gzip.decompress(data)
                except (OSError, EOFError, zlib.error):
                    continue
                if content.startswith(b"NGSP"):
                    put("gzip", os.path.basename(path), content[4:])


if __name__ == "__main__":
    main()
