"""Quantizes a matrix with numpy, and with gguf and onnxruntime where they are, and prints seconds."""

import sys
import time

import numpy as np


def int8_rows(x):
    """int8, one scale for each row."""
    scales = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
    return np.rint(x * (1 / scales)).astype(np.int8), scales


def int4_groups(x):
    """int4 with zero points in groups of 128, packed."""
    groups = x.reshape(-1, 128)
    low = np.minimum(groups.min(axis=1, keepdims=True), 0)
    high = np.maximum(groups.max(axis=1, keepdims=True), 0)
    scales = (high - low) / np.float32(15)
    zeros = np.rint(-low / scales)
    codes = np.clip(np.rint(groups * (1 / scales) + zeros), 0, 15).astype(np.uint8)
    return codes[:, 0::2] | codes[:, 1::2] << 4, scales, zeros


def operations():
    """Names of operations, and what carries them out."""
    yield f"numpy {np.__version__} int8 row", int8_rows
    yield f"numpy {np.__version__} int4 g128", int4_groups
    try:
        from gguf import GGMLQuantizationType, quants

        yield "gguf-py Q8_0", lambda x: quants.quantize(x, GGMLQuantizationType.Q8_0)
        yield "gguf-py Q4_0", lambda x: quants.quantize(x, GGMLQuantizationType.Q4_0)
    except ImportError:
        pass
    try:
        from onnxruntime.capi._pybind_state import quantize_matmul_4bits
    except ImportError:
        return

    def by_onnxruntime(x):
        rows, columns = x.shape
        groups = columns // 128
        data = np.zeros((rows, groups, 64), np.uint8)
        scales = np.zeros((rows, groups), np.float32)
        zeros = np.zeros((rows, (groups + 1) // 2), np.uint8)
        # It takes the matrix the other way round.
        quantize_matmul_4bits(data, x.T.copy(), scales, zeros, 128, rows, columns, False)

    def transposing(x):
        return x.T.copy()

    yield "onnxruntime 4 bits g128 and transposing", by_onnxruntime
    yield "transposing alone", transposing


def main():
    rows, columns = int(sys.argv[1]), int(sys.argv[2])
    x = np.fromfile(sys.argv[3], np.float32).reshape(rows, columns)
    for name, operation in operations():
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            operation(x)
            best = min(best, time.perf_counter() - start)
        print(f"{best}\t{name}", flush=True)


main()
