"""What a cell of the matrix does with the wheel arrow_quant_v2: `write` quantizes a fixed corpus from
numpy and from Arrow, `read` restores what any cell, or the Rust core, quantized.

The corpus is made of whole numbers and of operations that round alike everywhere, and
crates/arrow-quant/examples/matrix_exchange.rs makes the same one in Rust. Arrow comes in through its
C data interface, built here with ctypes, as not every cell can have pyarrow.
"""

import ctypes

import numpy as np

import arrow_quant_v2 as aq

# Scheme, group size, search, precision of scales, and the least decibels.
SETTINGS = [
    ("int8_sym", 0, "minmax", "f32", None),
    ("int8_sym", 128, "mse", "f16", None),
    ("int4_sym", 32, "minmax", "f16", None),
    ("int4_sym", 128, "mse", "f16", None),
    ("int4_asym", 16, "mse", "f32", None),
    ("int4_asym", 64, "minmax", "f16", None),
    ("int4_asym", 0, "mse", "f16", None),
    ("int2_asym", 16, "mse", "f32", None),
    ("int2_asym", 64, "minmax", "f16", 12.0),
    ("nf4", 64, "minmax", "f16", None),
    ("nf4", 256, "mse", "f32", None),
    ("gguf_q8_0", 32, "minmax", "f16", None),
    ("gguf_q4_0", 32, "minmax", "f16", None),
    ("none", 0, "minmax", "f16", None),
]

# Name, shape, what is done to the numbers, and their type. Rows of 200, 33 and 24 end in a part of a
# group; those of another type than f32 come last, as a record batch has one type.
LAYERS = [
    ("ragged", (6, 200), "plain", "<f4"),
    ("one", (1,), "plain", "<f4"),
    ("empty", (0, 16), "plain", "<f4"),
    ("zeros", (4, 64), "zeros", "<f4"),
    ("constant", (3, 33), "constant", "<f4"),
    ("outliers", (4, 128), "outliers", "<f4"),
    ("subnormal", (2, 40), "subnormal", "<f4"),
    ("large", (2, 40), "large", "<f4"),
    ("three axes", (2, 5, 24), "plain", "<f4"),
    ("blocks", (3, 96), "plain", "<f4"),
    ("half", (5, 48), "plain", "<f2"),
    ("half outliers", (2, 100), "outliers", "<f2"),
    ("half blocks", (2, 64), "plain", "<f2"),
]

# The schemes of GGUF take no row that ends in a part of a block.
BLOCK = 32

TEXTS = ["layer_name", "dtype", "scheme", "scale_dtype"]
NUMBERS = ["row_start", "row_count", "bit_width", "group_size"]
QUALITY = ["sqnr_db", "cosine", "max_abs_err"]
AXES = 3


def weights(seed, shape, kind, dtype):
    """Numbers that look random and are the same everywhere: the high bits of a linear congruential
    generator (constants of MMIX: Knuth, The Art of Computer Programming, volume 2, 3.3.4)."""
    state, numbers = seed + 1, []
    for _ in range(int(np.prod(shape, dtype=np.int64))):
        state = (state * 0x5851F42D4C957F2D + 0x14057B7EF767814F) % 2**64
        numbers.append((state >> 40) / 2.0**23 - 1.0)
    even = np.array(numbers, dtype="<f4")
    # Most near zero, as weights are.
    array = even * even * even
    if kind == "zeros":
        array = array * np.float32(0)
    elif kind == "constant":
        array = array * np.float32(0) + np.float32(0.1)
    elif kind == "outliers":
        array[::50] *= np.float32(64)
    elif kind == "subnormal":
        array = array * np.float32(2.0**-140)
    elif kind == "large":
        array = array * np.float32(2.0**125)
    return array.astype(dtype).reshape(shape)


def name_of(setting):
    scheme, group_size, search, scale_dtype, least = setting
    parts = [scheme, str(group_size), search, scale_dtype] + ([] if least is None else ["fallback"])
    return "-".join(parts)


