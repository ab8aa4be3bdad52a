"""Pickles of all kinds: `write DIRECTORY` makes them, `ask DIRECTORY` tells what each one imports."""

import collections
import datetime
import decimal
import enum
import fractions
import functools
import json
import os
import pathlib
import pickle
import pickletools
import sys
import uuid
import warnings

import numpy as np

warnings.simplefilter("ignore")


class Plain:
    def __init__(self, value):
        self.value = value


class Slots:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, "two"


class WithNew(tuple):
    def __new__(cls, *values, **named):
        return super().__new__(cls, values)

    def __getnewargs_ex__(self):
        return tuple(self), {"named": 1}


class Colour(enum.Enum):
    RED = 1


class Reduced:
    def __reduce_ex__(self, protocol):
        return (functools.partial, (len,), None, iter([]), iter([]))


Point = collections.namedtuple("Point", "x y")


def function():
    return None


def objects():
    """Name and value of everything that is pickled."""
    loop = []
    loop.append(loop)
    shared = "shared.module.name"
    many = [str(number) for number in range(400)]
    structure = np.dtype([("a", "i1"), ("b", "<f8")], align=True)
    yield from {
        "none": None,
        "numbers": [0, 1, 255, 256, 70000, -1, 2**40, 2**70, -(2**2100), 1.5, True, 1j],
        "texts": ["", "a", "os", "system\n", "\u00e9\u4e2d\U0001f600", "back\\slash", "x" * 300, shared, shared],
        "long-text": "numpy._core" * 20000,
        "bytes": [b"", b"cos\nsystem\n.", b"\x00" * 300, b"a" * 70000, bytearray(b"xyz")],
        "memo": [many, many, list(reversed(many)), {text: text for text in many}],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, frozenset([3]), {}, [], [[]]],
        "loop": loop,
        "large": list(range(3000)),
        "dates": [datetime.datetime(2020, 1, 2), datetime.timedelta(3), datetime.timezone.utc],
        "exact": [decimal.Decimal("1.5"), fractions.Fraction(1, 3)],
        "ordered": [collections.OrderedDict(a=1), collections.Counter("aab"), collections.deque([1], 3)],
        "default": collections.defaultdict(list, a=[1]),
        "uuid": uuid.UUID(int=5),
        "path": pathlib.PurePosixPath("/a/b"),
        "error": ValueError("no"),
        "plain": [Plain(1), Plain(Plain(2)), Slots(), WithNew(1, 2), Colour.RED, Point(1, 2)],
        "by-name": [function, Plain, len, os.path.join, datetime.datetime, collections.OrderedDict.fromkeys],
        "partial": functools.partial(function, 1),
        "reduced": Reduced(),
        "method": [Plain(1).__init__, "abc".upper],
        "range": [range(3), slice(1, 2)],
        "array": np.arange(6, dtype="<f4").reshape(2, 3),
        "large-array": np.arange(100000.0),
        "strided": np.arange(10)[::2],
        "fortran": np.asfortranarray(np.ones((2, 3))),
        "arrays": {"a": np.ones(3), "b": [np.zeros((0, 2)), np.array(1)]},
        "array-of-objects": np.array([1, "a", None, Plain(1)], dtype=object),
        "structure": np.zeros(2, dtype=[("a", "<i4"), ("b", "<f8", (2,))]),
        "aligned": np.zeros(2, dtype=structure),
        "dates-array": np.array(["2020-01-01"], dtype="datetime64[ns]"),
        "text-array": np.array(["a", "bc"]),
        "scalars": [np.float64(1), np.int32(2), np.bool_(True), np.str_("a"), np.datetime64("2020")],
        "types": [np.dtype("<f4"), np.float32, np.ndarray, structure],
        "matrix": np.matrix([[1, 2]]),
        "record": np.rec.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
        "polynomials": [np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2])],
        "random": [np.random.default_rng(1), np.random.RandomState(1), np.random.PCG64(1)],
        "functions": [np.add, np.mean, np.linalg.norm],
    }.items()


def write(directory):
    os.makedirs(directory)
    picklers = {"c": pickle.dumps, "python": pickle._dumps}
    for name, value in objects():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for kind, dumps in picklers.items():
                if kind == "python" and name in ("large-array", "long-text", "large"):
                    continue
                try:
                    data = dumps(value, protocol)
                except Exception:
                    # Some objects cannot be pickled with the oldest protocols.
                    continue
                path = os.path.join(directory, f"{name}.{kind}.{protocol}")
                with open(path + ".pkl", "wb") as file:
                    file.write(data)
                with open(path + ".optimized.pkl", "wb") as file:
                    file.write(pickletools.optimize(data))


class Asking(pickle.Unpickler):
    """Remembers what it is asked for."""

    def __init__(self, file):
        super().__init__(file)
        self.names = []

    def find_class(self, module, name):
        if [module, name] not in self.names:
            self.names.append([module, name])
        return super().find_class(module, name)


def ask(directory):
    answers = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            unpickler = Asking(file)
            unpickler.load()
        answers[name] = unpickler.names
    print(json.dumps(answers))


if __name__ == "__main__":
    {"write": write, "ask": ask}[sys.argv[1]](sys.argv[2])
