"""Checks quantized weights with code that others wrote, and with plain numpy."""

import ast
import ctypes
import glob
import importlib.util
import json
import os
import re
import sys

import numpy as np

ONE = np.float32(1)
LEVELS = {
    "int8_sym": (8, -127, 127, 0),
    "int4_sym": (4, -8, 7, 8),
    "int4_asym": (4, 0, 15, 0),
    "int2_asym": (2, 0, 3, 0),
    "nf4": (4, 0, 15, 0),
    "gguf_q8_0": (8, -127, 127, 0),
    "gguf_q4_0": (4, 0, 15, 0),
}


class Case:
    """One quantized matrix, its files read."""

    def __init__(self, directory, described):
        self.name = described["name"]
        self.scheme = described["scheme"]
        self.rows = described["rows"]
        self.columns = described["columns"]
        self.group = described["group_size"] or self.columns
        self.half = described["scale_dtype"] == "f16"

        def read(kind, dtype):
            return np.fromfile(os.path.join(directory, f"{self.name}.{kind}"), dtype)

        shape = (self.rows, self.columns)
        self.x = read("weights", "<f4").reshape(shape)
        self.packed = read("codes", "u1").reshape(self.rows, -1)
        self.scales = read("scales", "<f4")
        if self.scales.size:
            self.scales = self.scales.reshape(self.rows, -1)
        self.zeros = read("zeros", "<f4")
        self.restored = read("restored", "<f4").reshape(shape)
        self.attributes = described["matmul_nbits"]
        if self.attributes is not None:
            rows, blocks = self.rows, self.attributes.pop("k_blocks")
            self.b = read("b", "u1").reshape(rows, blocks, -1)
            self.block_scales = read("block_scales", "<f4")
            self.block_zeros = read("block_zeros", "u1").reshape(rows, -1)

    def codes(self):
        """Codes as stored, one in each byte."""
        bits = LEVELS[self.scheme][0]
        shifts = np.arange(0, 8, bits, dtype=np.uint8)
        codes = (self.packed[:, :, None] >> shifts) & np.uint8(2**bits - 1)
        return codes.reshape(self.rows, -1)[:, : self.columns]


def by_formula(case, code_book):
    """Codes, scales, zero points and what comes back, by the formulas and in float32."""
    bits, lowest, highest, offset = LEVELS[case.scheme]
    codes, scales, zeros, restored = [], [], [], []
    for row in case.x:
        for start in range(0, case.columns, case.group):
            x = row[start : start + case.group]
            zero = np.float32(0)
            if case.scheme == "int8_sym":
                scale = np.abs(x).max() / np.float32(127)
            elif case.scheme == "nf4":
                scale = np.abs(x).max()
            elif case.scheme == "int4_sym":
                farthest = x.min() if -x.min() >= x.max() else x.max()
                scale = farthest / np.float32(-8)
            else:
                low, high = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
                scale = (high - low) / np.float32(highest)
            if case.half:
                scale = np.float32(np.float16(scale))
            scaled = x * (ONE / scale)
            if case.scheme == "nf4":
                middles = (code_book[1:] + code_book[:-1]) * np.float32(0.5)
                level = np.searchsorted(middles, scaled, side="left")
                returned = code_book[level] * scale
            else:
                if case.scheme.endswith("asym"):
                    zero = np.clip(np.rint(-low / scale), 0, highest).astype(np.float32)
                    zeros.append(zero)
                level = np.rint(np.clip(scaled + zero, lowest, highest))
                returned = (level - zero) * scale
            codes.append((level.astype(np.int64) + offset) & (2**bits - 1))
            scales.append(scale)
            restored.append(returned)
    return [np.concatenate(codes), np.array(scales), np.array(zeros), np.concatenate(restored)]


def with_numpy(case):
    """How many codes, scales, zero points and numbers differ."""
    code_book = np.array(json.loads(os.environ["NF4"]), np.float32)
    codes, scales, zeros, restored = by_formula(case, code_book)
    return {
        "codes": int((codes != case.codes().ravel()).sum()),
        "scales": int((scales != case.scales.ravel()).sum()),
        "zeros": int(len(zeros) != len(case.zeros) or (zeros != case.zeros).sum()),
        "restored": int((restored != case.restored.ravel()).sum()),
    }


