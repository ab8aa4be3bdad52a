"""`ArrowQuantV2`: the documented class, thin over the functions of this package."""

from __future__ import annotations

import json
import logging
import math
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, Optional, Union

StrPath = Union[str, "os.PathLike[str]"]

from ._native import (
    QuantTable,
    Table,
    activation_ranges,
    evaluate_file,
    quantize,
    quantize_file,
    smoothness,
)
from .batch import like
from .config import DiffusionQuantConfig
from .errors import (
    ConfigurationError,
    InputTypeError,
    ModelNotFoundError,
    QuantizationError,
    ValidationError,
)

_LOG = logging.getLogger("arrow_quant_v2")
_MODES = {"diffusion": "diffusion", "time_aware": "diffusion", "base": "base"}


def _deprecated(name: str, instead: str) -> None:
    message = f"ArrowQuantV2.{name}() copies its results into Python objects: use {instead}"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def _bits(bit_width: Optional[int]) -> int:
    return 4 if bit_width is None else bit_width


class ArrowQuantV2:
    """Quantizes in memory and files; state is only what the last calibration found.

    `mode` is `"diffusion"` (or `"time_aware"`, the same) or `"base"`: files that are quantized in the
    former come with ranges of activations if there are calibration statistics. Weights are quantized
    alike in both. Raises `ConfigurationError`, a `ValueError`, for other modes.
    """

    def __init__(self, mode: str = "diffusion") -> None:
        """Chooses the mode."""
        if mode not in _MODES:
            known = ", ".join(_MODES)
            raise ConfigurationError(f"mode is {mode!r}, but can be one of {known}")
        self.mode: str = _MODES[mode]
        self._ranges: Optional[Table] = None

    def quantize_diffusion_model(
        self,
        model_path: StrPath,
        output_path: StrPath,
        config: Optional[DiffusionQuantConfig] = None,
        progress_callback: Optional[Callable[[str, float], object]] = None,
        use_arrow: Optional[bool] = None,
    ) -> dict[str, Any]:
        """Quantizes a model: `quantize_file` with the settings of `config`.

        `model_path` is a file or a directory as `quantize_file` takes it; calibration statistics beside
        it, `calibration.json` (a list of dicts as `activation_ranges` takes them) or
        `calibration.jsonl` (one a line), become ranges of activations
        (`get_markov_metrics`) unless the mode is `"base"`. `output_path` is a file, or a directory
        (any name without an ending that is a format) in which `model.parquet` is made, or `model.arrow`
        with `use_arrow`. `progress_callback(message, done)`, `done` from 0 to 1; what it raises is
        logged.

        Returns a dict: `quantized_path`, `compression_ratio` (bytes of weights read over bytes of the
        file), `cosine_similarity` (the mean over layers), `model_size_mb`, `modality` (that of
        `config`), `bit_width`, `quantization_time_s`, and `passed` (whether every layer has
        `min_accuracy`). With `fail_fast` a layer that has less is a `ValidationError`. Raises as
        `quantize_file` does.
        """
        config = config or DiffusionQuantConfig()
        started = time.monotonic()
        source, target = Path(model_path), Path(output_path)
        if not source.exists():
            raise ModelNotFoundError(2, "there is no such model", str(source))
        if target.suffix not in (".parquet", ".arrow", ".safetensors", ".gguf"):
            target.mkdir(parents=True, exist_ok=True)
            target = target / ("model.arrow" if use_arrow else "model.parquet")
        if self.mode == "diffusion":
            self._calibrate_beside(source, config)

        def progress(layer: str, done: int, total: int) -> None:
            _tell(progress_callback, layer, done / total if total else 1.0)

        report = quantize_file(source, target, progress=progress, **_settings(config))
        layers = report["layers"]
        poor = [layer["layer_name"] for layer in layers if layer["cosine"] < config.min_accuracy]
        if poor and config.fail_fast:
            names = ", ".join(poor)
            raise ValidationError(f"a cosine of {config.min_accuracy} was not reached by {names}")
        return {
            "quantized_path": str(target),
            "compression_ratio": report["input_bytes"] / max(report["output_bytes"], 1),
            "cosine_similarity": _mean([layer["cosine"] for layer in layers]),
            "model_size_mb": report["output_bytes"] / (1 << 20),
            "modality": config.modality,
            "bit_width": config.bit_width,
            "quantization_time_s": time.monotonic() - started,
            "passed": not poor,
        }

    def quantize_from_safetensors(
        self,
        safetensors_path: StrPath,
        output_path: StrPath,
        config: Optional[DiffusionQuantConfig] = None,
        progress_callback: Optional[Callable[[str, float], object]] = None,
    ) -> dict[str, Any]:
        """The same for a `.safetensors` file, a directory of them, or their `index.json`."""
        path = Path(safetensors_path)
        if path.exists() and not path.is_dir() and path.suffix not in (".safetensors", ".json"):
            raise ConfigurationError(f"{path} is no safetensors file: use quantize_diffusion_model")
        return self.quantize_diffusion_model(path, output_path, config, progress_callback)

    def validate_quality(self, original_path: StrPath, quantized_path: StrPath) -> dict[str, Any]:
        """Compares a quantized model with the one it was made from: `evaluate_file`.

        `quantized_path` may be the directory that `quantize_diffusion_model` made. Returns a dict:
        `cosine_similarity` (the mean over layers), `compression_ratio`, `model_size_mb`,
        `per_layer_accuracy` (names to cosines), `per_layer_sqnr_db`, and `passed` (every layer has a
        cosine of 0.70, the documented threshold). Raises `ValidationError` if these are not the same
        weights.
        """
        target = Path(quantized_path)
        if target.is_dir():
            made = [target / name for name in ("model.parquet", "model.arrow")]
            target = next((path for path in made if path.exists()), made[0])
        found = evaluate_file(original_path, target)
        layers = found.layers()
        size = target.stat().st_size
        cosines = {layer["layer_name"]: layer["cosine"] for layer in layers}
        return {
            "cosine_similarity": _mean(list(cosines.values())),
            "compression_ratio": _bytes_of(Path(original_path)) / max(size, 1),
            "model_size_mb": size / (1 << 20),
            "per_layer_accuracy": cosines,
            "per_layer_sqnr_db": {layer["layer_name"]: layer["sqnr_db"] for layer in layers},
            "passed": all(cosine >= 0.70 for cosine in cosines.values()),
        }

    def _calibrate_beside(self, source: Path, config: DiffusionQuantConfig) -> None:
        """Ranges of activations from the statistics beside a model, if there are some."""
        home = source if source.is_dir() else source.parent
        for name in ("calibration.json", "calibration.jsonl"):
            path = home / name
            if path.exists():
                text = path.read_text("utf-8")
                rows = [json.loads(line) for line in text.splitlines() if line.strip()] if name.endswith("l") else json.loads(text)
                self.calibrate(rows, config.num_time_groups)
                return

    def quantize_arrow(self, weights_table: Any, bit_width: Optional[int] = None) -> Any:
        """Quantizes a table with `layer_name`, `weights` and perhaps `shape`; every chunk of it.

        `bit_width` is 2, 4 (if None) or 8. Scales follow from the least and largest weight of a group,
        which is fast; `quantize` searches for better ones. A `pyarrow.Table` yields one, anything else that gives Arrow
        record batches a `QuantTable`; its columns are those of `output_schema()`, the documented
        `layer_name`, `quantized_data`, `scales`, `zero_points`, `shape` and `bit_width` among them.
        """
        return like(weights_table, _quantized(weights_table, bit_width))

    def quantize_arrow_batch(self, record_batch: Any, bit_width: Optional[int] = None) -> Any:
        """The same for a record batch: a `pyarrow.RecordBatch` yields one."""
        return like(record_batch, _quantized(record_batch, bit_width))

    def quantize_batch_smart(self, weights: Any, bit_width: Optional[int] = None) -> Any:
        """Quantizes a mapping of arrays or Arrow data, both where they are in memory.

        Arrow data yields what `quantize_arrow` does, a mapping a `QuantTable`.
        """
        return like(weights, _quantized(weights, bit_width))

    def quantize_batch(
        self,
        weights_dict: Mapping[str, Any],
        bit_width: Optional[int] = None,
        continue_on_error: Optional[bool] = None,
    ) -> dict[str, dict[str, Any]]:
        """Quantizes arrays: a dict of names to dicts. Deprecated: use `quantize` or `quantize_arrow`.

        Each has `quantized_data` (bytes, packed low bits first), `scales` (one for each group),
        `zero_points` (the same, empty for symmetric schemes), `shape` and `bit_width`, and besides them
        what restoring needs: they are rows that `dequantize` takes. With `continue_on_error` layers
        that cannot be quantized are left out, each with a `RuntimeWarning`; if none is left, that is a
        `QuantizationError`.
        """
        _deprecated("quantize_batch", "arrow_quant_v2.quantize(weights), or quantize_arrow(table)")
        return _rows(weights_dict, bit_width, None, bool(continue_on_error))

    def quantize_batch_with_progress(
        self,
        weights_dict: Mapping[str, Any],
        bit_width: Optional[int] = None,
        progress_callback: Optional[Callable[[str, float], object]] = None,
        continue_on_error: Optional[bool] = None,
    ) -> dict[str, dict[str, Any]]:
        """`quantize_batch` that tells how far it is. Deprecated: use `quantize` with `progress`.

        `progress_callback(layer_name, done)` is called after each layer, `done` from 0 to 1. What it
        raises is logged and passed over, as documented; `quantize` ends with it instead.
        """
        _deprecated(
            "quantize_batch_with_progress", "arrow_quant_v2.quantize(weights, progress=callback)"
        )
        return _rows(weights_dict, bit_width, progress_callback, bool(continue_on_error))

    def quantize(
        self, weights: Mapping[str, list[float]], bit_width: Optional[int] = None
    ) -> dict[str, dict[str, Any]]:
        """Quantizes lists of floats, as `quantize_batch` does arrays. Deprecated: lists are copied."""
        _deprecated("quantize", "arrow_quant_v2.quantize(weights) with arrays, or quantize_arrow(table)")
        return _rows(weights, bit_width, None, False)

    def calibrate(self, stats: Any, num_time_groups: int = 10) -> Table:
        """Ranges of activations: `activation_ranges`, of which `get_markov_metrics` tells afterwards."""
        if self.mode == "base":
            raise ConfigurationError('there are no timesteps in mode "base": use mode="diffusion"')
        self._ranges = activation_ranges(stats, num_time_groups)
        return self._ranges

    def get_markov_metrics(self) -> Optional[dict[str, Any]]:
        """How smoothly the ranges of the last calibration change over time, or None without one.

        A dict with `smoothness_score`, `boundary_scores`, `violation_count`, `violations` and
        `is_valid`: see `smoothness`, which computes it.
        """
        return None if self._ranges is None else smoothness(self._ranges)

    def simple_test(self) -> str:
        """Returns what it is documented to return. Deprecated: it tells nothing but that this is here."""
        _deprecated("simple_test", "arrow_quant_v2.__version__")
        return "simple_test_works"

    def test_method(self) -> str:
        """Returns what it is documented to return. Deprecated: it tells nothing but that this is here."""
        _deprecated("test_method", "arrow_quant_v2.__version__")
        return "test"


