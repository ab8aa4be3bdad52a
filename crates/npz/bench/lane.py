"""The numpy side of the benchmark: runs one operation per line of standard input."""

import os
import resource
import sys
import time

import numpy as np


def make(path):
    kind, count = os.path.basename(path).split("-")[0], int(sys.argv[1])
    random = np.random.RandomState(20)
    if kind == "noise":
        array = random.standard_normal(count).astype("<f4")
    else:
        array = np.cumsum(random.randint(-3, 4, count)).astype("<f4")
    np.save(path, array)


def read(path):
    array = np.load(path)
    if not isinstance(array, np.ndarray):
        with array as archive:
            array = archive["a"]
    return array


held = {}


def write(function, path):
    source, target = path.split(">")
    if source not in held:
        held.clear()
        held[source] = np.load(source)
    array = held[source]
    return lambda: function(target, a=array)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


for line in sys.stdin:
    operation, path = line.strip().split(" ", 1)
    run = {
        "make": lambda: (lambda: make(path)),
        "read": lambda: (lambda: read(path)),
        "map": lambda: (lambda: np.load(path, mmap_mode="r")),
        "write-stored": lambda: write(np.savez, path),
        "write-deflated": lambda: write(np.savez_compressed, path),
    }[operation]()
    before = (time.perf_counter(), cpu())
    run()
    print(time.perf_counter() - before[0], cpu() - before[1], flush=True)
