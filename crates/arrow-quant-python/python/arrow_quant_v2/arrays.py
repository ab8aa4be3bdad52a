"""npy and npz files read from their bytes, in Python alone.

`numpy.load` gives the descriptor of an open file to C, which in some versions of Pyodide ends in
`OSError` (EBADF) for every file of the host. `load` reads bytes, and nothing else.

This file needs nothing of the package around it, and numpy only if it is there: it can be copied, or
loaded by its path.
"""

from __future__ import annotations

import ast
import io
import os
import struct
import sys
import zipfile
from array import array
from typing import Any, BinaryIO, Dict, Iterable, List, Optional, Set, Tuple, Union, cast

Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]

_MAGIC = b"\x93NUMPY"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Longer headers are no arrays that anybody has.
_LONGEST_HEADER = 1 << 20
_PIECE = 1 << 20

# Kinds of numpy as formats of memoryviews; their sizes are checked on the machine at hand.
_FORMATS = {"b1": "?", "i1": "b", "u1": "B", "f2": "e", "f4": "f", "f8": "d"}
for _letters, _kind in (("hilq", "i"), ("HILQ", "u")):
    for _letter in _letters:
        _FORMATS.setdefault(f"{_kind}{struct.calcsize(_letter)}", _letter)


def load(source: Source, only: Optional[Iterable[str]] = None) -> Any:
    """Reads a .npy file into an array, or a .npz file into a dict of arrays by name.

    source
        A path, the bytes of a file, or a binary file that is read from where it is to its end. What it
        holds decides how it is read, never its name.
    only
        Names of arrays: of a .npz file no others are read or even decompressed. So an archive can be
        used of which some arrays are of types that cannot be had without numpy.

    With numpy, arrays are numpy's, own their memory and can be written to; types, byte order, Fortran
    order, axes without elements and 0 axes are as saved.

    Without numpy, arrays are memoryviews that can be written to, with their shape:

    - bool, integers, float32 and float64 have formats of their own, and float16 where Python's
      memoryviews know it; every other type is refused with `TypeError`, by name.
    - Numbers of the other byte order are turned into this machine's.
    - Arrays in Fortran order are put into C order.
    - An array without elements has one axis, since a memoryview cannot have an empty one among others.

    Objects are never unpickled. Raises `ValueError` for what is no array, cut off, damaged or pickled,
    and for a name of `only` that is not there; and `OSError`.
    """
    if isinstance(only, str):
        raise TypeError("`only` takes several names, such as a list of them, not one str")
    wanted = None if only is None else set(only)
    name = str(source) if isinstance(source, (str, os.PathLike)) else "the data"
    # Nothing is written to an archive, so bytes need not be copied.
    data = source if isinstance(source, bytes) and source[:4] in _ZIP else _bytes(source)
    if data[:6] == _MAGIC:
        if wanted is not None:
            raise ValueError(f"{name}: it is a single array, which has no name for `only` to choose")
        return _array(cast(bytearray, data), name)
    if data[:4] in _ZIP:
        return _archive(data, name, wanted)
    if not data:
        raise ValueError(f"{name}: an empty file is no array")
    raise ValueError(f"{name}: neither a .npy nor a .npz file; it starts with {bytes(data[:8])!r}")


def _bytes(source: Source) -> bytearray:
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            return _rest(file)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytearray(source)
    return _rest(source)


def _rest(file: BinaryIO) -> bytearray:
    """Everything from here on: by reads alone, and in a memory that can be written to."""
    data = bytearray()
    while True:
        piece = file.read(_PIECE)
        if not piece:
            return data
        data += piece


def _archive(data: Union[bytes, bytearray], name: str, wanted: Optional[Set[str]]) -> Dict[str, Any]:
    arrays: Dict[str, Any] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                key = member.filename[:-4] if member.filename.endswith(".npy") else member.filename
                if wanted is not None and key not in wanted:
                    continue
                with archive.open(member) as file:
                    content = _rest(cast(BinaryIO, file))
                if content[:6] != _MAGIC:
                    raise ValueError(f"{name}: {member.filename} in it is no array")
                if key in arrays:
                    raise ValueError(f"{name}: there are two arrays {key!r}")
                arrays[key] = _array(content, f"{name}: {key}")
    except TypeError as error:
        raise TypeError(f"{error}, or choose other arrays with `only`") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{name}: the archive is damaged: {error}") from error
    except Exception as error:
        # Deflate's own errors, without importing zlib, which a Python may lack.
        if type(error).__module__ == "zlib":
            raise ValueError(f"{name}: the archive is damaged: {error}") from error
        raise
    missing = sorted(set(wanted or ()) - set(arrays))
    if missing:
        raise ValueError(f"{name}: there is no array {', '.join(map(repr, missing))} in it")
    return arrays


