"""Arrays in files: no pickle, None is None, whole or not at all."""

import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from test_values import ARRAYS, same

from arrow_quant_v2 import bridge


# What .npy files cannot hold, or numpy does not read back.
LESS_THAN_ALL = ("struct of nothing", "struct titles", "struct gaps", "struct aligned")


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {name.replace(" ", "/"): array for name, array in ARRAYS.items() if name not in LESS_THAN_ALL}
    for compress in [False, True]:
        bridge.save_npz(
            path, {**arrays, "nothing": None, "number": 3, "word": "abc", "yes": True}, compress=compress
        )
        found = bridge.load_npz(path)
        assert found["nothing"] is None and list(found)[-1] == "nothing"
        assert (int(found["number"]), str(found["word"]), bool(found["yes"])) == (3, "abc", True)
        for name, array in arrays.items():
            same(array, found[name])
    assert os.listdir(tmp_path) == ["a.npz"]


def test_numpy_reads_it_without_pickle_and_its_files_are_read(tmp_path):
    bridge.save_npz(tmp_path / "a.npz", {"x": np.arange(3), "none": None})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert archive["x"].tolist() == [0, 1, 2] and "none" not in archive.files
    np.savez_compressed(tmp_path / "b.npz", x=np.arange(3), y=np.zeros((2, 0)))
    assert bridge.load_npz(tmp_path / "b.npz")["y"].shape == (2, 0)


def test_the_bytes_are_the_same_every_time(tmp_path):
    for name in "ab":
        bridge.save_npz(tmp_path / name, {"x": np.arange(3)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "value, what",
    [
        (np.array([None]), "Python objects"),
        (np.ma.array([1], mask=[1]), "MaskedArray"),
        ([1, 2], "type list"),
        (object(), "type object"),
        (ARRAYS["struct gaps"], "cannot describe"),
    ],
)
def test_what_only_a_pickle_holds_is_refused_before_anything_is_written(tmp_path, value, what):
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    with pytest.raises(bridge.CrossingError, match=what) as caught:
        bridge.save_npz(path, {"good": np.zeros(2), "bad": value})
    assert caught.value.where.startswith("arrays['bad']")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.npz"]
    for name in ["", "../x", "/x", "__none__"]:
        with pytest.raises(bridge.CrossingError, match="a name that a file cannot have"):
            bridge.save_npz(path, {name: np.zeros(2)})


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    bridge.save_npz(path, {"x": np.zeros(2)})
    path.chmod(0o640)
    old = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np.lib.format, "write_array", fail)
        with pytest.raises(OSError, match="No space left"):
            bridge.save_npz(path, {"x": np.ones(2)})
    assert path.read_bytes() == old and os.listdir(tmp_path) == ["a.npz"]
    (tmp_path / "link").symlink_to(path)
    bridge.save_npz(tmp_path / "link", {"x": np.ones(2)})
    assert (tmp_path / "link").is_symlink() and bridge.load_npz(path)["x"].tolist() == [1, 1]
    assert path.stat().st_mode & 0o777 == 0o640


def test_killed_while_writing_it_leaves_nothing(tmp_path):
    script = "import sys; sys.path[:0] = %r; import numpy as np; from arrow_quant_v2 import bridge; x = np.zeros(3000000)\nprint('go', flush=True)\nwhile True: bridge.save_npz(%r, {'x': x})"
    script %= ([path for path in sys.path if path], str(tmp_path / "a.npz"))
    for delay in [0.0, 0.01, 0.05, 0.1]:
        ran = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        ran.stdout.readline()
        time.sleep(delay)
        ran.send_signal(signal.SIGKILL)
        ran.wait()
        ran.stdout.close()
        assert set(os.listdir(tmp_path)) <= {"a.npz"}
        if (tmp_path / "a.npz").exists():
            assert bridge.load_npz(tmp_path / "a.npz")["x"].shape == (3000000,)


def test_files_that_are_none(tmp_path):
    path = tmp_path / "a.npz"
    bridge.save_npz(path, {"x": np.arange(1000.0)})
    whole = path.read_bytes()
    np.savez(tmp_path / "objects.npz", x=np.array([None, 1], dtype=object))
    lying = whole.replace(b"(1000,)", b"(9999,)")
    for data, message in [
        (b"", "it is empty"),
        (b"Loading model...\n" + b"x" * 100, "begins with b'Loading model"),
        (whole[:-10], "cut off|damaged|no .npz file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of git-lfs"),
        (pickle.dumps(3), "a pickle"),
        (b"\x93NUMPY\1\0", "a single array"),
        ((tmp_path / "objects.npz").read_bytes(), "objects|holds Python objects"),
        (lying, "damaged"),
        (whole[:200] + bytes(8) + whole[208:], "damaged"),
    ]:
        path.write_bytes(data)
        with pytest.raises(bridge.ArrayFileError, match=message):
            bridge.load_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"no array at all")
    with pytest.raises(bridge.ArrayFileError, match="x is no array"):
        bridge.load_npz(path)
    with pytest.raises(FileNotFoundError):
        bridge.load_npz(tmp_path / "nothing")
