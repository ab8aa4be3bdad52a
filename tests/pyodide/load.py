"""What is run in Pyodide: the fault of its files, and arrays loaded in spite of it.

There is neither numpy nor a native module here.
"""

import importlib.util
import json
import os
import sys


def told(view):
    return {"format": view.format, "shape": list(view.shape), "values": view.tolist()}


def duplicated(path):
    """What C does for `numpy.fromfile`: it works on a copy of the descriptor, and closes the copy."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.close(os.dup(descriptor))
        os.read(descriptor, 8)
        os.close(descriptor)
    except OSError as error:
        return error.strerror
    return None


sys.path.insert(0, "/package")
import arrow_quant_v2  # noqa: E402
from arrow_quant_v2 import arrays  # noqa: E402

found = {"python": sys.version.split()[0], "platform": sys.platform, "files": {}}
found["dup"] = duplicated("/data/floats.npy")
for name in sorted(os.listdir("/data")):
    path = "/data/" + name
    try:
        loaded = arrays.load(path)
    except (ValueError, TypeError) as error:
        found["files"][name] = {"error": f"{type(error).__name__}: {error}"}
        continue
    if isinstance(loaded, dict):
        found["files"][name] = {key: told(view) for key, view in loaded.items()}
    else:
        found["files"][name] = told(loaded)
chosen = arrays.load("/data/mixed.npz", only=["floats"])
found["chosen"] = {key: told(view) for key, view in chosen.items()}
try:
    arrow_quant_v2.quantize
except ImportError as error:
    found["native"] = str(error)

# The file alone, loaded by its path, as a program does that has nothing else of the package.
spec = importlib.util.spec_from_file_location("alone", "/package/arrow_quant_v2/arrays.py")
alone = importlib.util.module_from_spec(spec)
spec.loader.exec_module(alone)
found["alone"] = told(alone.load("/data/floats.npy"))
result = json.dumps(found)
