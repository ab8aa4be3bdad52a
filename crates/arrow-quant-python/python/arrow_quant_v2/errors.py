"""The exceptions of arrow_quant_v2; each is also one of Python's own."""

from typing import Optional


class ArrowQuantError(Exception):
    """The base of every exception of this library.

    `layer`, `row` (of its record batch, from 0) and `index` (of the weight within the row, from 0) say
    where, and are None where that does not apply or is not known.
    """

    layer: Optional[str] = None
    row: Optional[int] = None
    index: Optional[int] = None


class QuantizationError(ArrowQuantError, ValueError):
    """Weights that cannot be quantized: NaN, infinities, nulls."""


class ConfigurationError(ArrowQuantError, ValueError):
    """An argument that has a value it cannot have, or that contradicts another one."""


class ValidationError(ArrowQuantError, ValueError):
    """Data that is not quantized weights, or that does not belong to the weights beside it."""


class ModelNotFoundError(ArrowQuantError, FileNotFoundError):
    """A file or directory that is not there."""


class MetadataError(ArrowQuantError, ValueError):
    """Columns, types, streams or files that cannot be read as they are."""


class ShapeMismatchError(ArrowQuantError, ValueError):
    """A shape that does not fit the number of weights."""


class InputTypeError(ArrowQuantError, TypeError):
    """An object of a kind that is not read."""


class SpzError(ArrowQuantError, ValueError):
    """An SPZ file that cannot be read; `section` says in which part, where that is known."""

    section: Optional[str] = None


class NotSpzError(SpzError):
    """Bytes that are something else; the message says what they look like."""


class UnsupportedSpzError(SpzError):
    """A `version` of the format that is newer than this reader, or none at all."""

    version: Optional[int] = None


class TruncatedSpzError(SpzError):
    """A file that is cut off: `section` should have `want` bytes and has `got`."""

    want: Optional[int] = None
    got: Optional[int] = None


class ImplausibleSpzError(SpzError):
    """A header with a `field` whose `value` a file of that size cannot have."""

    field: Optional[str] = None
    value: Optional[int] = None


class CorruptSpzError(SpzError):
    """Data that contradict themselves: checksums, lengths, records."""