def _quantized(weights: Any, bit_width: Optional[int]) -> QuantTable:
    """Scales by the formula, as these methods are documented, and by a search where two bits need it."""
    bits = _bits(bit_width)
    return quantize(weights, bits=bits, search="mse" if bits == 2 else "minmax")


def _tell(callback: Optional[Callable[[str, float], object]], layer: str, done: float) -> None:
    """Tells how far it is; a callback that fails is logged and does not end the work."""
    if callback is not None:
        try:
            callback(layer, done)
        except Exception:
            _LOG.exception("the progress callback failed at layer %r", layer)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 1.0


def _bytes_of(path: Path) -> int:
    """Bytes of a model of one file or several."""
    if path.suffix == ".json":
        path = path.parent
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def _settings(config: DiffusionQuantConfig) -> dict[str, Any]:
    """A configuration as arguments of `quantize_file`."""
    settings: dict[str, Any] = {
        "bits": config.bit_width,
        "group_size": config.group_size,
        "threads": config.num_threads or None,
    }
    if 0 < config.min_accuracy < 1:
        # cos = sqrt(1 - 10^(-dB / 10)) for errors that are not correlated with the weights.
        settings["fallback_sqnr_db"] = -10 * math.log10(1 - config.min_accuracy**2)
    if config.max_memory_limit_mb is not None:
        # A few chunks and their results are in memory at once.
        settings["chunk_bytes"] = max(config.max_memory_limit_mb << 20 >> 4, 1 << 20)
    sensitive = ["*embed*", "*norm*", "*lm_head*", "*head.weight"]
    if config.skip_sensitive_layers:
        settings["overrides"] = dict.fromkeys(sensitive, "none")
    elif config.enable_mixed_precision:
        settings["overrides"] = dict.fromkeys(sensitive, "int8_sym")
    return settings


