"""Array files read in Python alone, beside numpy where it is there."""

import importlib.util
import io
import struct
import subprocess
import sys
import zipfile

import pytest
from arrow_quant_v2 import arrays

try:
    import numpy
except ImportError:
    numpy = None

with_numpy = pytest.mark.skipif(numpy is None, reason="needs numpy")
without_numpy = pytest.mark.skipif(numpy is not None, reason="numpy is installed")


def npy(descr, fortran, shape, data):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


SIX = struct.pack("<6f", *range(6))


@with_numpy
@pytest.mark.parametrize(
    "make",
    [
        lambda np: np.arange(6, dtype="<f4").reshape(2, 3),
        lambda np: np.asfortranarray(np.arange(24, dtype="<i8").reshape(2, 3, 4)),
        lambda np: np.arange(6, dtype=">f8"),
        lambda np: np.array(3, "<i2"),
        lambda np: np.zeros((0, 3), "<f4"),
        lambda np: np.array(["a", "bcd"]),
        lambda np: np.array([(1, 2.5)], [("a", "<i4"), ("b", "<f8")]),
        lambda np: np.array(["2020-01-01"], "datetime64[ns]"),
        lambda np: np.array([1 + 2j]),
        lambda np: np.array([True, False]),
    ],
)
def test_what_numpy_saves_comes_back(tmp_path, make):
    array = make(numpy)
    numpy.save(tmp_path / "a.npy", array)
    numpy.savez(tmp_path / "a.npz", a=array)
    numpy.savez_compressed(tmp_path / "b.npz", array)
    packed = arrays.load(tmp_path / "a.npz"), arrays.load(str(tmp_path / "b.npz"))
    for found in (arrays.load(tmp_path / "a.npy"), packed[0]["a"], packed[1]["arr_0"]):
        assert found.dtype == array.dtype and found.shape == array.shape
        assert found.tobytes() == array.tobytes() and found.flags.writeable
        assert found.flags.f_contiguous == array.flags.f_contiguous


@with_numpy
def test_objects_are_never_unpickled(tmp_path):
    numpy.save(tmp_path / "a.npy", numpy.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="pickled"):
        arrays.load(tmp_path / "a.npy")


@without_numpy
@pytest.mark.parametrize(
    "descr, fortran, shape, data, form, wanted",
    [
        ("<f4", False, (2, 3), SIX, "f", [[0, 1, 2], [3, 4, 5]]),
        ("<f4", True, (2, 3), SIX, "f", [[0, 2, 4], [1, 3, 5]]),
        (">i4", False, (2,), struct.pack(">2i", 1, -2), "i", [1, -2]),
        (">f8", True, (2, 1), struct.pack(">2d", 1, 2), "d", [[1], [2]]),
        ("|b1", False, (2,), b"\1\0", "?", [True, False]),
        ("|u1", False, (), b"\7", "B", 7),
        ("<u2", False, (0, 3), b"", "H", []),
    ],
)
def test_without_numpy_they_are_memoryviews(descr, fortran, shape, data, form, wanted):
    view = arrays.load(npy(descr, fortran, shape, data))
    assert isinstance(view, memoryview) and view.format == form and not view.readonly
    assert view.tolist() == wanted
    assert view.shape == (shape if data else (0,))


@without_numpy
@pytest.mark.parametrize("descr", ["<c8", "<U2", "<M8[ns]", "<f16", [("a", "<f4"), ("b", "<i4")]])
def test_types_without_a_format_are_refused_by_name(descr):
    with pytest.raises(TypeError) as refused:
        arrays.load(npy(descr, False, (1,), bytes(16)))
    assert repr(descr) in str(refused.value) and "numpy" in str(refused.value)


def damaged():
    whole = npy("<f4", False, (2, 3), SIX)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", whole)
    packed = bytearray(file.getvalue())
    packed[60 + len(whole) // 2] ^= 255
    yield b"", "empty"
    yield b"hello, world", "neither"
    yield b"\x93NUMPY", "cut off in its header"
    yield whole[:40], "cut off in its header"
    yield whole[:-1], "23 of 24 bytes"
    yield whole.replace(b"(2, 3)", b"(2,-3)"), "damaged"
    yield whole.replace(b"{", b"("), "damaged"
    yield b"\x93NUMPY\x07" + whole[7:], "version 7"
    yield npy("|O", False, (1,), b"12345678"), "pickled"
    yield npy([("a", "<i4"), ("b", "|O")], False, (1,), b"123456789012"), "pickled"
    yield file.getvalue()[:-5], "damaged"
    yield bytes(packed), "damaged"


@pytest.mark.parametrize("data, said", list(damaged()))
def test_damaged_files_are_refused(data, said):
    with pytest.raises(ValueError, match=said):
        arrays.load(data)


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, data in members.items():
            made.writestr(name + ".npy", data)
    return file.getvalue()


def test_of_an_archive_only_what_is_named_is_read(tmp_path):
    damaged = npy("<f4", False, (2, 3), SIX)[:-1]
    data = archive(a=npy("<f4", False, (2, 3), SIX), b=damaged, c=npy("|u1", False, (2,), b"\1\2"))
    path = tmp_path / "a.npz"
    path.write_bytes(data)
    for source in (data, bytearray(data), path):
        found = arrays.load(source, only=["c", "a"])
        assert sorted(found) == ["a", "c"] and found["c"].tolist() == [1, 2]
    assert arrays.load(data, only=[]) == {}
    with pytest.raises(ValueError, match="23 of 24 bytes"):
        arrays.load(data)
    with pytest.raises(ValueError, match="there is no array 'd', 'e' in it"):
        arrays.load(data, only=["e", "a", "d"])
    with pytest.raises(ValueError, match="a single array"):
        arrays.load(npy("|u1", False, (2,), b"\1\2"), only=["a"])
    with pytest.raises(TypeError, match="several names"):
        arrays.load(data, only="a")


@without_numpy
def test_what_needs_numpy_need_not_be_in_the_way():
    data = archive(a=npy("<f4", False, (2, 3), SIX), b=npy("<c8", False, (3,), SIX))
    with pytest.raises(TypeError, match="install numpy to read it, or choose other arrays with `only`"):
        arrays.load(data)
    assert arrays.load(data, only=["a"])["a"].shape == (2, 3)


def test_a_file_that_is_open_is_read_from_where_it_is(tmp_path):
    path = tmp_path / "two.bin"
    path.write_bytes(b"before" + npy("|u1", False, (2,), b"\1\2"))
    with open(path, "rb") as file:
        file.seek(6)
        assert arrays.load(file).tolist() == [1, 2]


def test_the_file_works_alone_and_the_package_without_its_native_module(tmp_path):
    source = importlib.util.find_spec("arrow_quant_v2.arrays").origin
    package = tmp_path / "arrow_quant_v2"
    package.mkdir()
    for name in ("__init__.py", "arrays.py", "errors.py"):
        with open(source.replace("arrays.py", name), encoding="utf-8") as file:
            (package / name).write_text(file.read(), encoding="utf-8")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import arrow_quant_v2\n"
        "from arrow_quant_v2 import arrays; print(arrays.__file__)\n"
        "try: arrow_quant_v2.load_spz\n"
        "except ImportError as error: print(error)\n"
        "print(hasattr(arrow_quant_v2, 'nothing'))"
    )
    done = subprocess.run([sys.executable, "-I", "-B", "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == str(package / "arrays.py") and third == "False"
    assert second == "arrow_quant_v2.load_spz needs the native module: No module named 'arrow_quant_v2._native'"
