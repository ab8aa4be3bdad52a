"""Structs of the Arrow C data interface that no library would make: each ends in an exception."""

import ctypes
import errno

import arrow_quant_v2 as aq
import pytest
from capsules import Given, Streamed, array, batch, lists, names, numbers, schema, table_schema


def test_structs_made_by_hand_are_read():
    for data in [Given(table_schema(), batch()), Streamed(table_schema(), [batch(), batch()])]:
        rows = aq.dequantize(aq.quantize(data)).rows()
        assert {row["layer_name"] for row in rows} == {"abc"}
        assert all(row["weights"].tolist() == [0.5] * 16 for row in rows)


WRONG = {
    "an unknown type": lambda: (table_schema(item=b"zz"), batch()),
    "no type": lambda: (table_schema(item=None), batch()),
    "an empty type": lambda: (table_schema(item=b""), batch()),
    "a type that is no text": lambda: (table_schema(item=b"\xff\xfe"), batch()),
    "a size that is no number": lambda: (table_schema(weights=b"+w:many"), batch()),
    "a negative size": lambda: (table_schema(weights=b"+w:-1"), batch()),
    "children that are not there": lambda: (table_schema(), batch(n_children=0)),
    "children without an address": lambda: (table_schema(), batch(children=None)),
    "a schema without children": lambda: (table_schema(n_children=0), batch()),
    "a schema whose children have no address": lambda: (table_schema(children=None), batch()),
    "a negative length": lambda: (table_schema(), batch(length=-1)),
    "a negative offset": lambda: (table_schema(), batch(offset=-1)),
    "a length that is not that of the columns": lambda: (table_schema(), batch(length=5)),
    "a negative length of a column": lambda: (table_schema(), batch(names(length=-1))),
    "too few buffers": lambda: (table_schema(), batch(names(n_buffers=1))),
    "too many buffers": lambda: (table_schema(), batch(names(n_buffers=300))),
    "buffers without an address": lambda: (table_schema(), batch(names(buffers=None))),
    "a list without numbers": lambda: (table_schema(), batch(right=lists(n_children=0))),
    "offsets that are too large": lambda: (table_schema(), batch(right=lists(offsets=(0, 17)))),
    "offsets that are negative": lambda: (table_schema(), batch(right=lists(offsets=(-1, 16)))),
    "offsets that fall": lambda: (table_schema(), batch(right=lists(offsets=(16, 0)))),
    "numbers without an address": lambda: (table_schema(), batch(right=lists(array(16, [None, None])))),
    "text past its end": lambda: (table_schema(), batch(array(1, [None, (ctypes.c_int32 * 2)(3, 1), ctypes.create_string_buffer(b"abc")]))),
    "text that is none": lambda: (table_schema(), batch(array(1, [None, (ctypes.c_int32 * 2)(0, 2), ctypes.create_string_buffer(b"\xff\xfe")]))),
    "numbers where columns are needed": lambda: (schema(b"f"), numbers()),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_structs(name):
    with pytest.raises(aq.ArrowQuantError):
        aq.quantize(Given(*WRONG[name]()))


@pytest.mark.parametrize("name", WRONG)
def test_wrong_structs_in_a_stream(name):
    of_schema, of_array = WRONG[name]()
    with pytest.raises(aq.ArrowQuantError):
        aq.quantize(Streamed(of_schema, [of_array]))


def test_a_stream_that_fails():
    with pytest.raises(aq.MetadataError, match="the disk is gone"):
        aq.quantize(Streamed(table_schema(), [batch(), errno.EIO], says=b"the disk is gone"))
    with pytest.raises(aq.MetadataError):
        aq.quantize(Streamed(table_schema(), [errno.EIO]))
    with pytest.raises(aq.MetadataError):
        aq.quantize(Streamed(table_schema(), [], schema_fails=errno.EINVAL))
    with pytest.raises(aq.MetadataError):
        aq.quantize(Streamed(table_schema(), [], says=b"\xff", schema_fails=errno.EINVAL))


def test_what_was_released_before():
    stream = Streamed(table_schema(), [batch()])
    assert aq.quantize(stream).num_rows == 1
    with pytest.raises(aq.MetadataError, match="was read before"):
        aq.quantize(stream)
    given = Given(table_schema(), batch())
    assert aq.quantize(given).num_rows == 1
    with pytest.raises(aq.MetadataError, match="was read before"):
        aq.quantize(given)