def _rows(
    weights: Mapping[str, Any],
    bit_width: Optional[int],
    callback: Optional[Callable[[str, float], object]],
    continue_on_error: bool,
) -> dict[str, dict[str, Any]]:
    """Every layer as a dict of plain Python objects."""
    if not isinstance(weights, Mapping):
        raise InputTypeError("weights must be a dict of names to arrays or lists of floats")
    if not weights:
        raise QuantizationError("there are no weights: the dict is empty")

    def progress(layer: str, done: int, total: Optional[int]) -> None:
        _tell(callback, layer, done / total if total else 1.0)

    if not continue_on_error:
        table = quantize(weights, bits=_bits(bit_width), progress=progress)
        return {row["layer_name"]: _plain(row) for row in table.rows()}
    found: dict[str, dict[str, Any]] = {}
    for place, (name, array) in enumerate(weights.items(), 1):
        try:
            (row,) = quantize({name: array}, bits=_bits(bit_width)).rows()
        except ConfigurationError:
            raise
        except (ValueError, TypeError) as error:
            warnings.warn(f"layer {name!r} was left out: {error}", RuntimeWarning, stacklevel=3)
        else:
            found[name] = _plain(row)
        progress(name, place, len(weights))
    if not found:
        raise QuantizationError("none of the layers could be quantized: the warnings say why")
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    row["quantized_data"] = bytes(row["quantized_data"])
    for key in ("scales", "zero_points"):
        row[key] = row[key].tolist()
    return row
