"""What crosses, both ways, with its exact bits and types; and what is refused, where."""

import math
import struct

import numpy as np
import pytest

from arrow_quant_v2 import bridge

ARRAYS = {
    "f2": np.array([0.5, -2, np.inf, np.nan], "f2"),
    "f4": np.linspace(0, 1, 7, dtype="f4"),
    "f8 big": np.linspace(0, 1, 7).astype(">f8"),
    "i2 big": np.arange(-3, 4).astype(">i2"),
    "i1": np.arange(-3, 4, dtype="i1"),
    "u8": np.array([0, 2**64 - 1], "u8"),
    "bool": np.array([True, False, True]),
    "c8": np.array([1 + 2j, -0.0 - 3j], "c8"),
    "c16": np.array([[1 + 2j], [complex(math.nan, math.inf)]]),
    "longdouble": np.array([1, 2], np.longdouble) / 3,
    "clongdouble": np.array([1 + 1j], np.clongdouble) / 3,
    "0-d": np.array(3.5),
    "0-d text": np.array("abc"),
    "empty": np.zeros((0, 3), "f4"),
    "empty 3-d": np.zeros((2, 0, 5), ">i4", order="F"),
    "fortran": np.asfortranarray(np.arange(12, dtype="f4").reshape(3, 4)),
    "fortran large": np.asfortranarray(np.arange(200000, dtype="f8").reshape(400, 500)),
    "stepped": np.arange(20)[::3],
    "backwards": np.arange(200000, dtype="f4").reshape(400, 500)[::-1, ::-2],
    "transposed": np.arange(24, dtype="i4").reshape(2, 3, 4).transpose(1, 2, 0),
    "repeated": np.broadcast_to(np.arange(3), (1000, 3)),
    "read-only": np.frombuffer(b"abcdefgh", "<u4"),
    "text": np.array(["", "abc", "\U0001f600\u00e9"]),
    "text big": np.array(["abc"]).astype(">U5"),
    "bytes": np.array([b"", b"ab\0c", b"abcdef"]),
    "void": np.array([b"\0\1\2", b"\3\4\5"], "V3"),
    "dates": np.array(["1970-01-01T00:00:01", "NaT"], "M8[ns]"),
    "dates of 25 s": np.array([1, 2, -3]).astype("M8[25s]"),
    "dates big": np.array(["2020-02-29"], "M8[D]").astype(">M8[D]"),
    "durations": np.array([1, -5], "m8[us]"),
    "struct": np.array([(1, 2.5, b"xy")], dtype=[("a", "i1"), ("b", ">f8"), ("c", "S3")]),
    "struct aligned": np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "struct nested": np.ones(2, dtype=[("p", [("x", "f4"), ("y", "f4", (2, 3))]), ("\u00e9", "M8[s]")]),
    "struct gaps": np.zeros(
        2, np.dtype({"names": ["a", "b"], "formats": ["u1", "u2"], "offsets": [4, 1], "itemsize": 9})
    ),
    "struct titles": np.zeros(2, np.dtype([(("A title", "a"), "i4"), ("b", "i2")])),
    "struct of nothing": np.zeros(2, np.dtype([])),
    "many axes": np.zeros((1,) * 32, "u1"),
    "large": np.random.default_rng(1).standard_normal(1_000_000).astype("f4")
    if hasattr(np.random, "default_rng")
    else np.arange(1e6, dtype="f4"),
}

if tuple(map(int, np.__version__.split(".")[:2])) < (2, 5):
    # Newer ones warn of durations without a unit.
    ARRAYS["durations generic"] = np.array([7], "m8")

SCALARS = [
    np.float32(1.5), np.float64(math.pi), np.float16(0.1), np.longdouble(1) / 3, np.int8(-1), np.uint64(2**64 - 1),
    np.bool_(True), np.complex64(1 + 2j), np.datetime64("2020-01-01T00:00", "m"), np.datetime64("NaT", "s"),
    np.timedelta64(5, "ms"), np.str_("abc\u00e9"), np.bytes_(b"a\0b\0"), np.void(b"\0\1\2"), ARRAYS["struct"][0],
]  # fmt: skip

