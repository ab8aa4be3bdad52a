"""Quantizes a matrix through `quantize_arrow` of whichever arrow_quant_v2 is installed.

Arguments: the file of the matrix (f32), its rows and columns. Prints a line of JSON: the least
seconds of three calls with four bits on a table of one layer, as that method's documentation has it.
"""

import json
import sys
import time

import numpy as np
import pyarrow as pa
from arrow_quant_v2 import ArrowQuantV2


def main():
    rows, columns = int(sys.argv[2]), int(sys.argv[3])
    x = np.fromfile(sys.argv[1], np.float32)
    offsets = pa.array([0, x.size], pa.int32())
    table = pa.table(
        {
            "layer_name": pa.array(["layer"]),
            "weights": pa.ListArray.from_arrays(offsets, pa.array(x)),
            "shape": pa.array([[rows, columns]], pa.list_(pa.int64())),
        }
    )
    quantizer = ArrowQuantV2(mode="diffusion")
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        result = quantizer.quantize_arrow(table, bit_width=4)
        best = min(best, time.perf_counter() - start)
        del result
    print(json.dumps({"seconds": best}))


main()
