"""Writes real files for the fuzz targets to start from: `seeds.py DIRECTORY`.

They are modules of numpy, data files as it saves them, pickles of every protocol, the beginnings of
modules of other systems, and a wheel as Python's zipfile writes it.
"""

import glob
import io
import os
import pickle
import struct
import sys
import zipfile

import numpy as np

LARGEST = 1 << 16


def put(target, name, data):
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def arrays():
    record = np.dtype([("a", "<i4"), ("b", ">f8", (2,))])
    yield "float", np.arange(6.0).reshape(2, 3)
    yield "fortran", np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))
    yield "record", np.zeros(3, record)
    yield "text", np.array(["a", "bc"])
    yield "date", np.array(["2024-01-01"], "M8[D]")
    yield "empty", np.zeros((0, 3), np.float32)
    yield "objects", np.array([{"a": np.float32(1)}, None], dtype=object)
    yield "masked", np.ma.masked_array([1, 2], [0, 1])


def saved(save, *arguments, **members):
    file = io.BytesIO()
    save(file, *arguments, **members)
    return file.getvalue()


def wheel():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("core/__init__.py", "x = 1\n" * 50)
        archive.writestr("core-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: core\nVersion: 1.0\n\nText\n")
        archive.writestr(
            "core-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: maturin (1.9)\nRoot-Is-Purelib: false\n"
            "Tag: cp311-cp311-linux_x86_64\n",
        )
        archive.writestr("core-1.0.dist-info/entry_points.txt", "[console_scripts]\ncore = core:main\n")
        archive.writestr("core-1.0.dist-info/RECORD", "core/__init__.py,sha256=abc,300\n")
    return file.getvalue()


def macho(magic, order):
    """The header of a bundle that loads one library."""
    name = b"@rpath/libpython3.12.dylib\0".ljust(32, b"\0")
    command = struct.pack(order + "6I", 0xC, 24 + len(name), 24, 0, 0, 0) + name
    return struct.pack(order + "8I", magic, 0x0100000C, 0, 8, 1, len(command), 0, 0) + command


def pe():
    """The headers of a module without sections."""
    optional = struct.pack("<HBB", 0x20B, 14, 0).ljust(112, b"\0") + bytes(16 * 8)
    header = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, 0, 0, 0, 0, len(optional), 0x2022)
    return (b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)).ljust(64, b"\0") + header + optional


for name, array in arrays():
    is_plain = not array.dtype.hasobject and not isinstance(array, np.ma.MaskedArray)
    data = saved(np.save, np.asarray(array), allow_pickle=True)
    put("data", name + ".npy", b"\0" + data)
    if is_plain:
        put("data", name + ".npz", b"\1" + saved(np.savez_compressed, **{name: array}))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"x": array, "y": [array, array]}, protocol)
        for target in ["pickle", "rewrite"]:
            put(target, f"{name}-{protocol}.pkl", data)
        put("data", f"{name}-{protocol}.pkl", b"\2" + data)
put("pickle", "generator.pkl", pickle.dumps(np.random.default_rng(1), 4))
put("wheel", "core.whl", wheel())
for name in zipfile.ZipFile(io.BytesIO(wheel())).namelist():
    put("wheel_texts", os.path.basename(name), zipfile.ZipFile(io.BytesIO(wheel())).read(name))
put("wheel_texts", "name", b"core-1.0-1-cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
put("macho", "little", macho(0xFEEDFACF, "<"))
put("macho", "big", macho(0xFEEDFACF, ">"))
image = macho(0xFEEDFACF, "<")
put("macho", "universal", struct.pack(">7I", 0xCAFEBABE, 1, 0x0100000C, 0, 64, len(image), 2).ljust(64, b"\0") + image)
put("pe", "module", pe())
for path in sorted(glob.glob(os.path.join(np.__path__[0], "**", "*.so"), recursive=True)):
    if os.path.getsize(path) <= LARGEST:
        with open(path, "rb") as file:
            put("elf", os.path.basename(path), file.read())
