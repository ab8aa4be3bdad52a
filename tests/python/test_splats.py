"""SPZ files as arrays: what comes back, in which layout, and what broken files are told to be."""

import json
import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import arrow_quant_v2 as aq
import pytest

try:
    import numpy
except ImportError:
    numpy = None

DATA = Path(__file__).parents[2] / "crates" / "spz" / "tests" / "data"
FILES = {told["file"]: told for told in json.loads((DATA / "files.json").read_text())}
NAMES = ("positions", "scales", "rotations", "alphas", "colors", "sh")
with_numpy = pytest.mark.skipif(numpy is None, reason="needs numpy")
without_numpy = pytest.mark.skipif(numpy is not None, reason="numpy is installed")


def shape_of(file, name):
    points, degree = FILES[file]["num_points"], FILES[file]["sh_degree"]
    return {
        "alphas": (points,),
        "rotations": (points, 4),
        "sh": (points, degree * (degree + 2), 3),
    }.get(name, (points, 3))


@with_numpy
@pytest.mark.parametrize("file", sorted(FILES))
def test_every_bit_is_that_of_the_reference(file):
    path = DATA / file
    cloud = aq.load_spz(path)
    with numpy.load(path.with_suffix(".npz"), allow_pickle=False) as wanted:
        for name in NAMES:
            array = cloud[name]
            assert array.dtype == numpy.float32 and array.shape == wanted[name].shape == shape_of(file, name)
            bits = numpy.ascontiguousarray(array).view(numpy.uint32)
            assert (bits == wanted[name].view(numpy.uint32)).all(), name
            alone = aq.load_spz(path, fields=[name])[name]
            assert alone.flags.c_contiguous
            assert (alone.view(numpy.uint32) == bits).all(), name


@with_numpy
def test_the_keys_of_other_loaders_are_there():
    cloud = aq.load_spz(DATA / "v4_d3_n1.spz")
    assert cloud["num_points"] == 1 and cloud["sh_degree"] == 3
    whole = cloud["sh_coefficients"]
    assert whole.shape == (1, 48)
    assert (whole[:, :3] == cloud["colors"]).all()
    assert (whole[:, 3:] == cloud["sh"].reshape(1, 45)).all()
    # One memory, not two.
    cloud["sh"][0, 0, 0] = 7.0
    assert whole[0, 3] == 7.0
    assert aq.load_spz(DATA / "v3_d0_n1.spz")["sh_coefficients"].shape == (1, 3)
    assert aq.load_spz(DATA / "v3_d3_n0.spz")["sh_coefficients"].shape == (0, 48)
    some = aq.load_spz(DATA / "v4_d3_n1.spz", fields=("positions", "sh"))
    assert some["sh_coefficients"] is None and some["colors"] is None
    assert some["sh"].shape == (1, 15, 3)


@without_numpy
def test_without_numpy_arrays_are_memoryviews():
    cloud = aq.load_spz(DATA / "v4_d3_n1.spz")
    for name in NAMES:
        view = cloud[name]
        assert isinstance(view, memoryview) and view.format == "f" and not view.readonly
        assert view.shape == shape_of("v4_d3_n1.spz", name)
    assert cloud["sh_coefficients"] is None
    nothing = aq.load_spz(DATA / "v3_d3_n0.spz")
    assert nothing["num_points"] == 0 and nothing["positions"].shape == (0,)


def positions(cloud):
    return [list(point) for point in cloud["positions"].tolist()]


def test_frames_change_signs():
    path = DATA / "v3_d1_n9.spz"
    stored = aq.load_spz(path)
    changed = aq.load_spz(path, frame="rdf")
    assert (stored["frame"], changed["frame"], changed["frame_stored"]) == ("RUB", "RDF", "RUB")
    assert positions(changed) == [[x, -y, -z] for x, y, z in positions(stored)]
    turned = aq.load_spz(path, frame="RFU")
    assert positions(turned) == [[x, -z, y] for x, y, z in positions(stored)]


