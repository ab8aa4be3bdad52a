"""A whole SPZ file, read in another Python, beside the same file read here."""

import os

import numpy as np
import pytest
from arrow_quant_v2 import load_spz
from test_report import FULL, load, other_numpy

SCENE = os.environ.get("ARROW_QUANT_BRIDGE_SCENE")
STEP = 500_000


@pytest.mark.skipif(SCENE is None, reason="there is no large file; run by `cargo xtask test wheel`")
def test_a_file_is_the_same_from_the_other_numpy(python, clean, capsys):
    with open("/proc/meminfo") as stream:
        memory = next(int(line.split()[1]) >> 10 for line in stream if line.startswith("MemAvailable"))
    if memory < 8 << 10:
        pytest.skip(f"it takes 8 GB of memory, and there are {memory} MB")
    there = load("spz_across_pythons").main(python(other_numpy()), SCENE, "load_with_arrow_quant")
    here = load_spz(SCENE)
    assert here["num_points"] == there["num_points"] == FULL
    assert list(there) == [name for name in here if name != "sh"]
    for name, mine in here.items():
        if name == "sh":
            continue
        if not isinstance(mine, np.ndarray):
            assert there[name] == mine, name
            continue
        assert there[name].dtype == mine.dtype == np.float32
        assert there[name].shape == mine.shape
        for start in range(0, FULL, STEP):
            pair = [np.ascontiguousarray(cloud[name][start : start + STEP]) for cloud in (here, there)]
            assert np.array_equal(*(part.view(np.uint32) for part in pair)), name
    assert "MB in" in capsys.readouterr().out
