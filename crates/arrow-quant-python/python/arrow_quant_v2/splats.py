"""Gaussian splats of SPZ files as arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Optional, Union

from ._native import SplatArray, read_spz, read_spz_info

# A path, or what is in the file: bytes, or anything that gives its memory.
Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview]


def load_spz(
    source: Source,
    frame: Optional[str] = None,
    fields: Optional[Iterable[str]] = None,
) -> dict[str, Any]:
    """Reads an SPZ file of any version (1 to 4, in gzip or zstd) into a dict of float32 arrays.

    source
        A path, or the bytes of a file: `bytes`, which are not copied, or any other buffer.
    frame
        What x, y and z of the result point to, as three letters of Left/Right, Up/Down, Front/Back:
        "RUB" (OpenGL, three.js), "RDF" (PLY files), "LUF" (glTF), "RUF" (Unity), "RFU" (z up), and 11
        others. None leaves the numbers as they are stored, which is RUB unless the file states another.
    fields
        Which of "positions", "scales", "rotations", "alphas", "colors" and "sh" to decode, all if None;
        the keys of the others are None.

    The arrays, for N points and K = 0, 3, 8, 15 or 24 coefficients of SH degree 0 to 4:

    positions
        (N, 3): x, y, z of the centres, in the unit of the scene.
    scales
        (N, 3): natural logarithm of the size along each axis of the splat.
    rotations
        (N, 4): quaternion x, y, z, w (w is last), of length 1.
    alphas
        (N,): logit of the opacity, which is 1 / (1 + exp(-alpha)); -inf and inf where it is 0 and 1.
    colors
        (N, 3): red, green, blue as SH coefficient of degree 0 (f_dc); the colour itself is
        0.5 + 0.28209479 * colors.
    sh
        (N, K, 3): SH coefficients of degree 1 and up, each with red, green, blue. With numpy it is a
        view into sh_coefficients when both are there, and so has gaps between the points.
    sh_coefficients
        (N, 3 * (K + 1)): colors and sh of a point one after the other, f_dc first, coefficient before
        channel. None if not both are decoded, or if there is no numpy.

    The other keys:

    num_points, sh_degree
        N, and 0 to 4. A file may have no points; one that is damaged is an error, never empty.
    frame
        The frame of the arrays.
    version, container, antialiased, fractional_bits, flags, unknown_flags, frame_stored,
    frame_is_stated, extensions, trailing_bytes
        As `spz_info` has them.

    With numpy, arrays are its own, and can be written to. Without it they are memoryviews of format "f"
    and of that shape, or of one axis and no element where N or K is 0, since a memoryview cannot have an
    empty axis among others.

    Other Python threads run meanwhile. The memory taken is that of the arrays.

    Raises `SpzError` (a `ValueError`) or what is derived of it: `NotSpzError`, `UnsupportedSpzError`,
    `TruncatedSpzError`, `ImplausibleSpzError`, `CorruptSpzError`; `ModelNotFoundError` (a
    `FileNotFoundError`), `OSError`, `MemoryError`; and `ConfigurationError` for frames and fields that do
    not exist.
    """
    if isinstance(fields, str):
        fields = [fields]
    names = None if fields is None else list(fields)
    numpy = _numpy()
    is_whole = numpy is not None and (names is None or {"colors", "sh"} <= set(names))
    info, name, arrays = read_spz(_given(source), frame, names, is_whole)
    cloud: dict[str, Any] = dict.fromkeys(
        ("positions", "scales", "rotations", "alphas", "colors", "sh", "sh_coefficients")
    )
    while arrays:
        key, array = arrays.popitem()
        cloud[key] = _as_memory(array) if numpy is None else numpy.asarray(array)
    if is_whole:
        whole = cloud["sh"]
        cloud["sh"] = whole[:, 1:, :]
        cloud["sh_coefficients"] = whole.reshape(len(whole), 3 * whole.shape[1])
    cloud.update(info)
    cloud["frame"] = name
    return cloud


def spz_info(source: Source) -> dict[str, Any]:
    """What an SPZ file says of itself, without its points.

    version, container
        1 to 4, and "gzip" or "zstd"; version 4 is found in both.
    num_points, sh_degree
        How many splats, and the degree of their spherical harmonics, 0 to 4.
    antialiased
        Whether they were trained to be drawn with antialiasing (mip splatting).
    fractional_bits
        Bits of a position after the point; without meaning in version 1.
    flags, unknown_flags
        All flags, and those that nobody here knows: they may change what numbers mean.
    frame_stored, frame_is_stated
        The frame of the stored numbers, and whether the file states it or RUB is taken for granted.
    extensions
        Records of vendors: a list of dicts with `type`, `bytes`, `name` (None if unknown) and what a
        known one says.
    trailing_bytes
        Bytes after the last part that have no meaning here. Of gzip files they are only looked for
        where `load_spz` reads, or where there are extensions.

    A gzip file with extensions is inflated to its end, as they stand there. Raises as `load_spz` does.
    """
    return read_spz_info(_given(source))


def _given(source: Source) -> Union[str, bytes]:
    """A path as text, and a buffer as bytes, which never change while other threads run."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return source if isinstance(source, bytes) else bytes(memoryview(source))


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        return None
    return numpy


def _as_memory(array: SplatArray) -> Any:
    data = memoryview(array.copied())
    if not data.nbytes:
        return data.cast("f")
    return data.cast("f", array.shape)
