"""Model files as others write them, and quantized files as others read them."""

import json
import os
import sys

import numpy as np


def make(directory):
    """The same model as safetensors, npz, Parquet and Arrow IPC."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors.numpy import save_file

    random = np.random.default_rng(5)
    tensors = {
        "up": (random.standard_normal((48, 96)) * 0.02).astype(np.float32),
        "down": (random.standard_normal((32, 64)) * 0.02).astype(np.float16),
        "deep": (random.standard_normal((4, 3, 64)) * 0.02).astype(np.float32),
        "ids": np.arange(12, dtype=np.int64).reshape(3, 4),
    }
    save_file(tensors, os.path.join(directory, "model.safetensors"), metadata={"format": "np"})
    np.savez_compressed(os.path.join(directory, "model.npz"), **tensors)
    table = pa.table(
        {
            "layer_name": pa.array(list(tensors)),
            "weights": pa.array([tensor.tobytes() for tensor in tensors.values()], pa.binary()),
            "dtype": pa.array(["f32", "f16", "f32", "i64"]),
            "shape": pa.array([list(t.shape) for t in tensors.values()], pa.list_(pa.int64())),
        }
    )
    pq.write_table(table, os.path.join(directory, "model.parquet"), compression="none")
    pq.write_table(table, os.path.join(directory, "compressed.parquet"), compression="snappy")
    with pa.ipc.new_file(os.path.join(directory, "model.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def by_formula(codes, scales, shape, group):
    """What int8 codes in groups of a row stand for."""
    rows = codes.view(np.int8).reshape(-1, shape[-1])
    scales = np.repeat(scales.astype(np.float32).reshape(len(rows), -1), group, axis=1)
    return (rows.astype(np.float32) * scales[:, : shape[-1]]).reshape(shape)


def of_arrow(table, group):
    """Layers of the quantized columns."""
    found = {}
    for row in table.to_pylist():
        if row["scheme"] == "none":
            values = np.frombuffer(row["quantized_data"], row["dtype"].replace("i64", "<i8"))
        else:
            scales = np.array(row["scales"], np.float32)
            codes = np.frombuffer(row["quantized_data"], np.uint8)
            shape = [row["row_count"], *row["shape"][1:]]
            values = by_formula(codes, scales, shape, group)
        found.setdefault(row["layer_name"], []).append(values.ravel())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def of_safetensors(path, group):
    from safetensors import safe_open

    found = {}
    with safe_open(path, framework="np") as file:
        layers = json.loads(file.metadata()["arrow_quant.layers"])
        for layer in layers:
            name = layer["name"]
            if layer["scheme"] == "none":
                found[name] = file.get_tensor(name).ravel()
                continue
            codes = file.get_tensor(name + ".quantized_data")
            scales = file.get_tensor(name + ".scales")
            assert scales.dtype == np.float16, scales.dtype
            found[name] = by_formula(codes, scales, layer["shape"], group).ravel()
    return found


def of_gguf(path):
    from gguf import GGUFReader
    from gguf.quants import dequantize

    found = {}
    for tensor in GGUFReader(path).tensors:
        values = np.array(tensor.data)
        if tensor.tensor_type.name.startswith("Q"):
            values = dequantize(tensor.data, tensor.tensor_type)
        shape = [int(length) for length in reversed(tensor.shape)]
        assert values.size == np.prod(shape), (tensor.name, shape, values.shape)
        found[tensor.name] = values.ravel()
    return found


def check(directory):
    """How many numbers of each file are not those that came back in `restored`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def at(name):
        return os.path.join(directory, name)

    group = 32
    expected = {}
    for name in ("up", "down", "deep"):
        expected[name] = np.fromfile(at(f"{name}.restored"), "<f4")
    expected["ids"] = np.arange(12)
    blocks = dict(expected)
    for name in ("up", "down", "deep"):
        blocks[name] = np.fromfile(at(f"{name}.blocks"), "<f4")
    with pa.ipc.open_file(at("quantized.arrow")) as reader:
        arrow = reader.read_all()
    files = {
        "arrow": (of_arrow(arrow, group), expected),
        "parquet": (of_arrow(pq.read_table(at("quantized.parquet")), group), expected),
        "safetensors": (of_safetensors(at("quantized.safetensors"), group), expected),
        "gguf": (of_gguf(at("quantized.gguf")), blocks),
    }
    answer = {}
    for file, (found, wanted) in files.items():
        assert sorted(found) == sorted(wanted), (file, sorted(found))
        answer[file] = sum(int((found[name] != wanted[name]).sum()) for name in wanted)
    print(json.dumps(answer))


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
