"""`ArrowQuantV2`: the documented class, thin over the functions of this package."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any, Callable, Optional

from ._native import Table, activation_ranges, quantize, smoothness
from .batch import like
from .errors import ConfigurationError, InputTypeError, QuantizationError

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

    def quantize_arrow(self, weights_table: Any, bit_width: Optional[int] = None) -> Any:
        """Quantizes a table with `layer_name`, `weights` and perhaps `shape`; every chunk of it.

        `bit_width` is 2, 4 (if None) or 8. A `pyarrow.Table` yields one, anything else that gives Arrow
        record batches a `QuantTable`; its columns are those of `output_schema()`, the documented
        `layer_name`, `quantized_data`, `scales`, `zero_points`, `shape` and `bit_width` among them.
        """
        return like(weights_table, quantize(weights_table, bits=_bits(bit_width)))

    def quantize_arrow_batch(self, record_batch: Any, bit_width: Optional[int] = None) -> Any:
        """The same for a record batch: a `pyarrow.RecordBatch` yields one."""
        return like(record_batch, quantize(record_batch, bits=_bits(bit_width)))

    def quantize_batch_smart(self, weights: Any, bit_width: Optional[int] = None) -> Any:
        """Quantizes a mapping of arrays or Arrow data, both where they are in memory.

        Arrow data yields what `quantize_arrow` does, a mapping a `QuantTable`.
        """
        return like(weights, quantize(weights, bits=_bits(bit_width)))

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
        if callback is not None:
            try:
                callback(layer, done / total if total else 1.0)
            except Exception:
                _LOG.exception("the progress callback failed at layer %r", layer)

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
