"""Weight quantization on the CPU, Arrow in and Arrow out."""

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
    output_schema,
    quantize,
    smoothness,
)
from .batch import BatchQuantizer, quantize_batch_fn
from .config import DiffusionQuantConfig
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
from .legacy import ArrowQuantV2

__all__ = [
    "NF4",
    "ArrowQuantError",
    "ArrowQuantV2",
    "BatchQuantizer",
    "Buffer",
    "ConfigurationError",
    "DiffusionQuantConfig",
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
    "activation_ranges",
    "allocate",
    "dequantize",
    "evaluate",
    "output_schema",
    "quantize",
    "quantize_batch_fn",
    "smoothness",
]
