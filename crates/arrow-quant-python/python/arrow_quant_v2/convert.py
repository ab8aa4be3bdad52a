"""SPZ files as files of other programs: .npz, .ply and .arrow."""

from __future__ import annotations

import importlib
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Optional, Union

from .errors import ConfigurationError
from .splats import Source, load_spz

_ARRAYS = ("positions", "scales", "rotations", "alphas", "colors", "sh")
# Points of a PLY file that are put together at once.
_BLOCK = 1 << 16


def convert_spz(source: Source, destination: Union[str, os.PathLike[str]], frame: Optional[str] = None) -> dict[str, Any]:
    """Converts an SPZ file into a .npz, .ply or .arrow file, by the name of the destination.

    .npz has the arrays of `load_spz` under their names, stored without compression, and `sh_degree`,
    `num_points` and `antialiased` as arrays without an axis; every numpy loads it without pickle.

    .ply is binary, as the format's reference writes it: x, y, z, nx, ny, nz (zeros), f_dc_0 to 2, f_rest
    (all coefficients of red, then green, then blue), opacity, scale_0 to 2, rot_0 to 3 (w first). Its
    frame is RDF if `frame` is None; that of the others is the stored one.

    .arrow is an Arrow IPC file with a column for each array, lists of fixed size, and needs pyarrow.

    Needs numpy. The destination appears whole, by a rename. Returns a dict with `destination`,
    `num_points`, `sh_degree`, `frame` and `output_bytes`; raises as `load_spz` does.
    """
    target = Path(destination)
    writers = {".npz": _npz, ".ply": _ply, ".arrow": _arrow}
    write = writers.get(target.suffix.lower())
    if write is None:
        raise ConfigurationError(f"{target}: splats are converted into .npz, .ply and .arrow files")
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        raise ConfigurationError("converting needs numpy: pip install numpy") from error
    if write is _arrow:
        _pyarrow()
    if frame is None and write is _ply:
        frame = "RDF"
    cloud = load_spz(source, frame=frame)
    with _whole(target) as file:
        write(file, cloud)
    return {
        "destination": target,
        "num_points": cloud["num_points"],
        "sh_degree": cloud["sh_degree"],
        "frame": cloud["frame"],
        "output_bytes": target.stat().st_size,
    }


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A file that is at its place when everything is written, and nowhere otherwise."""
    beside = target.with_name(f"{target.name}.{os.getpid()}.new")
    try:
        with open(beside, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _npz(file: BinaryIO, cloud: dict[str, Any]) -> None:
    import numpy

    arrays = {name: cloud[name] for name in _ARRAYS}
    arrays["sh_degree"] = numpy.array(cloud["sh_degree"], "<i4")
    arrays["num_points"] = numpy.array(cloud["num_points"], "<i8")
    arrays["antialiased"] = numpy.array(cloud["antialiased"])
    arrays["frame"] = numpy.array(cloud["frame"])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in arrays.items():
            # A fixed date, so that the same splats are the same bytes.
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            with archive.open(member, "w", force_zip64=True) as stream:
                numpy.lib.format.write_array(stream, values, allow_pickle=False)


def _ply(file: BinaryIO, cloud: dict[str, Any]) -> None:
    import numpy

    count, coefficients = cloud["num_points"], cloud["sh"].shape[1]
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{number}" for number in range(3 * coefficients)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property float {name}" for name in names]
    file.write("\n".join([*lines, "end_header", ""]).encode("ascii"))
    rest = 9 + 3 * coefficients
    for start in range(0, count, _BLOCK):
        part = slice(start, min(start + _BLOCK, count))
        points = numpy.zeros((part.stop - start, len(names)), "<f4")
        points[:, 0:3] = cloud["positions"][part]
        points[:, 6:9] = cloud["colors"][part]
        points[:, 9:rest] = cloud["sh"][part].transpose(0, 2, 1).reshape(len(points), 3 * coefficients)
        points[:, rest] = cloud["alphas"][part]
        points[:, rest + 1 : rest + 4] = cloud["scales"][part]
        points[:, rest + 4] = cloud["rotations"][part, 3]
        points[:, rest + 5 :] = cloud["rotations"][part, :3]
        file.write(points.data)


def _pyarrow() -> Any:
    try:
        # By name, as pyarrow has no types that checkers could read.
        return importlib.import_module("pyarrow")
    except ImportError as error:
        message = f"an .arrow file of splats needs pyarrow, which cannot be imported: {error}"
        raise ConfigurationError(message) from error


def _arrow(file: BinaryIO, cloud: dict[str, Any]) -> None:
    import numpy

    pyarrow = _pyarrow()
    count = cloud["num_points"]
    columns, names = [], []
    for name in _ARRAYS:
        values = numpy.ascontiguousarray(cloud[name])
        # A buffer of the numbers themselves: pyarrow's own way from numpy depends on both versions.
        numbers = pyarrow.Array.from_buffers(
            pyarrow.float32(), values.size, [None, pyarrow.py_buffer(values.reshape(-1))]
        )
        each = int(numpy.prod(values.shape[1:]))
        if name != "alphas":
            numbers = pyarrow.Array.from_buffers(
                pyarrow.list_(pyarrow.float32(), each), count, [None], children=[numbers]
            )
        columns.append(numbers)
        names.append(name)
    told = {
        key: json.dumps(cloud[key])
        for key in ("num_points", "sh_degree", "antialiased", "frame", "version", "unknown_flags")
    }
    told["layout"] = json.dumps("rotations xyzw; sh coefficient before channel; scales log; alphas logit; colors f_dc")
    schema = pyarrow.schema(list(zip(names, [column.type for column in columns])), metadata=told)
    batch = pyarrow.RecordBatch.from_arrays(columns, schema=schema)
    with pyarrow.ipc.new_file(file, schema) as writer:
        writer.write_batch(batch)