TREES = [
    None, True, False, 0, -1, 2**63, -(2**200), 10**5000, 1.5, -0.0, math.inf, -math.inf, 5e-324, 1e308, 1 / 3,
    "", "text", "\ud800 alone", "\0", "\U0001f600", b"", b"\0\xff", bytearray(b"abc"), complex(1, -0.0), complex(math.inf, 2),
    [], (), {}, [[], [()], {}], {"a": {"b": [1, (2, None)]}}, {1: "a", -5: "b", "1": "c", "": 0, "l": ["l", ["d"]]},
    ["a", 0, 1], [None] * 1000, {"x": (1, [2, {"y": b"z"}])}, list(range(100000)),
]  # fmt: skip


def same(left, right):
    """Whether two values have the same types and bits."""
    assert type(left) is type(right), (left, right)
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype and left.dtype.isalignedstruct == right.dtype.isalignedstruct
        assert left.shape == right.shape
        if left.dtype.names is None or left.dtype.itemsize == sum(
            left.dtype[n].itemsize for n in left.dtype.names
        ):
            assert left.tobytes() == right.tobytes()
        else:
            assert (left == right).all()
        is_fortran = left.flags.f_contiguous and not left.flags.c_contiguous
        assert (
            right.flags.f_contiguous and not right.flags.c_contiguous
            if is_fortran
            else right.flags.c_contiguous
        )
        assert right.flags.writeable and right.flags.aligned
    elif isinstance(left, dict):
        assert list(left) == list(right) and [type(key) for key in left] == [type(key) for key in right]
        for key in left:
            same(left[key], right[key])
    elif isinstance(left, (list, tuple)):
        assert len(left) == len(right)
        for one, two in zip(left, right):
            same(one, two)
    elif isinstance(left, float):
        assert struct.pack("d", left) == struct.pack("d", right)
    elif isinstance(left, complex):
        assert struct.pack("dd", left.real, left.imag) == struct.pack("dd", right.real, right.imag)
    elif isinstance(left, np.generic):
        # Long doubles have bytes that say nothing.
        same_bits = left.tobytes() == right.tobytes() or (left.dtype == np.longdouble and left == right)
        assert left.dtype == right.dtype and same_bits
    else:
        assert left == right


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_as_it_was(other, name):
    same(ARRAYS[name], other.call("remote:echo", ARRAYS[name]))


@pytest.mark.parametrize(
    "name", ["f8 big", "fortran large", "large", "dates of 25 s", "longdouble", "0-d", "backwards"]
)
def test_an_array_is_there_what_it_is_here(other, name):
    array = ARRAYS[name]
    dtype, shape, fortran, writable, data = other.call("remote:about", array)
    is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    assert (dtype, shape, writable) == (array.dtype.str, array.shape, True)
    assert not is_fortran or fortran
    assert data == array.tobytes("A" if is_fortran else "C")


def test_all_at_once(other):
    same(ARRAYS, other.call("remote:echo", ARRAYS))
    args, kwargs = other.call(
        "remote:several", *ARRAYS.values(), **{"a": ARRAYS["large"], "function": 1, "self": None}
    )
    assert len(args) == len(ARRAYS) and kwargs["function"] == 1
    same(kwargs["a"], ARRAYS["large"])


def test_more_large_arrays_than_segments(other):
    arrays = [np.full(20000, number, "f8") for number in range(100)]
    same(arrays, other.call("remote:echo", arrays))


@pytest.mark.parametrize("number", range(len(SCALARS)))
def test_a_single_value_of_numpy_stays_one(other, number):
    same(SCALARS[number], other.call("remote:echo", SCALARS[number]))


@pytest.mark.parametrize("number", range(len(TREES)))
def test_a_tree_comes_back_as_it_was(other, number):
    same(TREES[number], other.call("remote:echo", TREES[number]))


def test_nan_keeps_its_bits(other):
    odd = struct.unpack("<d", bytes.fromhex("010000000000f87f"))[0]
    assert struct.pack("<d", other.call("remote:echo", odd)).hex() == "010000000000f87f"