def test_a_stated_frame_is_honoured():
    for file in ("v3_d1_n9_frame_RDF.spz", "v4_d1_n9_frame_RDF.spz"):
        stored, changed = aq.load_spz(DATA / file), aq.load_spz(DATA / file, frame="RUB")
        assert stored["frame"] == "RDF" and stored["frame_is_stated"]
        assert positions(changed) == [[x, -y, -z] for x, y, z in positions(stored)]


def test_paths_and_buffers_give_the_same():
    path = DATA / "v4_d1_n9.spz"
    data = path.read_bytes()
    wanted = positions(aq.load_spz(path))
    for source in (str(path), data, bytearray(data), memoryview(data)):
        assert positions(aq.load_spz(source)) == wanted


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_file_tells_what_it_is(file):
    info, told = aq.spz_info(DATA / file), FILES[file]
    for key in ("version", "sh_degree", "num_points", "antialiased", "fractional_bits", "flags"):
        assert info[key] == told[key], key
    assert info["frame_stored"] == told["coordinate_system"]
    assert info["frame_is_stated"] == (told["coordinate_system_from"] == "extension")
    assert [f"0x{found['type']:08X}" for found in info["extensions"]] == [
        found["type"] for found in told["extensions"]
    ]
    loaded = aq.load_spz(DATA / file, fields=[])
    assert {key: loaded[key] for key in info} == info


def test_unknown_flags_are_told():
    assert aq.spz_info(DATA / "v3_d1_n9_flag80.spz")["unknown_flags"] == 0x80


ERRORS = {
    "not_spz": aq.NotSpzError,
    "truncated": aq.TruncatedSpzError,
    "implausible_header": aq.ImplausibleSpzError,
    "unsupported_version": aq.UnsupportedSpzError,
}


@pytest.mark.parametrize("told", json.loads((DATA / "hostile" / "hostile.json").read_text()), ids=lambda told: told["file"])
def test_broken_files_have_their_errors(told):
    path = DATA / "hostile" / told["file"]
    if not path.exists():
        assert told["file"] == "gzip_bomb.spz"
        return
    try:
        cloud = aq.load_spz(path)
    except aq.SpzError as error:
        assert isinstance(error, ValueError) and str(path) in str(error)
        assert isinstance(error, ERRORS.get(told["problem"], aq.SpzError))
    else:
        assert told["expect"] == "either" and cloud["num_points"] > 0


def test_errors_say_where():
    with pytest.raises(aq.TruncatedSpzError) as cut:
        aq.load_spz(DATA / "hostile" / "payload_cut_positions.spz")
    assert cut.value.section == "positions" and 0 < cut.value.got < cut.value.want
    with pytest.raises(aq.UnsupportedSpzError) as version:
        aq.load_spz(DATA / "hostile" / "gzip_version_99.spz")
    assert version.value.version == 99
    with pytest.raises(aq.ImplausibleSpzError) as header:
        aq.load_spz(DATA / "hostile" / "gzip_points_1e9.spz")
    assert (header.value.field, header.value.value) == ("numPoints", 10**9)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        aq.load_spz(tmp_path / "missing.spz")
    with pytest.raises(OSError):
        aq.load_spz(tmp_path)
    with pytest.raises(TypeError):
        aq.load_spz(3)


def test_wrong_arguments_are_refused():
    path = DATA / "v4_d1_n9.spz"
    with pytest.raises(aq.ConfigurationError, match="RUB"):
        aq.load_spz(path, frame="XYZ")
    with pytest.raises(aq.ConfigurationError, match="positions"):
        aq.load_spz(path, fields=["position"])


