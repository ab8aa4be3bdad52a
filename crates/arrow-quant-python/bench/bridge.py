"""What `cargo xtask bench bridge` runs: the bridge beside what people do without it.

Takes the other interpreter and megabytes. The bridge is read from the sources, without the native
module. Every way moves the same float32 array from a warm process of the other Python (the report's
own way starts one each time, as it did), and all of it is read here afterwards.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import types

import numpy as np

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../python/arrow_quant_v2")
ROUNDS = 7


def bridge_of_the_sources():
    package = types.ModuleType("arrow_quant_v2")
    package.__path__ = [SOURCES]
    sys.modules["arrow_quant_v2"] = package
    from arrow_quant_v2 import bridge

    return bridge


THERE = '''"""Functions of the other side."""
import os
import sys
import tempfile

import numpy as np

MADE = {}


def array(kind, count):
    if (kind, count) not in MADE:
        random = np.random.RandomState(1)
        if kind == "noise":
            made = random.standard_normal(count).astype("f4")
        else:
            made = np.cumsum(random.randint(-2, 3, count)).astype("f4")
        MADE[kind, count] = made
    return MADE[kind, count]


def nothing(value=None):
    return value


def length(value):
    return value.shape[0]


def save(kind, count, directory, how):
    path = os.path.join(directory, "array." + ("npy" if how == "save" else "npz"))
    getattr(np, how)(path, array(kind, count))
    return path


if __name__ == "__main__":
    # The report's way: the path of a compressed file on standard output.
    made = array(sys.argv[1], int(sys.argv[2]))
    print(save(sys.argv[1], int(sys.argv[2]), sys.argv[3], "savez_compressed"))
'''


def middle(values):
    return sorted(values)[len(values) // 2]


def timed(run):
    begun = time.perf_counter()
    result = run()
    result.sum()
    taken = time.perf_counter() - begun
    del result
    return taken


def main():
    other_python, megabytes = sys.argv[1], int(sys.argv[2])
    bridge = bridge_of_the_sources()
    count = megabytes * 250_000
    report = {"here": np.__version__}
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "there.py"), "w") as stream:
            stream.write(THERE)

        with bridge.Interpreter(other_python, path=directory) as other:
            report["there"] = other.start()["numpy"]
            other.call("there:nothing")
            calls = []
            for _ in range(500):
                begun = time.perf_counter()
                other.call("there:nothing", 1)
                calls.append(time.perf_counter() - begun)
            report["call_ms"] = middle(calls) * 1e3

            def by_file(kind, how):
                path = other.call("there:save", kind, count, directory, how)
                loaded = np.load(path, allow_pickle=False)
                array = loaded if how == "save" else loaded["arr_0"]
                os.unlink(path)
                return array

            for kind in ["smooth", "noise"]:
                other.call("there:array", kind, count)
                ways = {"bridge": lambda: other.call("there:array", kind, count)}
                kept = {"bridge": [], "save": []}
                others = {}
                for transport in ["memfd", "file", "pipe"]:
                    found = bridge.Interpreter(other_python, path=directory, transport=transport)
                    found.call("there:array", kind, count)
                    others[transport] = found
                    kept[transport] = []
                    ways[transport] = lambda found=found: found.call("there:array", kind, count)
                ways["save"] = lambda: by_file(kind, "save")
                # In turn, so that other work on the machine hits all alike.
                for turn in range(ROUNDS + 1):
                    for name, way in ways.items():
                        taken = timed(way)
                        if turn:
                            kept[name].append(taken)
                for found in others.values():
                    found.close()
                kept["compressed"] = [timed(lambda: by_file(kind, "savez_compressed"))]
                report[kind] = {name: middle(values) for name, values in kept.items()}

            array = np.ones(count, "f4")
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                assert other.call("there:length", array) == count
                times.append(time.perf_counter() - begun)
            report["sent"] = middle(times)
        begun = time.perf_counter()
        ran = subprocess.run(
            [other_python, os.path.join(directory, "there.py"), "smooth", "250000", directory],
            capture_output=True,
            text=True,
            check=True,
        )
        with np.load(ran.stdout.strip(), allow_pickle=False) as archive:
            archive["arr_0"].sum()
        report["small_by_process"] = time.perf_counter() - begun
    print(json.dumps(report))


if __name__ == "__main__":
    main()
