"""What is not read ends in an exception of a fitting kind that says the cure."""

import ctypes
import math
import pickle

import arrow_quant_v2 as aq
import pytest
from support import Lent

MEMORY = (ctypes.c_double * 8)(*[0.5] * 8)


def broken(**changes):
    """An array whose interface says something else."""
    array = Lent(MEMORY, "<f4", (8,))
    array.interface.update(changes)
    return {"layer": array}


@pytest.mark.parametrize(
    "data, kind, says",
    [
        (3, TypeError, "int is no Arrow data"),
        (None, TypeError, "NoneType is no Arrow data"),
        ("text", TypeError, "str is no Arrow data"),
        ([1.0], TypeError, "pass a table or record batch of pyarrow"),
        ({1: [1.0]}, TypeError, "must be str"),
        ({"layer": "text"}, TypeError, "str is no array"),
        ({"layer": ["text"]}, TypeError, "no list of floats"),
        ({"layer": None}, TypeError, "NoneType is no array"),
        (broken(typestr="<f8"), ValueError, r'astype\("float32"\)'),
        (broken(typestr=">f4"), ValueError, r"newbyteorder"),
        (broken(typestr="<i4"), ValueError, "weights of <i4 are not quantized"),
        (broken(typestr="<c8"), ValueError, "convert it"),
        (broken(typestr="f"), ValueError, "no type of numbers"),
        (broken(shape=(-1,)), ValueError, "is no shape"),
        (broken(shape=(2**62, 2**62)), ValueError, "is no shape"),
        (broken(strides=(4, 4)), ValueError, "strides do not fit"),
        (broken(data=None), ValueError, "gives no address"),
        (broken(data=(0, False)), ValueError, "address is null"),
        (broken(mask=Lent(MEMORY, "|b1", (8,))), ValueError, "masked"),
    ],
)
def test_weights(data, kind, says):
    with pytest.raises(kind, match=says) as raised:
        aq.quantize(data)
    assert isinstance(raised.value, aq.ArrowQuantError)


@pytest.mark.parametrize(
    "options, says",
    [
        ({"bits": 3}, "bits is 3, but can be 2, 4 or 8"),
        ({"bits": 8, "scheme": "nf4"}, "leave one of them out"),
        ({"overrides": 3}, "neither a mapping"),
        ({"overrides": {"a": 3}}, "neither a mapping"),
        ({"overrides": ["a"]}, "neither a mapping"),
        ({"overrides": [{"bits": 8}]}, "without a pattern"),
        ({"overrides": {"a": "int5"}}, "overrides: scheme"),
        ({"overrides": {"a": {"bits": 3}}}, "overrides: bits is 3"),
        ({"overrides": {"a": {"bit": 4}}}, '"bit" is no setting'),
        ({"overrides": {"a": {"group_size": "x"}}}, '"group_size" has a value'),
        ({"overrides": {"a": {"group_size": 7}}}, "multiple of 16"),
        ({"overrides": {"": "nf4"}}, "empty"),
        ({"scheme": "int5"}, "int4_sym"),
        ({"search": "best"}, '"mse" or "minmax"'),
        ({"scale_dtype": "f8"}, '"f16" or "f32"'),
        ({"group_size": 17}, "multiple of 16"),
        ({"group_size": -1}, "cannot be negative"),
        ({"fallback_sqnr_db": math.nan}, "NaN is no ratio"),
        ({"threads": 0}, "at least 1"),
        ({"dtype": 3}, "dtype must be a str"),
    ],
)
def test_options(options, says):
    with pytest.raises(aq.ConfigurationError, match=says):
        aq.quantize({"a": Lent.floats([0.5] * 16)}, **options)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_names_layer_and_index(value):
    weights = {"fine": [0.5] * 8, "bad": [0.5] * 5 + [value] + [0.5] * 2}
    with pytest.raises(aq.QuantizationError) as raised:
        aq.quantize(weights)
    error = raised.value
    assert isinstance(error, ValueError)
    assert (error.layer, error.row, error.index) == ("bad", 0, 5)
    assert '"bad"' in str(error) and "weight 5" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.index) == (aq.QuantizationError, str(error), 5)


def row(**changes):
    """A row of quantized weights with something else in it."""
    whole = aq.quantize({"a": [0.5] * 32}).rows()[0]
    whole.update(changes)
    return [whole]


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"scheme": "int5"}, "no scheme"),
        ({"group_size": 3}, "no group size"),
        ({"shape": [32, 2]}, "bytes of codes"),
        ({"shape": [-1]}, "is no length"),
        ({"shape": [2**62, 2**62]}, "."),
        ({"row_start": 5}, "not within the first axis"),
        ({"quantized_data": b""}, "0 bytes of codes"),
        ({"scales": []}, "0 scales"),
        ({"zero_points": [1.0]}, "1 zero points"),
        ({"scale_dtype": "f8"}, "neither f16 nor f32"),
    ],
)
def test_quantized_rows_that_contradict_themselves(changes, says):
    with pytest.raises(aq.ValidationError, match=says):
        aq.dequantize(row(**changes))


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"shape": "text"}, '"shape" is of a type that is not read there, str'),
        ({"scheme": 4}, '"scheme" is of a type'),
        ({"quantized_data": "text"}, "neither a Buffer, bytes nor an array"),
        ({"quantized_data": Lent(MEMORY, "<f8", (8,))}, "of uint8 is needed"),
        ({"scales": Lent(MEMORY, "<f8", (8,))}, "convert it"),
        ({"scales": b"text"}, r'Buffer\(data, "f32"\)'),
        ({"scales": aq.Buffer(b"text")}, "not of f32"),
    ],
)
def test_quantized_rows_of_other_types(changes, says):
    with pytest.raises(aq.MetadataError, match=says):
        aq.dequantize(row(**changes))


def test_quantized_rows_that_are_none():
    with pytest.raises(aq.InputTypeError, match="row 0 is no dict"):
        aq.dequantize([3])
    with pytest.raises(aq.InputTypeError, match="a list of rows"):
        aq.dequantize(3)
    with pytest.raises(aq.MetadataError, match='"shape" is not there'):
        aq.dequantize([{"layer_name": "a"}])


def test_capsules_that_are_none():
    class Wrong:
        def __init__(self, value):
            self.value = value

        def __arrow_c_stream__(self, requested_schema=None):
            return self.value

    class Array(Wrong):
        __arrow_c_stream__ = None

        def __arrow_c_array__(self, requested_schema=None):
            return self.value

    for value in [None, 3, b"arrow_array_stream", aq.output_schema().__arrow_c_schema__()]:
        with pytest.raises(aq.InputTypeError, match="no capsule of the name"):
            aq.quantize(Wrong(value))
    table = aq.quantize({"a": [0.5] * 16})
    stream = table.__arrow_c_stream__()
    assert aq.dequantize(Wrong(stream)).num_rows == 1
    with pytest.raises(aq.MetadataError, match="was read before"):
        aq.dequantize(Wrong(stream))


def test_a_producer_that_fails_is_told():
    class Failing:
        def __arrow_c_stream__(self, requested_schema=None):
            raise KeyError("the producer's own error")

    with pytest.raises(KeyError, match="the producer's own error"):
        aq.quantize(Failing())