def test_types_are_kept_on_the_way_there(other):
    tree = {"a": 1, "b": [1.0, (True, None), b"", "s", np.float32(1), np.zeros(1)]}
    assert other.call("remote:kinds", tree) == {
        "a": "int",
        "b": ["float", ["bool", "NoneType"], "bytes", "str", "float32", "ndarray"],
    }


@pytest.mark.parametrize("transport", ["direct", "memfd", "file", "pipe"])
def test_every_transport_carries_everything(any_python, transport, clean):
    with bridge.Interpreter(any_python, transport=transport, output="capture") as other:
        same(ARRAYS, other.call("remote:echo", ARRAYS))
        huge = np.arange(3_000_001, dtype="f8")
        result = other.call("remote:echo", [huge, huge[::2], huge.astype(">f4")])
        same([huge, huge[::2], huge.astype(">f4")], result)
        result[0][:] = 5
        assert other.call("remote:make", 3)["count"] == 3 and (result[0] == 5).all()
        told = []
        other.call("remote:loud_progress", progress=told.append)
        same(told[0], np.arange(100000, dtype="f8"))


def test_arrays_outlive_the_interpreter(any_python):
    with bridge.Interpreter(any_python) as other:
        array = other.call("remote:make", 1_000_000)["numbers"]
    assert array.sum(dtype="f8") == 999_999 * 500_000


def refused(where, what, call, *args):
    with pytest.raises(bridge.CrossingError, match=what) as caught:
        call(*args)
    assert caught.value.where == where, caught.value
    return str(caught.value)


def test_what_cannot_cross_is_refused_by_name_before_it_is_sent(other):
    other.call("remote:echo", 1)
    before = other.pid
    loop = []
    loop.append(loop)
    for value, where, what in [
        (np.array([1, None]), "args[0]", "Python objects"),
        ({"a": [1, 2, 3, np.zeros(2, dtype=[("x", "O")])]}, 'args[0]["a"][3]["x"]', "Python objects"),
        (object(), "args[0]", "type object"),
        ([1, {"x": {1, 2}}], 'args[0][1]["x"]', "type set"),
        ({2.5: 1}, "args[0]", "a key 2.5"),
        ({(1, 2): 1}, "args[0]", "a key"),
        ({True: 1}, "args[0]", "a key True of type bool"),
        (np.ma.array([1, 2], mask=[0, 1]), "args[0]", "MaskedArray"),
        (np.rec.array([(1,)], dtype=[("a", "i4")]), "args[0]", "recarray"),
        (lambda: 0, "args[0]", "function"),
        ((x for x in "ab"), "args[0]", "generator"),
    ]:
        message = refused(where, what, other.call, "remote:echo", value)
        assert "; " in message, message
    with pytest.raises(bridge.CrossingError, match="64 levels"):
        other.call("remote:echo", loop)
    with pytest.raises(bridge.CrossingError, match=r"kwargs\[\"b\"\] is an object of type range"):
        other.call("remote:several", b=range(3))
    assert other.pid == before


def test_what_is_returned_is_refused_in_the_same_way(other):
    message = refused('result["a"][3]', "Python objects", other.call, "remote:objects")
    assert "what remote:objects returned cannot cross" in message
    refused("result[0]", "pathlib.PosixPath", other.call, "remote:path_object")
    assert other.call("remote:echo", 1) == 1


def test_string_dtype_is_refused_with_the_cure(python):
    with bridge.Interpreter(python("numpy 2.2.6"), output="capture") as other:
        message = refused('result["x"]', "StringDType", other.call, "remote:strings")
        assert ".astype('U')" in message


def test_subclasses_of_plain_types_are_refused_with_the_cure(other):
    import collections
    import enum

    class Colour(enum.IntEnum):
        RED = 1

    Point = collections.namedtuple("Point", "x y")
    for value, cure in [
        (Colour.RED, "plain int"),
        (Point(1, 2), "plain tuple"),
        (collections.OrderedDict(a=1), "plain dict"),
    ]:
        with pytest.raises(bridge.CrossingError, match=cure):
            other.call("remote:echo", value)
