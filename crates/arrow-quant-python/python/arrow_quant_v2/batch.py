"""A function for engines that work through batches: Ray, Daft, Spark, Dask, DataFusion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._native import QuantTable, Schema, output_schema, quantize

# What cannot go to another process, or belongs to a call.
_NOT_OPTIONS: tuple[str, ...] = ("data", "progress", "dtype")


class BatchQuantizer:
    """Quantizes batch after batch with the same options; can be pickled.

    Called with a `pyarrow.Table`, a `pyarrow.RecordBatch` or a `polars.DataFrame` it returns the same,
    with anything else that gives Arrow record batches a `QuantTable`, and with an iterator of them
    (what `mapInArrow` of Spark passes) an iterator of the results. It keeps nothing between calls, and
    gives one row for each row.
    """

    def __init__(self, **options: Any) -> None:
        """Takes the options of `quantize`; raises `ConfigurationError` for those it cannot have."""
        unknown = [name for name in _NOT_OPTIONS if name in options]
        if unknown:
            raise TypeError(f"{', '.join(unknown)} cannot be an option of a batch function")
        checked = {name: value for name, value in options.items() if name != "threads"}
        self.schema: Schema = output_schema(**checked)
        self.options: dict[str, Any] = options

    def __reduce__(self) -> tuple[Any, ...]:
        """Options are what it is made of."""
        return _remade, (self.options,)

    def __repr__(self) -> str:
        """As it was made."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"quantize_batch_fn({options})"

    def __call__(self, batch: Any) -> Any:
        """Quantizes a batch, or each of an iterator."""
        # A reader of record batches is an iterator too, and one stream.
        if isinstance(batch, Iterator) and not hasattr(batch, "__arrow_c_stream__"):
            return map(self, batch)
        return like(batch, quantize(batch, **self.options))


def _remade(options: dict[str, Any]) -> BatchQuantizer:
    return BatchQuantizer(**options)


def like(batch: Any, result: QuantTable) -> Any:
    """The result as what the batch was; a library that made it is loaded already."""
    kind = type(batch)
    library = kind.__module__.split(".")[0]
    if library == "pyarrow" and kind.__name__ == "Table":
        return result.to_pyarrow()
    if library == "pyarrow" and kind.__name__ == "RecordBatch":
        table = result.to_pyarrow().combine_chunks()
        batches = table.to_batches()
        return batches[0] if batches else kind.from_pylist([], schema=table.schema)
    if library == "polars" and kind.__name__ == "DataFrame":
        return kind(result)
    return result


def quantize_batch_fn(**options: Any) -> BatchQuantizer:
    """A function that quantizes one batch, for engines: it can be pickled and keeps no state.

    The options are those of `quantize` (`bits`, `scheme`, `group_size`, `search`, `scale_dtype`,
    `fallback_sqnr_db`, `overrides`, `threads`); what is wrong with them is raised here and not on a
    worker. Its attribute `schema` is that of the results.
    """
    return BatchQuantizer(**options)