def write():
    every = [(item[0], weights(seed, *item[1:])) for seed, item in enumerate(LAYERS)]
    blocks = [(name, array) for name, array in every if array.shape[-1] % BLOCK == 0]
    arrays = {}
    for setting in SETTINGS:
        scheme, group_size, search, scale_dtype, least = setting
        layers = blocks if scheme.startswith("gguf") else every
        options = dict(scheme=scheme, group_size=group_size, search=search, scale_dtype=scale_dtype)
        options["fallback_sqnr_db"] = least
        name = name_of(setting)
        add(arrays, name + "/numpy", [aq.quantize(dict(layers), **options)])
        tables = []
        for dtype in ["<f4", "<f2"]:
            of_type = [layer for layer in layers if layer[1].dtype == dtype]
            tables.append(aq.quantize(Arrow(batch_of_layers(of_type)), **options))
        add(arrays, name + "/arrow", tables)
    return arrays


def add(arrays, name, tables):
    """The rows of quantized tables, column by column, and what they are restored to in Arrow."""
    rows = [row for table in tables for row in table.rows()]
    arrays[name + "/texts"] = np.array([[row[key] for key in TEXTS] for row in rows], "<U16")
    numbers = []
    for row in rows:
        shape = list(row["shape"])
        sizes = [len(row[key]) for key in ["quantized_data", "scales", "zero_points"]]
        padded = shape + [0] * (AXES - len(shape))
        numbers.append([row[key] for key in NUMBERS] + sizes + [len(shape)] + padded)
    arrays[name + "/numbers"] = np.array(numbers, "<i8")
    for key, dtype in [("quantized_data", "|u1"), ("scales", "<f4"), ("zero_points", "<f4")]:
        arrays["%s/%s" % (name, key)] = joined([row[key] for row in rows], dtype)
    arrays[name + "/quality"] = np.array([[row[key] for key in QUALITY] for row in rows], "<f4")
    restored = [row for table in tables for row in aq.dequantize(OnlyStream(table)).rows()]
    arrays[name + "/restored"] = joined([row["weights"] for row in restored], "<f4")


def joined(parts, dtype):
    return np.concatenate([np.zeros(0, dtype)] + [np.asarray(part, dtype) for part in parts])


def read(arrays):
    results = {}
    for setting in SETTINGS:
        for way in ["numpy", "arrow"]:
            name = "%s/%s" % (name_of(setting), way)
            rows = rows_of(arrays, name)
            given = rows if way == "numpy" else Arrow(batch_of_rows(rows))
            restored = aq.dequantize(given).rows()
            names = [row["layer_name"] for row in restored]
            if names != [row["layer_name"] for row in rows]:
                raise ValueError("%s: the layers are %r" % (name, names))
            results[name] = joined([row["weights"] for row in restored], "<f4")
    return results


def rows_of(arrays, name):
    texts, numbers = arrays[name + "/texts"], arrays[name + "/numbers"]
    places = {"quantized_data": 0, "scales": 0, "zero_points": 0}
    rows = []
    for text, number, quality in zip(texts, numbers, arrays[name + "/quality"]):
        row = {key: str(value) for key, value in zip(TEXTS, text)}
        row.update((key, int(value)) for key, value in zip(NUMBERS, number))
        number = number[len(NUMBERS) :]
        for key, size in zip(list(places), number):
            row[key] = arrays["%s/%s" % (name, key)][places[key] : places[key] + int(size)]
            places[key] += int(size)
        axes = int(number[3])
        row["shape"] = [int(length) for length in number[4 : 4 + axes]]
        row.update((key, float(value)) for key, value in zip(QUALITY, quality))
        rows.append(row)
    return rows


