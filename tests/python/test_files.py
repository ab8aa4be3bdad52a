"""Files of weights: the functions, the command line, and the class of older programs."""

import json
import math
import struct
import subprocess
import sys

import arrow_quant_v2 as aq
import pytest


def save(path, tensors):
    """A safetensors file of float32, made by hand."""
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        raw = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def load(path):
    """The tensors of a safetensors file of float32."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    found = {}
    for name, tensor in json.loads(raw[8 : 8 + length]).items():
        start, end = tensor["data_offsets"]
        part = raw[8 + length + start : 8 + length + end]
        found[name] = (tensor["shape"], list(struct.unpack(f"<{len(part) // 4}f", part)))
    return found


@pytest.fixture
def model(tmp_path, numbers):
    tensors = {
        "block.weight": ([16, 64], numbers(1024)),
        "block.bias": ([16], numbers(16, 2)),
        "head.weight": ([8, 64], numbers(512, 3)),
    }
    return save(tmp_path / "model.safetensors", tensors)


@pytest.mark.parametrize("name", ["q.parquet", "q.arrow", "q.safetensors"])
def test_a_file_gives_what_its_weights_give(model, tmp_path, name):
    told = []
    report = aq.quantize_file(model, tmp_path / name, bits=4, group_size=32, progress=lambda *step: told.append(step))
    assert report["destination"] == tmp_path / name and report["output_bytes"] == (tmp_path / name).stat().st_size
    assert report["input_bytes"] == 1552 * 4 == told[-1][1]
    expected = aq.quantize(aq.read_weights(model), group_size=32, overrides={"*.bias": "none"})
    ours = {row["layer_name"]: row for row in aq.read_quantized(tmp_path / name).rows()}
    for row in expected.rows():
        found = ours[row["layer_name"]]
        assert found["scheme"] == row["scheme"]
        assert bytes(found["quantized_data"]) == bytes(row["quantized_data"])
        assert found["scales"].tolist() == row["scales"].tolist()
    judged = {layer["layer_name"]: layer for layer in aq.evaluate_file(model, tmp_path / name).layers()}
    assert judged == {layer["layer_name"]: layer for layer in report["layers"]}


def test_parts_of_a_layer_are_judged_and_restored(model, tmp_path):
    whole = aq.quantize_file(model, tmp_path / "whole.arrow")
    parts = aq.quantize_file(model, tmp_path / "parts.arrow", chunk_bytes=1024)
    assert parts["chunks"] > whole["chunks"]
    assert aq.evaluate_file(model, tmp_path / "parts.arrow").layers() == aq.evaluate_file(model, tmp_path / "whole.arrow").layers()
    for name in ["whole", "parts"]:
        aq.dequantize_file(tmp_path / f"{name}.arrow", tmp_path / f"{name}.safetensors")
    restored = load(tmp_path / "parts.safetensors")
    assert restored == load(tmp_path / "whole.safetensors")
    original = load(model)
    assert restored["block.bias"] == original["block.bias"]
    assert max(abs(a - b) for a, b in zip(restored["block.weight"][1], original["block.weight"][1])) < 0.01


def test_a_manifest_says_where_everything_is(model):
    rows = aq.manifest(model, chunk_bytes=1024).rows()
    assert sum(row["byte_len"] for row in rows) == 1552 * 4
    raw = model.read_bytes()
    for row in rows:
        part = raw[row["byte_start"] : row["byte_start"] + row["byte_len"]]
        start = row["row_start"] * (len(part) // row["row_count"]) // 4
        numbers = load(model)[row["tensor"]][1]
        assert list(struct.unpack(f"<{len(part) // 4}f", part)) == numbers[start : start + len(part) // 4]


def test_what_stops_a_file(model, tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        aq.quantize_file(tmp_path / "none.safetensors", tmp_path / "q.arrow")
    assert isinstance(raised.value, aq.ModelNotFoundError)
    # As text, as `open` has it; the message would show a path object as code.
    assert raised.value.filename == str(tmp_path / "none.safetensors")
    for data in [b"", b"\xff" * 64, model.read_bytes()[:-4]]:
        broken = tmp_path / "broken.safetensors"
        broken.write_bytes(data)
        with pytest.raises(aq.MetadataError, match="broken.safetensors"):
            aq.quantize_file(broken, tmp_path / "q.arrow")
    with pytest.raises(aq.ConfigurationError, match="format is"):
        aq.quantize_file(model, tmp_path / "q.arrow", format="zip")

    def stop(*step):
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        aq.quantize_file(model, tmp_path / "q.arrow", progress=stop)
    assert not (tmp_path / "q.arrow").exists()
    with pytest.raises(aq.MetadataError, match="safetensors files only"):
        aq.dequantize_file(model, tmp_path / "x.npz")


def run(*arguments):
    command = [sys.executable, "-m", "arrow_quant_v2", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_command_line(model, tmp_path):
    quantized = tmp_path / "q.parquet"
    code, out, err = run("quantize", model, quantized, "--bits", 8, "--override", "head*=nf4", "--format", "json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["format"] == "parquet" and len(report["layers"]) == 3
    code, out, _ = run("inspect", quantized, "--format", "json")
    schemes = {row["layer_name"]: row["scheme"] for row in json.loads(out)}
    assert schemes == {"block.weight": "int8_sym", "block.bias": "none", "head.weight": "nf4"}
    assert run("inspect", quantized)[1].count("\n") == 3
    assert run("evaluate", model, quantized)[0] == 0
    assert run("evaluate", model, quantized, "--least-sqnr-db", 90)[0] == 1
    assert run("dequantize", quantized, tmp_path / "back.safetensors")[0] == 0
    assert load(tmp_path / "back.safetensors")["block.bias"] == load(model)["block.bias"]
    assert len(json.loads(run("manifest", model, "--format", "json")[1])) == 3


def test_exit_codes_of_the_command_line(model, tmp_path):
    assert run("--version")[:2] == (0, f"{aq.__version__}\n")
    code, out, _ = run("quantize", "--help")
    assert code == 0 and "exit codes" in out
    assert run()[0] == run("quantise")[0] == run("quantize", model)[0] == 3
    code, out, err = run("quantize", model, tmp_path / "q.arrow", "--scheme", "int5")
    assert (code, out) == (3, "") and "int4_sym" in err
    code, out, err = run("quantize", tmp_path / "none.npz", tmp_path / "q.arrow")
    assert (code, out) == (1, "") and "none.npz" in err
    assert run("quantize", model, tmp_path / "q.arrow", "--override", "x")[0] == 3


def test_the_class_quantizes_files(model, tmp_path):
    stats = [{"layer_name": "block", "timestep": t, "min": -1.0, "max": 1.0 + t / 10} for t in range(10)]
    (tmp_path / "calibration.json").write_text(json.dumps(stats))
    told = []
    quantizer = aq.ArrowQuantV2(mode="diffusion")
    config = aq.DiffusionQuantConfig(bit_width=4, modality="image", num_time_groups=5)
    result = quantizer.quantize_diffusion_model(model, tmp_path / "out", config, lambda *step: told.append(step))
    assert told[-1][1] == 1.0
    assert result["quantized_path"] == str(tmp_path / "out" / "model.parquet")
    assert (result["modality"], result["bit_width"], result["passed"]) == ("image", 4, True)
    assert result["compression_ratio"] > 0 and result["model_size_mb"] > 0 and 0.9 < result["cosine_similarity"] <= 1
    assert len(quantizer.get_markov_metrics()["boundary_scores"]) == 4
    quality = quantizer.validate_quality(model, tmp_path / "out")
    assert quality["passed"] and set(quality["per_layer_accuracy"]) == {"block.weight", "block.bias", "head.weight"}
    assert quality["cosine_similarity"] == pytest.approx(result["cosine_similarity"])
    base = aq.ArrowQuantV2("base")
    again = base.quantize_from_safetensors(model, tmp_path / "again.arrow", aq.DiffusionQuantConfig(8))
    assert again["bit_width"] == 8 and base.get_markov_metrics() is None
    with pytest.raises(FileNotFoundError):
        quantizer.quantize_diffusion_model("/nowhere/model", tmp_path / "out")
    with pytest.raises(aq.ValidationError):
        quantizer.quantize_diffusion_model(model, tmp_path / "f.arrow", aq.DiffusionQuantConfig(8, min_accuracy=1.0, fail_fast=True))


def test_kept_layers_lose_nothing(model, tmp_path):
    report = aq.quantize_file(model, tmp_path / "q.arrow", scheme="none")
    assert all(layer["sqnr_db"] == math.inf for layer in report["layers"])
