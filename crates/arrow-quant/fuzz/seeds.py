"""Writes real files for the fuzz targets to start from: `seeds.py DIRECTORY`.

They are small models as numpy saves them, and as safetensors lays them out; the targets for files of
Arrow start from nothing, since only numpy is installed for this program.
"""

import json
import os
import sys

import numpy as np


def tensors():
    random = np.random.default_rng(1)
    yield {"a": random.standard_normal((4, 8)).astype(np.float32), "b": np.arange(6)}
    yield {"half": random.standard_normal((3, 5)).astype(np.float16), "none": np.zeros((0, 4), "f4")}
    yield {"fortran": np.asfortranarray(random.standard_normal((4, 6)).astype(np.float32))}
    yield {"scalar": np.float32(1.5), "big": np.arange(4, dtype=">f4"), "flag": np.array([True, False])}


def safetensors(model):
    names = {"f4": "F32", "f2": "F16", "i8": "I64", "b1": "BOOL"}
    header, data = {"__metadata__": {"format": "np"}}, b""
    for name, array in model.items():
        array = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
        raw = array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def main():
    root = sys.argv[1]
    for target in ("safetensors", "npz"):
        os.makedirs(os.path.join(root, target), exist_ok=True)
    for number, model in enumerate(tensors()):
        with open(os.path.join(root, "safetensors", str(number)), "wb") as file:
            file.write(safetensors(model))
        np.savez(os.path.join(root, "npz", f"{number}-stored.npz"), **model)
        np.savez_compressed(os.path.join(root, "npz", f"{number}-deflated.npz"), **model)


main()
