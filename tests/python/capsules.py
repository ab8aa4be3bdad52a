"""Structs of the Arrow C data interface made by hand, right and wrong ones."""

import ctypes

NEW = ctypes.pythonapi.PyCapsule_New
NEW.restype = ctypes.py_object
NEW.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class Schema(ctypes.Structure):
    """ArrowSchema."""


class Array(ctypes.Structure):
    """ArrowArray."""


class Stream(ctypes.Structure):
    """ArrowArrayStream."""


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))
RELEASE_STREAM = ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))
GET_SCHEMA = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))
GET_NEXT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))
GET_ERROR = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Stream))

Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
]
Stream._fields_ = [
    ("get_schema", GET_SCHEMA),
    ("get_next", GET_NEXT),
    ("get_last_error", GET_ERROR),
    ("release", RELEASE_STREAM),
    ("private_data", ctypes.c_void_p),
]


def released(pointer):
    """Marks a struct as released, as the protocol wants it."""
    pointer[0].release = type(pointer[0].release)()


release_schema, release_array = RELEASE_SCHEMA(released), RELEASE_ARRAY(released)
release_stream = RELEASE_STREAM(released)

# What the structs point to must stay: nothing of a test is let go of.
KEPT = []


def keep(value):
    KEPT.append(value)
    return value


def schema(type_, name=b"", columns=(), **changes):
    """A schema, with other values in some fields."""
    pointers = keep((ctypes.POINTER(Schema) * max(len(columns), 1))())
    for place, child in enumerate(columns):
        pointers[place] = ctypes.pointer(child)
    made = keep(Schema(format=type_, name=name, n_children=len(columns), children=pointers, release=release_schema))
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def array(count, data, columns=(), **changes):
    """An array of buffers (`None` or a ctypes array), with other values in some fields."""
    pointers = keep((ctypes.POINTER(Array) * max(len(columns), 1))())
    for place, child in enumerate(columns):
        pointers[place] = ctypes.pointer(child)
    addresses = keep((ctypes.c_void_p * max(len(data), 1))())
    for place, buffer in enumerate(data):
        addresses[place] = None if buffer is None else ctypes.addressof(keep(buffer))
    made = keep(
        Array(
            length=count,
            n_buffers=len(data),
            n_children=len(columns),
            buffers=addresses,
            children=pointers,
            release=release_array,
        )
    )
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def names(**changes):
    """One name, "abc"."""
    buffers = [None, (ctypes.c_int32 * 2)(0, 3), ctypes.create_string_buffer(b"abc")]
    return array(1, buffers, **changes)


def numbers(**changes):
    """Sixteen numbers."""
    return array(16, [None, (ctypes.c_float * 16)(*[0.5] * 16)], **changes)


def lists(child=None, offsets=(0, 16), **changes):
    """One list of numbers."""
    buffers = [None, (ctypes.c_int32 * 2)(*offsets)]
    return array(1, buffers, [child or numbers()], **changes)


def table_schema(weights=b"+l", item=b"f", **changes):
    """The schema of a batch with names and weights."""
    item = schema(item, b"item")
    return schema(b"+s", b"", [schema(b"u", b"layer_name"), schema(weights, b"weights", [item])], **changes)


def batch(left=None, right=None, **changes):
    """A batch of one row."""
    return array(1, [None], [left or names(), right or lists()], **changes)


class Given:
    """An object that gives an array."""

    def __init__(self, of_schema, of_array):
        self.capsules = of_schema, of_array

    def __arrow_c_array__(self, requested_schema=None):
        of_schema, of_array = self.capsules
        return (
            NEW(ctypes.addressof(of_schema), b"arrow_schema", None),
            NEW(ctypes.addressof(of_array), b"arrow_array", None),
        )


class Streamed:
    """An object that gives a stream of these arrays; one that is an error number ends it."""

    def __init__(self, of_schema, arrays, says=None, schema_fails=0):
        arrays = iter(arrays)

        def get_schema(stream, out):
            if not schema_fails:
                ctypes.memmove(out, ctypes.byref(of_schema), ctypes.sizeof(Schema))
            return schema_fails

        def get_next(stream, out):
            given = next(arrays, None)
            if isinstance(given, int):
                return given
            ended = Array()
            ctypes.memmove(out, ctypes.byref(given or ended), ctypes.sizeof(Array))
            return 0

        text = keep(ctypes.create_string_buffer(says)) if says else None
        self.stream = keep(
            Stream(
                get_schema=keep(GET_SCHEMA(get_schema)),
                get_next=keep(GET_NEXT(get_next)),
                get_last_error=keep(GET_ERROR(lambda stream: ctypes.addressof(text) if text else None)),
                release=release_stream,
            )
        )

    def __arrow_c_stream__(self, requested_schema=None):
        return NEW(ctypes.addressof(self.stream), b"arrow_array_stream", None)
