"""Weight quantization on the CPU, Arrow in and Arrow out."""

from ._native import (
    NF4,
    Buffer,
    Evaluation,
    QuantTable,
    Schema,
    Table,
    __version__,
    dequantize,
    evaluate,
    output_schema,
    quantize,
)
from .batch import BatchQuantizer, quantize_batch_fn
from .errors import (
    ArrowQuantError,
    ConfigurationError,
    InputTypeError,
    MetadataError,
    ModelNotFoundError,
    QuantizationError,
    ShapeMismatchError,
    ValidationError,
)

__all__ = [
    "NF4",
    "ArrowQuantError",
    "BatchQuantizer",
    "Buffer",
    "ConfigurationError",
    "Evaluation",
    "InputTypeError",
    "MetadataError",
    "ModelNotFoundError",
    "QuantTable",
    "QuantizationError",
    "Schema",
    "ShapeMismatchError",
    "Table",
    "ValidationError",
    "__version__",
    "dequantize",
    "evaluate",
    "output_schema",
    "quantize",
    "quantize_batch_fn",
]
