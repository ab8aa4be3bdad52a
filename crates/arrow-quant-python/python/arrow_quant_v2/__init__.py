"""Weight quantization on the CPU, Arrow in and Arrow out."""

from typing import TYPE_CHECKING, NoReturn

try:
    from ._native import (
        NF4,
        Buffer,
        Evaluation,
        QuantTable,
        Schema,
        Table,
        __version__,
        activation_ranges,
        allocate,
        dequantize,
        evaluate,
        evaluate_file,
        manifest,
        matmul_nbits,
        output_schema,
        quantize,
        quantize_file,
        read_quantized,
        read_weights,
        smoothness,
    )
    from .batch import BatchQuantizer, quantize_batch_fn
    from .config import DiffusionQuantConfig
    from .convert import convert_spz
    from .errors import (
        ArrowQuantError,
        ConfigurationError,
        CorruptSpzError,
        ImplausibleSpzError,
        InputTypeError,
        MetadataError,
        ModelNotFoundError,
        NotSpzError,
        QuantizationError,
        ShapeMismatchError,
        SpzError,
        TruncatedSpzError,
        UnsupportedSpzError,
        ValidationError,
    )
    from .legacy import ArrowQuantV2
    from .restore import dequantize_file
    from .splats import load_spz, spz_info
except ModuleNotFoundError as _error:
    # Where there is no native module, as in Pyodide, what needs none is there all the same: `arrays`.
    if _error.name != f"{__name__}._native":
        raise
    _reason = str(_error)

    if not TYPE_CHECKING:

        def __getattr__(name: str) -> NoReturn:
            if name in __all__:
                raise ImportError(f"arrow_quant_v2.{name} needs the native module: {_reason}")
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ArrowQuantError",
    "ArrowQuantV2",
    "BatchQuantizer",
    "Buffer",
    "ConfigurationError",
    "CorruptSpzError",
    "DiffusionQuantConfig",
    "Evaluation",
    "ImplausibleSpzError",
    "InputTypeError",
    "MetadataError",
    "ModelNotFoundError",
    "NF4",
    "NotSpzError",
    "QuantTable",
    "QuantizationError",
    "Schema",
    "ShapeMismatchError",
    "SpzError",
    "Table",
    "TruncatedSpzError",
    "UnsupportedSpzError",
    "ValidationError",
    "__version__",
    "activation_ranges",
    "allocate",
    "convert_spz",
    "dequantize",
    "dequantize_file",
    "evaluate",
    "evaluate_file",
    "load_spz",
    "manifest",
    "matmul_nbits",
    "output_schema",
    "quantize",
    "quantize_batch_fn",
    "quantize_file",
    "read_quantized",
    "read_weights",
    "smoothness",
    "spz_info",
]
