"""Trees of values as JSON beside a list of buffers: what can cross, and how it is described.

Runs in the other interpreter as well, so it needs only Python 3.8 and numpy 1.17. Nothing is ever
pickled: what has no description of its own is refused.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any, List, Tuple

MOST_DEPTH = 64


class Refused(Exception):
    """A value that cannot cross: where it is in the tree, what it is, and what to do instead."""

    def __init__(self, where: str, what: str, cure: str) -> None:
        super().__init__(where, what, cure)
        self.where: str = where
        self.what: str = what
        self.cure: str = cure


class Garbage(Exception):
    """Bytes that are no message."""


def where_is(path: Tuple[Any, ...]) -> str:
    """A place as Python writes it: `result["a"][3]`."""
    steps: List[str] = []
    while len(path) == 2:
        path, key = path
        steps.append("[%s]" % (json.dumps(key, ensure_ascii=False) if isinstance(key, str) else key))
    return str(path[0]) + "".join(reversed(steps))


def dtype_note(np: Any, dtype: Any, path: Tuple[Any, ...], wide_reals: bool) -> Any:
    """A dtype as JSON; raises Refused for those that mean something in one interpreter only."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": dtype_note(np, base, path, wide_reals), "shape": list(shape)}
    if dtype.names is not None:
        fields = [dtype.fields[name] for name in dtype.names]
        return {
            "names": list(dtype.names),
            "formats": [
                dtype_note(np, field[0], (path, name), wide_reals) for name, field in zip(dtype.names, fields)
            ],
            "offsets": [field[1] for field in fields],
            "titles": [field[2] if len(field) > 2 else None for field in fields],
            "itemsize": dtype.itemsize,
            "align": bool(dtype.isalignedstruct),
        }
    if dtype.hasobject or dtype.kind == "O":
        cure = "give it a type, such as .astype('f8') or .astype('U'), or make it a list"
        if dtype.kind == "T":
            cure = "convert it with .astype('U')"
        raise Refused(
            where_is(path),
            "an array of %s" % ("StringDType" if dtype.kind == "T" else "Python objects"),
            cure,
        )
    if dtype.kind == "T":
        raise Refused(where_is(path), "an array of StringDType", "convert it with .astype('U')")
    if dtype.type.__module__.split(".")[0] != "numpy":
        size = dtype.itemsize
        cure = "send its bits, .view('u%d'), and view them as %s where they arrive" % (size, dtype.name)
        raise Refused(where_is(path), "an array of %s, which is no type of numpy's own" % dtype.name, cure)
    if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16) and not wide_reals:
        cure = "convert it with .astype(%s)" % ("'f8'" if dtype.kind == "f" else "'c16'")
        raise Refused(
            where_is(path),
            "an array of %s, which the other interpreter keeps in other bits" % dtype.name,
            cure,
        )
    if dtype.kind not in "biufcSUVmM":
        raise Refused(where_is(path), "an array of dtype %s" % dtype, "convert it to another dtype")
    return dtype.str


def dtype_of(np: Any, note: Any, depth: int = 0) -> Any:
    """A dtype from its JSON."""
    if isinstance(note, str) and len(note) < 64 and "O" not in note:
        return np.dtype(note)
    if isinstance(note, dict) and depth < 16:
        if "base" in note:
            return np.dtype((dtype_of(np, note["base"], depth + 1), tuple(note["shape"])))
        formats = [dtype_of(np, item, depth + 1) for item in note["formats"]]
        described = {
            "names": note["names"],
            "formats": formats,
            "offsets": note["offsets"],
            "itemsize": note["itemsize"],
        }
        if any(title is not None for title in note["titles"]):
            described["titles"] = note["titles"]
        return np.dtype(described, align=note["align"])
    raise Garbage("a dtype that is none: %.100r" % (note,))


