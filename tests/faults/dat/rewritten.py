"""Pickles of every kind that numpy 2 writes, and what is in them as numbers and texts.

    python rewritten.py write DIRECTORY
    python rewritten.py tell DIRECTORY       prints what is in each file, as JSON
"""

import glob
import gzip
import json
import os
import pickle
import sys
import warnings

import numpy as np

try:
    import joblib
except ImportError:
    joblib = None


def objects():
    shared = np.arange(5.0)
    return {
        "array": np.arange(12, dtype="<f4").reshape(3, 4),
        "nested": {
            "a": np.arange(3),
            "n": {"b": np.ones((2, 2)), "l": [np.zeros(2, "u1"), np.array(["x", "yy"])]},
            "t": (np.array(1.5), np.float32(2)),
            "s": "text",
        },
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "slice": np.arange(10)[::2],
        "dates": np.array(["2020-01-01", "2021-02-03"], dtype="M8[ns]"),
        "durations": np.array([3], dtype="m8[25s]"),
        "structure": np.zeros(2, dtype=[("a", "<i4"), ("b", "<f8", (2,))]),
        "aligned": np.zeros(2, dtype=np.dtype([("a", "i1"), ("b", "<f8")], align=True)),
        "objects": np.array([1, "a", None], dtype=object),
        "recarray": np.rec.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "matrix": np.matrix([[1, 2], [3, 4]]),
        "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
        "chararray": np.char.array(["a", "b"]),
        "poly": np.poly1d([1, 2, 3]),
        "state": np.random.RandomState(1),
        "generator": np.random.Generator(np.random.PCG64(1)),
        "philox": np.random.Philox(3),
        "sfc": np.random.SFC64(2),
        "twister": np.random.MT19937(2),
        "scalar": np.float64(1.5),
        "ufunc": np.add,
        "truth": np.bool_,
        "empty": np.zeros((0, 3)),
        "large": np.arange(100000.0),
        "shared": [shared, shared, {"x": shared}],
        # Texts that look like names stay what they are.
        "texts": ["numpy._core.multiarray", np.arange(2), "numpy._core.numeric", "numpy.rec"],
    }


def write(directory):
    os.makedirs(directory)
    for name, value in objects().items():
        for protocol in (2, 3, 4, 5):
            with open("%s/%s.%d.pkl" % (directory, name, protocol), "wb") as file:
                pickle.dump(value, file, protocol)
        if joblib and name in ("array", "nested", "fortran", "structure", "dates", "objects", "large"):
            joblib.dump(value, "%s/%s.raw.joblib" % (directory, name))
            joblib.dump(value, "%s/%s.zlib.joblib" % (directory, name), compress=("zlib", 3))
    with gzip.open("%s/zipped.pkl.gz" % directory, "wb") as file:
        pickle.dump(objects()["nested"], file)


def told(value):
    if isinstance(value, np.random.RandomState):
        return value.randint(0, 1 << 30, 5).tolist()
    if isinstance(value, np.random.Generator):
        return value.integers(0, 1 << 30, 5).tolist()
    if hasattr(value, "random_raw"):
        return [int(number) for number in value.random_raw(5)]
    if isinstance(value, np.ma.MaskedArray):
        return [value.filled(0).tolist(), value.mask.tolist()]
    if isinstance(value, np.ndarray):
        kind = [type(value).__name__, str(value.dtype.descr), value.shape, value.dtype.isalignedstruct]
        return kind + [bool(value.flags.writeable), repr(value.tolist())]
    if isinstance(value, np.generic):
        return [str(value.dtype), repr(value.tolist())]
    if isinstance(value, dict):
        return {key: told(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [told(part) for part in value]
    if isinstance(value, np.poly1d):
        return value.coeffs.tolist()
    if isinstance(value, type):
        return value.__name__.rstrip("_")
    return value.__name__ if isinstance(value, np.ufunc) else repr(value)


def load(path):
    if path.endswith(".joblib"):
        return joblib.load(path)
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        return pickle.load(file)


def tell(directory):
    warnings.simplefilter("ignore")
    result = {}
    for path in sorted(glob.glob(directory + "/*")):
        if path.endswith(".npz"):
            continue
        try:
            result[os.path.basename(path)] = told(load(path))
        except Exception as error:
            result[os.path.basename(path)] = "%s: %s" % (type(error).__name__, error)
    print(json.dumps(result))


def at(value, name):
    for part in name.split(".") if name != "arr_0" else []:
        value = value[part] if isinstance(value, dict) else value[int(part)]
    return value


def compare(directory):
    """How many arrays of npz files are those of the pickles beside them; fails at the first other."""
    count = 0
    for path in sorted(glob.glob(directory + "/*.npz")):
        (source,) = [p for p in glob.glob(path[:-3] + "*") if not p.endswith(".npz")]
        value = load(source)
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                expected, found = np.asarray(at(value, name)), arrays[name]
                assert expected.shape == found.shape, (path, name)
                # Bytes between the fields of a structure mean nothing.
                same = repr(expected.tolist()) == repr(found.tolist()) if expected.dtype.names else (
                    expected.tobytes() == found.tobytes()
                )
                assert same, (path, name)
                # That a structure is aligned is nothing that a header says.
                kinds = [str(dtype.descr) for dtype in (expected.dtype, found.dtype)]
                assert kinds[0] == kinds[1], (path, name, kinds)
                count += 1
    print(count)


if __name__ == "__main__":
    {"write": write, "tell": tell, "compare": compare}[sys.argv[1]](sys.argv[2])