def with_gguf(case):
    """Differences from the blocks of GGUF: Q8_0 and Q4_0, both with groups of 32."""
    from gguf import GGMLQuantizationType, quants

    if case.scheme.startswith("gguf"):
        kind = GGMLQuantizationType[case.scheme.removeprefix("gguf_").upper()]
        data = quants.quantize(case.x, kind)
        restored = quants.dequantize(data, kind)
        return {
            "codes": int((data.ravel() != case.packed.ravel()).sum()),
            "restored": int((restored != case.restored).sum()),
        }
    blocks = case.x.reshape(-1, 32)
    if case.scheme == "int8_sym":
        data = quants.quantize(blocks, GGMLQuantizationType.Q8_0)
        codes = data[:, 2:]
    else:
        data = quants.quantize(blocks, GGMLQuantizationType.Q4_0)
        # Element i shares a byte with element i + 16.
        codes = np.concatenate([data[:, 2:] & 15, data[:, 2:] >> 4], axis=1)
    scales = data[:, :2].copy().view(np.float16).ravel()
    return {
        "codes": int((codes.ravel() != case.codes().ravel()).sum()),
        "scales": int((scales != case.scales.ravel().astype(np.float16)).sum()),
    }


def with_onnxruntime(case):
    """What MatMulNBits multiplies the identity with, next to what comes back here."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    tensors = {"b": case.b, "scales": case.block_scales}
    if case.block_zeros.size:
        tensors["zeros"] = case.block_zeros
    node = helper.make_node(
        "MatMulNBits", ["a", *tensors], ["y"], domain="com.microsoft", **case.attributes
    )
    size = [case.columns, case.columns]
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [case.columns, case.rows])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    y = session.run(None, {"a": np.eye(case.columns, dtype=np.float32)})[0].T
    return {"largest": float(np.abs(y - case.restored).max() / np.abs(case.restored).max())}


def package(name):
    """Where a package is that is not imported, since that would need torch."""
    return os.path.dirname(importlib.util.find_spec(name).origin)


def code_book():
    """The code book of NF4, read from the source of bitsandbytes."""
    with open(os.path.join(package("bitsandbytes"), "functional.py"), encoding="utf-8") as file:
        text = file.read()
    start = text.index("nf4")
    numbers = re.search(r"data = (\[\s*-1\.0,.*?\])", text[start:], re.DOTALL).group(1)
    return {"code_book": ast.literal_eval(numbers)}


def with_bitsandbytes(case):
    """Differences from what the compiled code of bitsandbytes makes of the weights and the codes."""
    (path,) = glob.glob(os.path.join(package("bitsandbytes"), "libbitsandbytes_cpu.*"))
    library = ctypes.CDLL(path)
    book = np.array(json.loads(os.environ["NF4"]), np.float32)
    # It looks for the nearest of 256 values; more of the largest change nothing.
    values = np.concatenate([book, np.full(240, book[-1])])
    scales, nearest = np.zeros_like(case.scales), np.zeros(case.x.shape, np.uint8)

    def call(function, *arguments):
        def argument(value):
            if isinstance(value, int):
                return ctypes.c_longlong(value)
            return ctypes.c_void_p(value.ctypes.data)

        getattr(library, function)(*map(argument, arguments))

    call("cquantize_blockwise_cpu_fp32", values, case.x, scales, nearest, case.group, case.x.size)
    # Its first code of a byte is in the high half.
    packed = case.packed << 4 | case.packed >> 4
    restored = np.zeros_like(case.x)
    call(
        "cdequantize_blockwise_cpu_nf4_fp32",
        packed, case.scales, restored, case.group, case.rows, case.columns,
    )
    # Near the middle of two values it may take the one that is a little farther.
    scaled = case.x.astype(np.float64) / np.repeat(case.scales, case.group, axis=1)
    ours, theirs = np.abs(scaled - book[case.codes()]), np.abs(scaled - values[nearest])
    return {
        "scales": int((scales != case.scales).sum()),
        "farther": int((ours > theirs + 1e-7).sum()),
        "much_nearer": int((ours < theirs - 1e-4).sum()),
        "restored": int((restored != case.restored).sum()),
    }


def main():
    oracle, directory = sys.argv[1:]
    if oracle == "code book":
        found = code_book()
    else:
        with open(os.path.join(directory, "cases.json"), encoding="utf-8") as file:
            cases = [Case(directory, described) for described in json.load(file)]
        check = {
            "numpy": with_numpy,
            "gguf": with_gguf,
            "onnxruntime": with_onnxruntime,
            "bitsandbytes": with_bitsandbytes,
        }[oracle]
        found = {case.name: check(case) for case in cases}
    print(json.dumps(found))


main()
