"""Quantizes a matrix with every library that is installed, and prints a line of JSON for each.

Arguments: the file of the matrix (f32), its rows and columns, and the number of processors to use.
Each result gives the least seconds of several runs, the seconds that copying the matrix took between
them, and how much was lost. What a library needs in another form, such as a transposed matrix or a
tensor, is made before the clock starts; what it returns is made anew each time.
"""

import importlib.metadata
import json
import os
import sys
import time
import warnings

PROCESSORS = int(sys.argv[4])
if hasattr(os, "sched_setaffinity"):
    # Some libraries have threads that no setting reaches, so the process gets no more processors.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:PROCESSORS])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = str(PROCESSORS)

import numpy as np

warnings.filterwarnings("ignore")

ROUNDS = 5
# A round that takes longer than this many seconds is not repeated often.
LONG = 2.0


class Absent(Exception):
    """A library that is not installed."""


def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        raise Absent(name) from None


def by_numpy(x):
    rows, columns = x.shape

    def int8():
        scales = np.abs(x).max(axis=1, keepdims=True) / np.float32(127)
        return np.rint(x * (1 / scales)).astype(np.int8), scales

    def int4():
        groups = x.reshape(-1, 128)
        low = np.minimum(groups.min(axis=1, keepdims=True), 0)
        high = np.maximum(groups.max(axis=1, keepdims=True), 0)
        scales = (high - low) / np.float32(15)
        zeros = np.rint(-low / scales)
        codes = np.clip(np.rint(groups * (1 / scales) + zeros), 0, 15).astype(np.uint8)
        return codes[:, 0::2] | codes[:, 1::2] << 4, scales, zeros

    def restored(result):
        packed, scales, zeros = result
        codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1, 128)
        return ((codes - zeros) * scales).reshape(rows, columns)

    name = "numpy " + version("numpy")
    yield name, "int8 row", 8, int8, lambda result: result[0] * result[1]
    yield name, "int4 g128 asymmetric", 4, int4, restored


def by_torch(x):
    name = "torch " + version("torch")
    import torch

    torch.set_num_threads(PROCESSORS)
    t = torch.from_numpy(x)
    rows, columns = x.shape

    def int8():
        scales = t.abs().amax(dim=1, keepdim=True) / 127
        return torch.round(t * (1 / scales)).to(torch.int8), scales

    def int4():
        groups = t.reshape(-1, 128)
        low = groups.amin(dim=1, keepdim=True).clamp(max=0)
        high = groups.amax(dim=1, keepdim=True).clamp(min=0)
        scales = (high - low) / 15
        zeros = torch.round(-low / scales)
        codes = torch.round(groups * (1 / scales) + zeros).clamp(0, 15).to(torch.uint8)
        return codes[:, 0::2] | codes[:, 1::2] << 4, scales, zeros

    def restored(result):
        packed, scales, zeros = result
        codes = torch.stack([packed & 15, packed >> 4], dim=-1).reshape(-1, 128)
        return ((codes - zeros) * scales).reshape(rows, columns).numpy()

    yield name, "int8 row", 8, int8, lambda result: (result[0] * result[1]).numpy()
    yield name, "int4 g128 asymmetric", 4, int4, restored


def by_torchao(x):
    name = "torchao " + version("torchao")
    import torch
    from torchao.quantization import Int8WeightOnlyConfig, IntxWeightOnlyConfig, quantize_
    from torchao.quantization.granularity import PerGroup

    torch.set_num_threads(PROCESSORS)
    t = torch.from_numpy(x)
    rows, columns = x.shape

    def with_config(config):
        def run():
            linear = torch.nn.utils.skip_init(torch.nn.Linear, columns, rows, bias=False)
            linear.weight = torch.nn.Parameter(t, requires_grad=False)
            quantize_(linear, config)
            return linear.weight

        return run

    int4 = IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(128))
    restored = lambda result: result.dequantize().detach().numpy()
    yield name, "int8 row", 8, with_config(Int8WeightOnlyConfig()), restored
    yield name, "int4 g128, not packed", 4, with_config(int4), restored


def by_quanto(x):
    name = "quanto " + version("optimum-quanto")
    import torch
    from optimum.quanto import AbsmaxOptimizer, MaxOptimizer, qint4, qint8, quantize_weight

    torch.set_num_threads(PROCESSORS)
    t = torch.from_numpy(x)

    def int8():
        return quantize_weight(t, qint8, 0, AbsmaxOptimizer()(t, qint8, 0))

    def int4():
        scale, shift = MaxOptimizer()(t, qint4, 0, 128)
        return quantize_weight(t, qint4, 0, scale, shift=shift, group_size=128)

    yield name, "int8 row", 8, int8, lambda result: result.dequantize().numpy()
    # Restoring it compiles C++.
    yield name, "int4 g128", 4, int4, None


def by_bitsandbytes(x):
    name = "bitsandbytes " + version("bitsandbytes")
    import bitsandbytes.functional as functional
    import torch

    torch.set_num_threads(PROCESSORS)
    t = torch.from_numpy(x)

    def restored_int8(result):
        return (result[0].to(torch.float32) * (result[1].reshape(-1, 1) / 127)).numpy()

    yield name, "int8 row", 8, lambda: functional.int8_vectorwise_quant(t), restored_int8
    blockwise = lambda: functional.quantize_blockwise(t, blocksize=256)
    restored = lambda result: functional.dequantize_blockwise(*result).numpy()
    yield name, "dynamic 8 bits g256", 8, blockwise, restored
    nf4 = lambda: functional.quantize_4bit(t, quant_type="nf4", blocksize=64)
    yield name, "nf4 g64", 4, nf4, lambda result: functional.dequantize_4bit(*result).numpy()


