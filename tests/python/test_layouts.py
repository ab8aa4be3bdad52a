"""Quantized weights in other forms: halves, and what ONNX Runtime multiplies with."""

import arrow_quant_v2 as aq
import pytest
from support import needs

np = needs("numpy")


@pytest.fixture
def weights():
    return np.random.RandomState(3).normal(0, 0.02, (6, 80)).astype("float32")


def restored(table, dtype="f32"):
    return np.asarray(aq.dequantize(table, dtype=dtype).rows()[0]["weights"])


def test_halves_are_the_rounded_numbers(weights):
    table = aq.quantize({"layer": weights}, bits=8)
    wide = restored(table)
    halves = restored(table, "f16")
    assert halves.dtype == np.float16 and (halves == wide.astype("float16")).all()
    brains = restored(table, "bf16")
    bits = wide.view("uint32").astype("uint64")
    assert (brains == ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)).all()
    again = aq.quantize(aq.dequantize(table, dtype="bf16"), bits=8)
    assert again.rows()[0]["dtype"] == "bf16"


@pytest.mark.parametrize("dtype", ["f64", "", "F32"])
def test_another_type_is_refused(weights, dtype):
    with pytest.raises(aq.ConfigurationError, match="bf16"):
        aq.dequantize(aq.quantize({"layer": weights}), dtype=dtype)


@pytest.mark.parametrize("scheme", ["int8_sym", "int4_sym", "int4_asym", "int2_asym"])
def test_the_operator_multiplies_with_the_restored_numbers(weights, scheme):
    table = aq.quantize({"layer": weights}, scheme=scheme, group_size=32, search="minmax")
    matrix = aq.matmul_nbits(table)
    n, blocks, _ = matrix["b_shape"]
    bits, size = matrix["bits"], matrix["block_size"]

    def unpacked(packed, count):
        codes = np.asarray(packed).reshape(n, -1)[:, :, None]
        codes = codes >> np.arange(0, 8, bits, dtype="uint8") & (2**bits - 1)
        return codes.reshape(n, -1)[:, :count].astype("float32")

    codes = unpacked(matrix["b"], blocks * size).reshape(n, blocks, size)
    zeros = matrix["zero_points"]
    zeros = float(1 << bits - 1) if zeros is None else unpacked(zeros, blocks)[:, :, None]
    scales = np.asarray(matrix["scales"]).reshape(n, blocks, 1)
    found = ((codes - zeros) * scales).reshape(n, -1)[:, : matrix["k"]]
    assert (found.ravel() == restored(table)).all()


def test_what_the_operator_has_no_form_for_is_refused(weights):
    with pytest.raises(aq.ValidationError, match="nf4"):
        aq.matmul_nbits(aq.quantize({"layer": weights}, scheme="nf4"))
    with pytest.raises(aq.ConfigurationError, match="no row 1"):
        aq.matmul_nbits(aq.quantize({"layer": weights}), row=1)
