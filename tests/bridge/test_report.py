"""The report that the bridge was made for, end to end: splats from a Python with another numpy."""

import base64
import importlib.util
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from arrow_quant_v2 import bridge

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples")
FULL, FEW = 7_934_875, 200_000


def load(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(EXAMPLES, name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(cloud, count):
    """Every number is what it was there, looked at a part at a time, as there are two gigabytes."""
    assert (cloud["sh_degree"], cloud["num_points"]) == (3, count)
    widths = {"positions": 3, "scales": 3, "rotations": 4, "alphas": None, "colors": 3, "sh_coefficients": 45}
    assert list(cloud) == [*widths, "sh_degree", "num_points"]
    step = 500_000
    for name, width in widths.items():
        array = cloud[name]
        assert array.dtype == np.float32 and array.shape == ((count,) if width is None else (count, width))
        for start in range(0, count, step):
            ramp = np.arange(start, min(start + step, count), dtype=np.float32)
            expected = ramp if width is None else ramp[:, None] + np.arange(width, dtype=np.float32)
            assert np.array_equal(array[start : start + step], expected), name


def other_numpy():
    return "numpy 1.24.4" if int(np.__version__.split(".")[0]) >= 2 else "numpy 2.2.6"


def test_the_example_with_all_the_splats(python, clean, capsys):
    with open("/proc/meminfo") as stream:
        memory = next(int(line.split()[1]) >> 10 for line in stream if line.startswith("MemAvailable"))
    if memory < 6 << 10:
        pytest.skip(f"it takes 6 GB of memory, and there are {memory} MB")
    cloud = load("spz_across_pythons").main(python(other_numpy()))
    check(cloud, FULL)
    assert "MB in" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["numpy 1.24.4", "numpy 2.2.6", "python 3.8"])
def test_from_every_python(python, name, clean):
    with bridge.Interpreter(python(name), path=EXAMPLES) as other:
        check(other.call("spz_helper:make", FEW), FEW)
        assert other.call("spz_helper:make", 10, degree=0)["sh_coefficients"] is None


def test_the_bindings_are_missing_and_it_is_said_so(python):
    with bridge.Interpreter(python("numpy 2.2.6"), path=EXAMPLES, output="capture") as other:
        with pytest.raises(bridge.RemoteError, match="No module named 'spz'"):
            other.call("spz_helper:load", "scene.spz")


def test_the_same_with_a_pickle_on_standard_output(python):
    """What the report did at first, and what it saw."""
    if int(np.__version__.split(".")[0]) >= 2:
        pytest.skip("numpy 2 reads the pickles of numpy 1")
    script = f"import sys; sys.path.insert(0, {EXAMPLES!r}); import base64, spz_helper; print(base64.b64encode(spz_helper.pickled(100)).decode())"
    ran = subprocess.run(
        [python("numpy 2.2.6"), "-I", "-B", "-c", script], stdout=subprocess.PIPE, check=True
    )
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'numpy\._core'"):
        pickle.loads(base64.b64decode(ran.stdout))
    said = bridge.doctor(python("numpy 2.2.6"))
    assert "fail with `ModuleNotFoundError: No module named 'numpy._core'`" in said.pickles_from
    assert sys.version_info >= (3, 9)