def _header(data: bytearray, name: str) -> Tuple[Any, bool, Tuple[int, ...], int]:
    """Type, whether in Fortran order, shape, and where the numbers start."""
    if len(data) < 8:
        raise ValueError(f"{name}: the file is cut off in its header")
    version = data[6]
    if version not in (1, 2, 3):
        raise ValueError(f"{name}: version {version} of .npy is not known")
    form = "<H" if version == 1 else "<I"
    start = 8 + struct.calcsize(form)
    if len(data) < start:
        raise ValueError(f"{name}: the file is cut off in its header")
    (length,) = struct.unpack_from(form, data, 8)
    if length > _LONGEST_HEADER:
        raise ValueError(f"{name}: a header of {length} bytes is not believed")
    if len(data) < start + length:
        raise ValueError(f"{name}: the file is cut off in its header")
    text = bytes(data[start : start + length])
    try:
        header = ast.literal_eval(text.decode("utf-8" if version == 3 else "latin-1").strip())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
        is_shape = type(shape) is tuple and all(type(axis) is int and axis >= 0 for axis in shape)
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(f"{name}: the header is damaged: {error}") from error
    if not is_shape or type(fortran) is not bool:
        raise ValueError(f"{name}: the header is damaged: {text!r}")
    return descr, fortran, shape, start + length


def _has_objects(descr: Any) -> bool:
    if isinstance(descr, str):
        return descr.lstrip("<>|=")[:1] == "O"
    if isinstance(descr, (list, tuple)):
        return any(_has_objects(part) for part in descr)
    return False


def _array(data: bytearray, name: str) -> Any:
    descr, fortran, shape, start = _header(data, name)
    if _has_objects(descr):
        raise ValueError(f"{name}: it holds Python objects, which are pickled: they are not read")
    count = 1
    for axis in shape:
        count *= axis
    try:
        import numpy
    except ImportError:
        return _view(data, name, descr, fortran, shape, start, count)
    try:
        dtype = numpy.lib.format.descr_to_dtype(descr)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: numpy has no type {descr!r}: {error}") from error
    _whole(data, name, start, count * dtype.itemsize)
    if count * dtype.itemsize == 0:
        return numpy.empty(shape, dtype, "F" if fortran else "C")
    numbers = numpy.frombuffer(data, dtype, count, start)
    return numbers.reshape(shape, order="F" if fortran else "C")


def _whole(data: bytearray, name: str, start: int, size: int) -> None:
    if len(data) - start < size:
        raise ValueError(f"{name}: the file is cut off: {len(data) - start} of {size} bytes of numbers are there")


def _view(
    data: bytearray, name: str, descr: Any, fortran: bool, shape: Tuple[int, ...], start: int, count: int
) -> memoryview:
    kind = descr[1:] if isinstance(descr, str) and descr[:1] in "<>|=" else None
    form = _FORMATS.get(kind or "")
    if form is None:
        raise TypeError(f"{name}: a memoryview has no type {descr!r}: install numpy to read it")
    assert kind is not None
    size = int(kind[1:])
    _whole(data, name, start, size * count)
    numbers = memoryview(data)[start : start + size * count]
    if size > 1 and descr[0] != "=" and (descr[0] == ">") == (sys.byteorder == "little"):
        numbers = _swapped(numbers, size)
    try:
        typed: Any = _typed(numbers, form)
        if count:
            typed[0]
    except (NotImplementedError, ValueError) as error:
        raise TypeError(f"{name}: a memoryview has no type {descr!r} here: {error}") from error
    if not count:
        return cast(memoryview, typed)
    if fortran and len(shape) > 1:
        ordered = _typed(memoryview(bytearray(numbers.nbytes)), form)
        _reorder(typed, list(shape), ordered)
        typed = ordered
    return cast(memoryview, typed.cast("B").cast(form, shape))


def _typed(numbers: memoryview, form: str) -> Any:
    """One axis of numbers; checkers want to see the format itself, so this is of any type to them."""
    plain: Any = numbers.cast("B")
    return plain.cast(form)


def _swapped(numbers: memoryview, size: int) -> memoryview:
    letter = next(letter for letter in "HILQ" if array(letter).itemsize == size)
    words = array(letter)
    words.frombytes(numbers)
    words.byteswap()
    return memoryview(words).cast("B")


def _reorder(columns: memoryview, shape: List[int], rows: memoryview) -> None:
    """Copies numbers of which the first axis is the fastest to where the last one is."""
    if len(shape) == 1:
        rows[:] = columns
        return
    each = len(rows) // shape[0]
    for at in range(shape[0]):
        _reorder(columns[at :: shape[0]], shape[1:], rows[at * each : (at + 1) * each])
