"""Types of the native module; everything public of it is in arrow_quant_v2."""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, Optional, Union, final

from typing_extensions import disjoint_base

from .types import LayerQuality, Overrides, Quantized, Rows, Weights

__all__ = [
    "Buffer",
    "Evaluation",
    "NF4",
    "QuantTable",
    "Schema",
    "SplatArray",
    "Table",
    "__version__",
    "activation_ranges",
    "allocate",
    "dequantize",
    "evaluate",
    "evaluate_file",
    "manifest",
    "matmul_nbits",
    "output_schema",
    "quantize",
    "quantize_file",
    "read_quantized",
    "read_spz",
    "read_spz_info",
    "read_weights",
    "smoothness",
]

__version__: str
NF4: list[float]

@final
class Buffer:
    def __new__(cls, data: bytes, dtype: str = "u8") -> Buffer: ...
    @property
    def dtype(self) -> str: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def address(self) -> int: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def __arrow_c_array__(
        self, requested_schema: Optional[object] = None
    ) -> tuple[object, object]: ...
    def __len__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __reduce__(self) -> tuple[type[Buffer], tuple[bytes, str]]: ...
    def tolist(self) -> list[float]: ...

@final
class Schema:
    @property
    def names(self) -> list[str]: ...
    @property
    def types(self) -> list[str]: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    def __arrow_c_schema__(self) -> object: ...
    def to_pyarrow(self) -> Any: ...
    def __len__(self) -> int: ...
    def __eq__(self, value: object, /) -> bool: ...

@disjoint_base
class Table:
    @property
    def schema(self) -> Schema: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...
    def to_pyarrow(self) -> Any: ...
    def rows(self) -> list[dict[str, Any]]: ...
    def __len__(self) -> int: ...

@final
class QuantTable(Table):
    def layers(self) -> list[LayerQuality]: ...

@final
class Evaluation(Table):
    def layers(self) -> list[LayerQuality]: ...

def quantize(
    data: Weights,
    bits: Optional[int] = None,
    scheme: str = "auto",
    group_size: int = 128,
    search: str = "auto",
    scale_dtype: str = "f16",
    fallback_sqnr_db: Optional[float] = None,
    overrides: Optional[Overrides] = None,
    threads: Optional[int] = None,
    progress: Optional[Callable[[str, int, Optional[int]], object]] = None,
    dtype: Union[str, Mapping[str, str], None] = None,
) -> QuantTable: ...
def dequantize(q: Quantized, dtype: str = "f32") -> Table: ...
def matmul_nbits(q: Quantized, row: int = 0) -> dict[str, Any]: ...
def evaluate(
    original: Weights, q: Quantized, dtype: Union[str, Mapping[str, str], None] = None
) -> Evaluation: ...
def output_schema(
    bits: Optional[int] = None,
    scheme: str = "auto",
    group_size: int = 128,
    search: str = "auto",
    scale_dtype: str = "f16",
    fallback_sqnr_db: Optional[float] = None,
    overrides: Optional[Overrides] = None,
) -> Schema: ...
def allocate(
    data: Weights,
    target_bits_per_weight: float,
    scheme: str = "auto",
    group_size: int = 128,
    search: str = "auto",
    scale_dtype: str = "f16",
    overrides: Optional[Overrides] = None,
    threads: Optional[int] = None,
    dtype: Union[str, Mapping[str, str], None] = None,
) -> list[dict[str, Any]]: ...
def activation_ranges(stats: Rows, time_groups: int = 10) -> Table: ...
def smoothness(ranges: Rows) -> dict[str, Any]: ...
def quantize_file(
    source: Union[str, PathLike[str]],
    destination: Union[str, PathLike[str]],
    bits: Optional[int] = None,
    scheme: str = "auto",
    group_size: int = 128,
    search: str = "auto",
    scale_dtype: str = "f16",
    fallback_sqnr_db: Optional[float] = None,
    overrides: Optional[Overrides] = None,
    threads: Optional[int] = None,
    target_bits_per_weight: Optional[float] = None,
    format: Optional[str] = None,
    chunk_bytes: int = ...,
    resume: bool = True,
    keep_vectors: bool = True,
    progress: Optional[Callable[[str, int, int], object]] = None,
) -> dict[str, Any]: ...
def manifest(source: Union[str, PathLike[str]], chunk_bytes: int = ...) -> Table: ...
def read_weights(path: Union[str, PathLike[str]], chunk_bytes: int = ...) -> Table: ...
def read_quantized(path: Union[str, PathLike[str]]) -> Table: ...
def evaluate_file(
    source: Union[str, PathLike[str]], quantized: Union[str, PathLike[str]]
) -> Evaluation: ...

@final
class SplatArray:
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def copied(self) -> bytearray: ...

def read_spz(
    source: Union[str, bytes],
    frame: Optional[str],
    fields: Optional[list[str]],
    whole_sh: bool,
) -> tuple[dict[str, Any], str, dict[str, SplatArray]]: ...
def read_spz_info(source: Union[str, bytes]) -> dict[str, Any]: ...