class OnlyStream:
    """An object of which nothing is known but that it gives a stream."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


# From here on: record batches by the C data interface,
# https://arrow.apache.org/docs/format/CDataInterface.html


class ArrowSchema(ctypes.Structure):
    pass


class ArrowArray(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowSchema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(ArrowArray))
ArrowSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowSchema))),
    ("dictionary", ctypes.POINTER(ArrowSchema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowArray))),
    ("dictionary", ctypes.POINTER(ArrowArray)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]


@RELEASE_SCHEMA
def release_schema(schema):
    schema.contents.release = RELEASE_SCHEMA()


@RELEASE_ARRAY
def release_array(array):
    array.contents.release = RELEASE_ARRAY()


# Whoever takes a batch may keep it for as long as this process lives, which is not long.
KEPT = []


class Column:
    """An array of Arrow: its type, its length, its buffers as numpy arrays, its children."""

    def __init__(self, format, length, buffers, children=()):
        self.format, self.length = format, length
        self.buffers, self.children = buffers, children

    def schema(self, name):
        children = [child.schema(child_name) for child_name, child in self.children]
        pointers = (ctypes.POINTER(ArrowSchema) * len(children))(*map(ctypes.pointer, children))
        schema = ArrowSchema(self.format, name, None, 0, len(children), pointers)
        schema.release = release_schema
        KEPT.append((schema, pointers, children))
        return schema

    def array(self):
        children = [child.array() for _, child in self.children]
        pointers = (ctypes.POINTER(ArrowArray) * len(children))(*map(ctypes.pointer, children))
        # No column has nulls, so that the first buffer, which would say where, is not there.
        addresses = [None] + [buffer.ctypes.data for buffer in self.buffers]
        buffers = (ctypes.c_void_p * len(addresses))(*addresses)
        array = ArrowArray(self.length, 0, 0, len(addresses), len(children), buffers, pointers)
        array.release = release_array
        KEPT.append((array, buffers, pointers, children, self.buffers))
        return array


class Arrow:
    """A record batch, as an object that gives it."""

    def __init__(self, columns):
        length = columns[0][1].length
        self.struct = Column(b"+s", length, [], columns)

    def __arrow_c_array__(self, requested_schema=None):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        schema, array = self.struct.schema(b""), self.struct.array()
        return (
            new(ctypes.addressof(schema), b"arrow_schema", None),
            new(ctypes.addressof(array), b"arrow_array", None),
        )


def plain(format, dtype, values):
    return Column(format, len(values), [np.array(values, dtype)])


def offsets(parts, dtype):
    return np.cumsum([0] + [len(part) for part in parts]).astype(dtype)


def texts(values):
    encoded = [value.encode("utf-8") for value in values]
    data = np.frombuffer(b"".join(encoded) + b"\0", "|u1")
    return Column(b"u", len(values), [offsets(encoded, "<i4"), data])


def lists(format, offset_dtype, item, item_dtype, parts):
    child = plain(item, item_dtype, joined(parts, item_dtype))
    return Column(format, len(parts), [offsets(parts, offset_dtype)], [(b"item", child)])


def shapes(values):
    return lists(b"+l", "<i4", b"l", "<i8", values)


def batch_of_layers(layers):
    arrays = [array.reshape(-1) for _, array in layers]
    dtype = arrays[0].dtype.str
    return [
        (b"layer_name", texts([name for name, _ in layers])),
        (b"weights", lists(b"+L", "<i8", {"<f4": b"f", "<f2": b"e"}[dtype], dtype, arrays)),
        (b"shape", shapes([array.shape for _, array in layers])),
    ]


def batch_of_rows(rows):
    def of(key):
        return [row[key] for row in rows]

    codes = of("quantized_data")
    columns = [(key.encode(), texts(of(key))) for key in TEXTS]
    columns += [(b"shape", shapes(of("shape")))]
    for key, format, dtype in [
        ("row_start", b"l", "<i8"),
        ("row_count", b"l", "<i8"),
        ("bit_width", b"C", "|u1"),
        ("group_size", b"i", "<i4"),
        ("sqnr_db", b"f", "<f4"),
        ("cosine", b"f", "<f4"),
        ("max_abs_err", b"f", "<f4"),
    ]:
        columns += [(key.encode(), plain(format, dtype, of(key)))]
    buffers = [offsets(codes, "<i8"), joined(codes + [[0]], "|u1")]
    columns += [(b"quantized_data", Column(b"Z", len(rows), buffers))]
    for key in ["scales", "zero_points"]:
        columns += [(key.encode(), lists(b"+L", "<i8", b"f", "<f4", of(key)))]
    return columns