def by_onnxruntime(x):
    name = "onnxruntime " + version("onnxruntime")
    import onnxruntime.capi._pybind_state as native

    rows, columns = x.shape
    groups = columns // 128
    # It takes the matrix the other way round.
    transposed = x.T.copy()

    def run(bits, symmetric):
        def quantize():
            data = np.zeros((rows, groups, 16 * bits), np.uint8)
            scales = np.zeros((rows, groups), np.float32)
            zeros = np.zeros((rows, (groups * bits + 7) // 8), np.uint8)
            function = getattr(native, f"quantize_matmul_{bits}bits")
            function(data, transposed, scales, zeros, 128, rows, columns, symmetric)
            return data, scales, zeros

        return quantize

    def restored(bits, symmetric):
        def restore(result):
            data, scales, zeros = result
            zeros = zeros.reshape(rows, -1)
            if bits == 4:
                data = np.stack([data & 15, data >> 4], axis=-1)
                zeros = np.stack([zeros & 15, zeros >> 4], axis=-1).reshape(rows, -1)[:, :groups]
            codes = data.reshape(rows, groups, 128).astype(np.float32)
            zeros = 1 << bits - 1 if symmetric else zeros.reshape(rows, groups, 1)
            scales = scales.reshape(rows, groups, 1)
            return ((codes - zeros) * scales).astype(np.float32).reshape(rows, columns)

        return restore

    yield name, "int8 g128", 8, run(8, True), restored(8, True)
    yield name, "int4 g128 symmetric", 4, run(4, True), restored(4, True)
    yield name, "int4 g128 asymmetric", 4, run(4, False), restored(4, False)


def by_gguf(x):
    name = "gguf-py " + version("gguf")
    from gguf import GGMLQuantizationType, quants

    for label, bits in (("Q8_0", 8), ("Q4_0", 4)):
        kind = getattr(GGMLQuantizationType, label)
        quantize = lambda kind=kind: quants.quantize(x, kind)
        yield name, label, bits, quantize, lambda result, kind=kind: quants.dequantize(result, kind)


def by_this_project(x):
    name = "arrow_quant_v2 " + version("arrow_quant_v2")
    import arrow_quant_v2

    def run(**options):
        return lambda: arrow_quant_v2.quantize({"layer": x}, threads=PROCESSORS, **options)

    def restored(result):
        row = arrow_quant_v2.dequantize(result).rows()[0]
        return np.asarray(row["weights"]).reshape(x.shape)

    for label, bits, options in (
        ("int8 row", 8, {"scheme": "int8_sym", "group_size": 0, "search": "minmax"}),
        ("int8 g128", 8, {"scheme": "int8_sym", "search": "minmax"}),
        ("int4 g128 symmetric", 4, {"scheme": "int4_sym", "search": "minmax"}),
        ("int4 g128 asymmetric", 4, {"scheme": "int4_asym", "search": "minmax"}),
        ("nf4 g64", 4, {"scheme": "nf4", "group_size": 64, "search": "minmax"}),
        ("int4 g128 symmetric, least error", 4, {"scheme": "int4_sym", "search": "mse"}),
    ):
        yield name, label, bits, run(**options), restored


def sqnr(x, restored):
    """Decibels, row by row so that it fits into memory."""
    signal = noise = 0.0
    for original, returned in zip(x, restored):
        original = original.astype(np.float64)
        signal += float(np.dot(original, original))
        difference = original - returned
        noise += float(np.dot(difference, difference))
    return 10 * np.log10(signal / noise) if noise else None


def main():
    rows, columns = int(sys.argv[2]), int(sys.argv[3])
    x = np.fromfile(sys.argv[1], np.float32).reshape(rows, columns)
    target = np.ones_like(x)

    def copying():
        start = time.perf_counter()
        np.copyto(target, x)
        return time.perf_counter() - start

    libraries = (
        by_this_project,
        by_numpy,
        by_torch,
        by_torchao,
        by_quanto,
        by_bitsandbytes,
        by_onnxruntime,
        by_gguf,
    )
    for library in libraries:
        try:
            for name, scheme, bits, quantize, restore in library(x):
                result = quantize()
                lost = sqnr(x, restore(result)) if restore else None
                best, copy = float("inf"), copying()
                for _ in range(ROUNDS):
                    result = None
                    start = time.perf_counter()
                    result = quantize()
                    best = min(best, time.perf_counter() - start)
                    copy = min(copy, copying())
                    if best > LONG:
                        break
                answer = {
                    "tool": name,
                    "scheme": scheme,
                    "bits": bits,
                    "threads": PROCESSORS,
                    "seconds": best,
                    "copy_seconds": copy,
                    "sqnr_db": lost,
                }
                print(json.dumps(answer), flush=True)
        except (Absent, ImportError) as error:
            print(f"without {library.__name__.removeprefix('by_')}: {error}", file=sys.stderr)


main()
