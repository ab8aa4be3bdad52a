"""Writes the arrays of the round-trip test with numpy, and says what numpy reads."""

import glob
import hashlib
import json
import os
import sys
import warnings

import numpy as np

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None


def sample(dtype, shape):
    """Values that use every byte of `dtype`, as far as numpy can make them."""
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    if dtype.kind == "b":
        return (np.arange(count) % 3 == 0).reshape(shape)
    if dtype.kind in "iu":
        return (np.arange(count) * 37 - 100).astype(dtype).reshape(shape)
    if dtype.kind in "fc":
        values = np.linspace(-3, 3, count)
        if dtype.kind == "c":
            values = values + 1j * np.linspace(5, 6, count)
        return values.astype(dtype).reshape(shape)
    if dtype.kind in "mM":
        values = (np.arange(count, dtype=np.int64) * 86401 - 5).astype(dtype.str[0] + "i8")
        return values.view(dtype).reshape(shape)
    raise ValueError(dtype)


def cases():
    plain = "? i1 u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8".split()
    plain += "<f2 >f2 <f4 >f4 <f8 >f8 <c8 >c8 <c16 >c16".split()
    times = ["<M8[ns]", ">M8[ns]", "<M8[D]", "<M8[7D]", "<m8[25s]", ">m8[us]", "<M8", "<m8"]
    for dtype in plain + times:
        yield dtype, sample(dtype, (5, 3))
    for name in ("longdouble", "clongdouble"):
        yield name, sample(getattr(np, name), (4,))
    for shape in [(), (1,), (0,), (0, 3), (3, 0, 2), (2, 3, 4), (1,) * 32]:
        yield "shape %s" % (shape,), sample("<f8", shape)
    yield "fortran", np.asfortranarray(sample("<f4", (3, 4)))
    yield "fortran 3-d", np.asfortranarray(sample(">i2", (2, 3, 4)))
    yield "every second", sample("<f4", (10, 4))[::2, ::3]
    yield "reversed", sample("<i4", (6,))[::-1]
    yield "large", sample("<f4", (1 << 20,)).reshape(1024, 1024)
    yield "noise", np.random.RandomState(7).standard_normal(300000).astype("<f4")
    yield "S", np.array([b"", b"abc", b"\xff\x00x", b"longer than that"])
    yield "U", np.array(["", "abc", "\u00e9\u0442\u4e2d\U0001f600", "x\0y"])
    yield "U big", np.array(["", "abc", "\u4e2d"]).astype(">U4")
    yield "U 2-d", np.array([["a", "bb"], ["ccc", "d"]])
    yield "V", np.frombuffer(bytes(range(24)), dtype="V6")
    yield "struct", records([("a", "<i4"), ("b", ">f8"), ("c", "S3"), ("d", "<U2")])
    yield "struct aligned", records([("a", "i1"), ("b", "<f8"), ("c", "<i2")], align=True)
    inner = np.dtype([("x", "<f4"), ("flag", "?")], align=True)
    yield "struct nested", records([("n", inner), ("m", inner, (2,)), ("t", "<M8[ms]")], align=True)
    yield "struct titled", records([(("a long title", "a"), "<i4"), (("T", "b"), "<f4")])
    yield "struct utf-8", records([("\u0442\u0435\u043c\u043f", "<f8"), ("\u00e9", "<i4")])
    yield "struct latin-1", records([("\u00e9t\u00e9", "<f8")])
    yield "struct quotes", records([("it's", "<i4"), ('"', "<i4"), ("back\\slash\n", "<i4")])
    yield "struct subarray", records([("a", "<i4", (2, 3)), ("b", "S2", (2,)), ("c", "<f4", 1)])
    padded = {"names": ["a", "b"], "formats": ["i1", "<i4"], "offsets": [3, 8], "itemsize": 20}
    yield "struct padded", records(padded)
    yield "struct 0-d", records([("a", "<i4"), ("b", "<f8")]).reshape(2, 2)[1, 1].reshape(())
    yield "struct 2-d fortran", np.asfortranarray(records([("a", "<i4"), ("b", "i1")]).reshape(2, 2))


def records(description, align=False):
    dtype = np.dtype(description, align=align)
    array = np.zeros(4, dtype)
    fill(array, 1)
    return array


def fill(array, seed):
    for name in array.dtype.names:
        part = array[name]
        if part.dtype.names:
            fill(part, seed + 3)
        elif part.dtype.kind in "SU":
            part[...] = "xy"
        else:
            values = (np.arange(part.size, dtype=np.int64) + seed).reshape(part.shape)
            part[...] = values.astype("<i8").view("<M8[ms]") if part.dtype.kind == "M" else values


def describe(array):
    array = np.asanyarray(array)
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    # Padding inside a record has no value, so records are compared field by field.
    data = b"".join(values(array, "F" if fortran else "C"))
    return {
        "descr": repr(np.lib.format.dtype_to_descr(array.dtype)),
        "shape": list(array.shape),
        "fortran": bool(fortran),
        "sha256": hashlib.sha256(data).hexdigest(),
    }


def values(array, order):
    if array.dtype.names is None:
        yield array.tobytes(order)
        return
    for name in array.dtype.names:
        for data in values(array[name], order):
            yield data


def write(directory):
    described = {}
    arrays = {}
    for number, (name, array) in enumerate(cases()):
        key = "%03d %s" % (number, name.replace("/", "_").replace("<", "lt").replace(">", "gt"))
        with open(os.path.join(directory, "%03d.npy" % number), "wb") as file:
            np.save(file, array)
        loaded = np.load(os.path.join(directory, "%03d.npy" % number))
        described[key] = describe(loaded)
        arrays[key] = array
    np.savez(os.path.join(directory, "stored.npz"), **arrays)
    np.savez_compressed(os.path.join(directory, "deflated.npz"), **arrays)
    odd = {}
    objects = np.array([{"a": 1}, None], dtype=object)
    odd["object"] = objects
    if hasattr(np.dtypes if hasattr(np, "dtypes") else np, "StringDType"):
        odd["string"] = np.array(["a", "longer"], dtype=np.dtypes.StringDType())
    if ml_dtypes is not None:
        odd["bfloat16"] = np.array([1, 2.5], dtype=ml_dtypes.bfloat16)
        odd["float8_e5m2"] = np.array([1, 2.5], dtype=ml_dtypes.float8_e5m2)
    for name, array in odd.items():
        np.save(os.path.join(directory, "odd-%s" % name), array)
    with open(os.path.join(directory, "described.json"), "w") as file:
        json.dump({"numpy": np.__version__, "arrays": described, "odd": sorted(odd)}, file)


def read(directory):
    described = {}
    for path in sorted(glob.glob(os.path.join(directory, "*.np[yz]"))):
        loaded = np.load(path, allow_pickle=False)
        name = os.path.basename(path)
        if path.endswith(".npy"):
            described[name] = describe(loaded)
            continue
        with loaded:
            described[name] = {key: describe(loaded[key]) for key in loaded.files}
    json.dump(described, sys.stdout)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