def test_other_threads_run_meanwhile():
    path, found = DATA / "v2_d3_n257.spz", []
    threads = [threading.Thread(target=lambda: found.append(positions(aq.load_spz(path)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(one == found[0] for one in found)


def convert(*arguments):
    command = [sys.executable, "-m", "arrow_quant_v2", "convert", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


@with_numpy
def test_convert_to_npz(tmp_path):
    target = tmp_path / "scene.npz"
    done = convert(DATA / "v4_d2_n9_frame_LUF_orbit.spz", target)
    assert done.returncode == 0, done.stderr
    cloud = aq.load_spz(DATA / "v4_d2_n9_frame_LUF_orbit.spz")
    with numpy.load(target, allow_pickle=False) as archive:
        for name in NAMES:
            assert (archive[name] == cloud[name]).all()
        assert archive["sh_degree"] == 2 and archive["num_points"] == 9 and str(archive["frame"]) == "LUF"
    assert os.listdir(tmp_path) == ["scene.npz"]


@with_numpy
@pytest.mark.parametrize("file", ["v4_d4_n1.spz", "v3_d1_n9.spz", "v3_d0_n9_antialiased.spz", "v2_d0_n0.spz"])
def test_convert_to_ply(tmp_path, file):
    target = tmp_path / "scene.ply"
    done = convert(DATA / file, target)
    assert done.returncode == 0, done.stderr
    head, _, body = target.read_bytes().partition(b"end_header\n")
    lines = head.decode().splitlines()
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", f"element vertex {FILES[file]['num_points']}"]
    names = [line.split()[-1] for line in lines[3:]]
    points = numpy.frombuffer(body, [(name, "<f4") for name in names])
    cloud = aq.load_spz(DATA / file, frame="RDF")
    assert len(points) == cloud["num_points"]
    rest = [name for name in names if name.startswith("f_rest_")]
    per_channel = cloud["sh"].shape[1]
    assert len(rest) == 3 * per_channel
    for number, name in enumerate(rest):
        wanted = cloud["sh"][:, number % per_channel, number // per_channel]
        assert (points[name] == wanted).all(), name
    assert (points["rot_0"] == cloud["rotations"][:, 3]).all()
    assert (points["rot_1"] == cloud["rotations"][:, 0]).all()
    assert (points["opacity"] == cloud["alphas"]).all() and not points["nx"].any()
    for axis, name in enumerate("xyz"):
        assert (points[name] == cloud["positions"][:, axis]).all()


@with_numpy
def test_convert_to_arrow(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    for file in ("v4_d4_n1.spz", "v3_d1_n9.spz", "v3_d0_n9_antialiased.spz", "v2_d0_n0.spz"):
        target = tmp_path / "scene.arrow"
        done = convert(DATA / file, target)
        assert done.returncode == 0, done.stderr
        cloud = aq.load_spz(DATA / file)
        table = pyarrow.ipc.open_file(target).read_all()
        table.validate(full=True)
        assert table.num_rows == cloud["num_points"]
        for name in NAMES:
            wanted = cloud[name] if name == "alphas" else cloud[name].reshape(table.num_rows, -1 if cloud[name].size else 0)
            assert table[name].to_pylist() == wanted.tolist(), name
        assert json.loads(table.schema.metadata[b"frame"]) == cloud["frame"]


@with_numpy
def test_converting_leaves_nothing_when_it_fails(tmp_path):
    old = tmp_path / "scene.npz"
    old.write_bytes(b"old")
    for source, target, code in [
        (DATA / "hostile" / "gzip_cut_half.spz", old, 1),
        (DATA / "missing.spz", old, 1),
        (DATA / "v3_d1_n9.spz", tmp_path / "scene.obj", 3),
        (DATA / "v3_d1_n9.spz", tmp_path / "no" / "scene.npz", 1),
    ]:
        done = convert(source, target)
        assert done.returncode == code and done.stderr.startswith("error: "), done
        assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["scene.npz"] and old.read_bytes() == b"old"


def test_alphas_are_logits():
    alphas = aq.load_spz(DATA / "v2_d3_n257.spz", fields="alphas")["alphas"]
    assert all(-8 < alpha < 8 or math.isinf(alpha) for alpha in alphas.tolist())
