"""Splats loaded in another Python, whose numpy this one could not unpickle.

    python examples/spz_across_pythons.py /opt/conda/envs/spz-env/bin/python scene.spz [LOADER]

LOADER is a function of spz_helper.py: `load` takes the bindings of Niantic, and
`load_with_arrow_quant` the reader of arrow_quant_v2, whichever the other Python has. Without a file,
arrays of that size are made there: 7,934,875 splats of degree 3, 1.9 GB.
"""

import sys
import time

import numpy as np

from arrow_quant_v2 import bridge

POINTS = 7_934_875


def main(python, scene=None, loader="load"):
    # Any function of any module that is beside this file or installed there.
    call = ("spz_helper:make", POINTS) if scene is None else (f"spz_helper:{loader}", scene)
    with bridge.Interpreter(python) as other:
        there = other.start()
        begun = time.perf_counter()
        cloud = other.call(*call, timeout=300)
        seconds = time.perf_counter() - begun
    print(f"here numpy {np.__version__}, there numpy {there['numpy']} (Python {there['python']})")
    for name, value in cloud.items():
        is_array = isinstance(value, np.ndarray)
        print(f"  {name:16} {value.dtype} {value.shape}" if is_array else f"  {name:16} {value}")
    size = sum(value.nbytes for value in cloud.values() if isinstance(value, np.ndarray))
    print(f"{size / 1e6:.0f} MB in {seconds:.2f} s, no file written, nothing pickled")
    return cloud


if __name__ == "__main__":
    main(*sys.argv[1:])
