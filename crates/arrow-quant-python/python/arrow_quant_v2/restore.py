"""Files of quantized weights back to safetensors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO, Union

from ._native import dequantize, read_quantized
from .errors import MetadataError

_BYTES = {"F32": 4}


def dequantize_file(source: Union[str, Path], destination: Union[str, Path]) -> dict[str, Any]:
    """Restores a file that `quantize_file` wrote into a `.safetensors` file of float32.

    Layers that were kept as something that is no weights come back as they were. The destination
    appears whole, by a rename. Returns a dict with `destination`, `layers` (how many) and
    `output_bytes`. Raises `ModelNotFoundError`, `MetadataError` for other destinations and layers that
    are not whole, `OSError`, and as `dequantize` does.
    """
    target = Path(destination)
    if target.suffix != ".safetensors":
        raise MetadataError(f"{target}: weights are restored into .safetensors files only")
    rows = read_quantized(source).rows()
    header, starts, end = _header(rows)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    beside = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        with open(beside, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + end)
            for row in rows:
                _write(file, row, 8 + len(text) + starts[row["layer_name"]])
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return {"destination": target, "layers": len(starts), "output_bytes": 8 + len(text) + end}


def _is_kept(row: dict[str, Any]) -> bool:
    """Whether it is no weights, and so has no numbers to restore."""
    return row["dtype"] not in ("f32", "f16", "bf16")


def _header(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, int], int]:
    """What safetensors says before the numbers, and where each layer starts."""
    header: dict[str, Any] = {}
    starts: dict[str, int] = {}
    covered: dict[str, int] = {}
    end = 0
    for row in rows:
        name, shape = row["layer_name"], row["shape"]
        if name not in starts:
            count = 1
            for length in shape:
                count *= length
            size = row["bit_width"] // 8 * count if _is_kept(row) else _BYTES["F32"] * count
            dtype = row["dtype"].upper() if _is_kept(row) else "F32"
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
            starts[name], covered[name] = end, 0
            end += size
        if row["row_start"] != covered[name]:
            raise MetadataError(f"layer {name!r} lacks what is before {row['row_start']} of its first axis")
        covered[name] += row["row_count"]
    for name, there in covered.items():
        whole = header[name]["shape"][0] if header[name]["shape"] else 1
        if there != whole:
            raise MetadataError(f"layer {name!r} has {there} of the {whole} of its first axis")
    return header, starts, end


def _write(file: BinaryIO, row: dict[str, Any], start: int) -> None:
    data = row["quantized_data"] if _is_kept(row) else dequantize([row]).rows()[0]["weights"]
    first = row["shape"][0] if row["shape"] else 1
    # Every number of the first axis takes the same bytes.
    each = data.nbytes // row["row_count"] if row["row_count"] else 0
    file.seek(start + row["row_start"] * each if first else start)
    file.write(bytes(data))
