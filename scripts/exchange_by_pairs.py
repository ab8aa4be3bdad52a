"""Peer of the matrix in `cargo xtask bench matrix`: a process for every pair, as a shell loop has it.

Takes a directory and interpreters with numpy. Each writes sixty small arrays and one of a megabyte
with `np.savez`; for every pair, the reader loads them in a process of its own.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

WRITE = """
import sys
import numpy as np
arrays = {"a%d" % n: np.arange(15, dtype="<f4") for n in range(60)}
np.savez(sys.argv[1], large=np.arange(300000, dtype="<f4"), **arrays)
"""

READ = """
import sys
import numpy as np
with np.load(sys.argv[1]) as archive:
    for name in archive.files:
        archive[name].tobytes()
"""


def run(job):
    python, script, path = job
    subprocess.run([python, "-I", "-B", "-c", script, path], check=True)


def main():
    directory, pythons = sys.argv[1], sys.argv[2:]
    os.makedirs(directory, exist_ok=True)
    files = [os.path.join(directory, "%d.npz" % number) for number in range(len(pythons))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, [(python, WRITE, file) for python, file in zip(pythons, files)]))
        list(pool.map(run, [(python, READ, file) for python in pythons for file in files]))


if __name__ == "__main__":
    main()