class Written:
    """A tree that is ready to be sent."""

    def __init__(self, np: Any, wide_reals: bool = True) -> None:
        self.np: Any = np
        self.wide_reals: bool = wide_reals
        self.buffers: List[Any] = []

    def node(self, value: Any, path: Tuple[Any, ...], depth: int = 0) -> Any:
        """The JSON of a value; its bytes are added to `buffers`."""
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else ["i", hex(value)]
        if kind is float:
            return value if math.isfinite(value) else ["f", struct.pack("<d", value).hex()]
        if depth >= MOST_DEPTH:
            raise Refused(
                where_is(path),
                "a tree of more than %d levels" % MOST_DEPTH,
                "flatten it, or see whether it contains itself",
            )
        if kind is dict:
            return [
                "d",
                [
                    part
                    for key, item in value.items()
                    for part in (self.key(key, path), self.node(item, (path, key), depth + 1))
                ],
            ]
        if kind is list or kind is tuple:
            return [
                "l" if kind is list else "t",
                [self.node(item, (path, number), depth + 1) for number, item in enumerate(value)],
            ]
        if kind is complex:
            return ["c", struct.pack("<dd", value.real, value.imag).hex()]
        if kind is bytes or kind is bytearray:
            return ["b" if kind is bytes else "B", self.buffer(value)]
        return self.of_numpy(value, path)

    def key(self, key: Any, path: Tuple[Any, ...]) -> Any:
        if type(key) is str or (type(key) is int and -(1 << 63) <= key < 1 << 63):
            return key
        raise Refused(
            where_is(path),
            "a dict with a key %.60r of type %s" % (key, name_of(type(key))),
            "use str or int as keys",
        )

    def of_numpy(self, value: Any, path: Tuple[Any, ...]) -> Any:
        np, kind = self.np, type(value)
        if isinstance(value, np.generic):
            if kind is np.str_:
                return ["U", str(value)]
            if kind is np.bytes_:
                return ["S", self.buffer(bytes(value))]
            array = np.asarray(value)
            return ["s", dtype_note(np, array.dtype, path, self.wide_reals), self.buffer(array)]
        if isinstance(value, np.ndarray):
            if kind is not np.ndarray and kind is not np.memmap:
                cure = "send numpy.asarray(...) of it"
                if isinstance(value, np.ma.MaskedArray):
                    cure = "send {'data': x.data, 'mask': numpy.ma.getmaskarray(x)}, or x.filled(...)"
                raise Refused(where_is(path), "a %s, which is more than an array" % name_of(kind), cure)
            array = np.asarray(value)
            note = dtype_note(np, array.dtype, path, self.wide_reals)
            fortran = array.flags.f_contiguous and not array.flags.c_contiguous
            return ["a", note, list(array.shape), int(fortran), self.buffer(array)]
        cure = "return and pass dicts, lists, tuples, arrays, numbers, str, bytes and None"
        if hasattr(value, "__array__"):
            cure = "send numpy.asarray(...) of it"
        elif isinstance(value, (dict, list, tuple, str, int, float)):
            cure = "send it as a plain %s" % next(
                t.__name__ for t in (dict, list, tuple, str, int, float) if isinstance(value, t)
            )
        elif hasattr(value, "__next__"):
            cure = "send list(...) of it; a generator that tells of progress is taken where the call has progress="
        raise Refused(where_is(path), "an object of type %s" % name_of(kind), cure)

    def buffer(self, value: Any) -> int:
        self.buffers.append(value)
        return len(self.buffers) - 1


def name_of(kind: type) -> str:
    """A type as people know it: `pathlib.PosixPath`."""
    return (
        kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
    )


def plain_bytes(np: Any, value: Any) -> memoryview:
    """The bytes of a buffer, without a copy where it is in one piece."""
    if isinstance(value, (bytes, bytearray)):
        return memoryview(value)
    if value.nbytes == 0:
        return memoryview(b"")
    if value.flags.f_contiguous and not value.flags.c_contiguous:
        value = value.T
    return memoryview(np.ascontiguousarray(value).reshape(-1).view(np.uint8))


def read_node(np: Any, node: Any, buffers: List[Any], depth: int = 0) -> Any:
    """A value from its JSON."""
    if node is None or isinstance(node, (bool, str, int, float)):
        return node
    if not isinstance(node, list) or not node or depth > MOST_DEPTH:
        raise Garbage("a value that is none")
    tag, rest = node[0], node[1:]
    if tag == "d":
        parts = rest[0]
        return {parts[i]: read_node(np, parts[i + 1], buffers, depth + 1) for i in range(0, len(parts), 2)}
    if tag == "l" or tag == "t":
        items = [read_node(np, item, buffers, depth + 1) for item in rest[0]]
        return items if tag == "l" else tuple(items)
    if tag == "a":
        note, shape, fortran, number = rest
        return read_array(np, dtype_of(np, note), tuple(shape), "F" if fortran else "C", buffers[number])
    if tag == "s":
        return read_array(np, dtype_of(np, rest[0]), (), "C", buffers[rest[1]]).copy()[()]
    if tag == "b" or tag == "B":
        return (bytes if tag == "b" else bytearray)(buffers[rest[0]])
    if tag == "U":
        return np.str_(rest[0])
    if tag == "S":
        return np.bytes_(bytes(buffers[rest[0]]))
    if tag == "i":
        return int(rest[0], 16)
    if tag == "f":
        return struct.unpack("<d", bytes.fromhex(rest[0]))[0]
    if tag == "c":
        return complex(*struct.unpack("<dd", bytes.fromhex(rest[0])))
    raise Garbage("a value of an unknown kind: %.20r" % (tag,))


def read_array(np: Any, dtype: Any, shape: Tuple[int, ...], order: str, memory: Any) -> Any:
    count = 1
    for length in shape:
        if type(length) is not int or length < 0:
            raise Garbage("an array of shape %r" % (shape,))
        count *= length
    if count * dtype.itemsize != len(memory) or dtype.hasobject:
        raise Garbage("%d bytes for an array %r of %s" % (len(memory), shape, dtype))
    if len(memory) == 0:
        return np.empty(shape, dtype, order)
    return np.ndarray(shape, dtype, buffer=memory, order=order)
