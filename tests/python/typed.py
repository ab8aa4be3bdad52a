"""A program that uses the wheel, for type checkers; it is never run."""

from typing import Optional

import arrow_quant_v2 as aq
import numpy as np
import numpy.typing as npt
from arrow_quant_v2 import arrays, bridge


def told(layer: str, done: int, total: Optional[int]) -> None:
    """What `progress` is called with."""
    total_text = "?" if total is None else str(total)
    print(layer.upper(), done + 1, total_text.upper())


def use(weights: dict[str, npt.NDArray[np.float32]]) -> float:
    """Every function once."""
    table: aq.QuantTable = aq.quantize(weights, bits=4, group_size=64, progress=told)
    restored: aq.Table = aq.dequantize(table)
    again: aq.Table = aq.dequantize(table.rows(), dtype="f32")
    judged: aq.Evaluation = aq.evaluate(weights, table)
    layer = judged.layers()[0]
    bits: Optional[float] = layer["bits_per_weight"]
    codes: aq.Buffer = table.rows()[0]["quantized_data"]
    numbers: npt.NDArray[np.uint8] = np.asarray(codes)
    names: list[str] = aq.output_schema(bits=8).names
    function: aq.BatchQuantizer = aq.quantize_batch_fn(bits=8, threads=2)
    print(restored.num_rows, again.schema.metadata, numbers.size, names, function.schema)
    try:
        aq.quantize({"a": [1.0]})
    except aq.QuantizationError as error:
        where: Optional[int] = error.index
        print(where, error.layer)
    return layer["sqnr_db"] + (bits or 0.0)


async def cross(python: str) -> int:
    """The bridge, every function once."""
    with bridge.Interpreter(python, output="capture", path=["."]) as other:
        cloud = other.call("helper:load", "scene.spz", timeout=300, progress=print)
        again = await other.acall("helper:load", 1)
        pid: Optional[int] = other.pid
        printed: str = other.printed
    with bridge.Pool(python, size=3) as pool:
        several: list[object] = pool.map("helper:load", range(3))
    try:
        bridge.call(python, "helper:load")
    except bridge.RemoteError as error:
        print(error.type_name.upper(), error.traceback.splitlines(), error.output)
    bridge.save_npz("a.npz", {"x": None, "y": np.zeros(3)}, compress=True)
    found: bridge.Diagnosis = bridge.doctor(python)
    problem: Optional[str] = found.problem
    print(cloud, again, printed, several, problem, bridge.load_npz("a.npz"))
    return pid or 0


def splats(path: str) -> None:
    """Files of splats and arrays."""
    cloud = aq.load_spz(path, frame="RDF", fields=["positions"])
    positions: npt.NDArray[np.float32] = cloud["positions"]
    version: int = aq.spz_info(b"NGSP")["version"]
    report = aq.convert_spz(path, "scene.ply")
    print(positions.shape, version, report["output_bytes"], arrays.load(path))
    try:
        aq.load_spz(path)
    except aq.TruncatedSpzError as error:
        section: Optional[str] = error.section
        print(section, error.want, error.got)
