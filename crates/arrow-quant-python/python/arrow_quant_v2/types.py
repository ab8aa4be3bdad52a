"""Types that annotations of programs may name."""

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Protocol, TypedDict, Union


class SupportsArrowStream(Protocol):
    """Anything that gives Arrow record batches."""

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        """Returns a capsule with a stream."""


class SupportsArrowArray(Protocol):
    """Anything that gives one Arrow record batch."""

    def __arrow_c_array__(
        self, requested_schema: Optional[object] = None
    ) -> tuple[object, object]:
        """Returns capsules with a schema and an array."""
        ...


class LayerQuality(TypedDict):
    """What a layer lost, and what it takes."""

    layer_name: str
    elements: int
    bits_per_weight: Optional[float]
    sqnr_db: float
    cosine: float
    max_abs_err: float


# Patterns of names and settings (or the name of a scheme); or settings with a `pattern` in them.
Overrides = Union[
    Mapping[str, Union[str, dict[str, Any]]],
    Mapping[str, str],
    Mapping[str, dict[str, Any]],
    Sequence[dict[str, Any]],
]

# Mappings hold arrays (anything with `__array_interface__` or `__array__`) or lists of floats.
Weights = Union[SupportsArrowStream, SupportsArrowArray, Mapping[str, Any]]
Rows = Union[SupportsArrowStream, SupportsArrowArray, Sequence[Mapping[str, Any]]]
Quantized = Rows
