"""Arrays and rows without numpy and without any Arrow library."""

import ctypes
import math
import pickle
import struct

import arrow_quant_v2 as aq
import pytest
from support import Lent, same_rows

COLUMNS = [
    "layer_name", "shape", "row_start", "row_count", "dtype", "scheme", "bit_width", "group_size",
    "quantized_data", "scales", "zero_points", "scale_dtype", "sqnr_db", "cosine", "max_abs_err",
]  # fmt: skip


def at(address, length):
    """The bytes at an address."""
    return bytes((ctypes.c_char * length).from_address(address))


def test_rows_have_the_documented_columns(lent):
    table = aq.quantize({"a": lent})
    (row,) = table.rows()
    assert list(row) == COLUMNS == table.column_names == table.schema.names
    assert (row["layer_name"], row["shape"], row["row_start"], row["row_count"]) == ("a", [4, 128], 0, 4)
    assert (row["scheme"], row["bit_width"], row["group_size"]) == ("int4_sym", 4, 128)
    assert row["dtype"] == "f32" and row["scale_dtype"] == "f16"
    assert len(row["quantized_data"]) == 256 and row["quantized_data"].dtype == "u8"
    assert len(row["scales"]) == 4 and row["scales"].dtype == "f32"
    assert len(row["zero_points"]) == 0
    assert 18 < row["sqnr_db"] < 30 and 0.99 < row["cosine"] < 1
    assert table.num_rows == len(table) == 1


@pytest.mark.parametrize("bits, scheme", [(2, "int2_asym"), (4, "int4_sym"), (8, "int8_sym")])
def test_bits_choose_the_scheme(lent, bits, scheme):
    (row,) = aq.quantize({"a": lent}, bits=bits).rows()
    assert (row["bit_width"], row["scheme"]) == (bits, scheme)
    assert row["quantized_data"].nbytes == 512 * bits // 8


def test_int8_codes_are_those_of_the_formula(numbers):
    weights = [struct.unpack("<f", struct.pack("<f", x))[0] for x in numbers(64)]
    table = aq.quantize({"a": Lent.floats(weights)}, bits=8, group_size=0, scale_dtype="f32")
    (row,) = table.rows()
    (scale,) = row["scales"].tolist()
    assert scale == pytest.approx(max(map(abs, weights)) / 127, rel=1e-6)
    codes = struct.unpack("64b", bytes(row["quantized_data"]))
    assert all(abs(code * scale - x) <= scale * 0.50001 for code, x in zip(codes, weights))
    assert max(map(abs, codes)) == 127


def test_the_sizes_of_a_layer_are_those_of_its_buffers(lent):
    for scheme in ["int8_sym", "int4_sym", "int4_asym", "int2_asym", "nf4"]:
        table = aq.quantize({"a": lent}, scheme=scheme, group_size=64)
        (row,), (layer,) = table.rows(), table.layers()
        scales = (len(row["scales"]) + len(row["zero_points"])) * 16
        assert layer["elements"] == 512
        assert layer["bits_per_weight"] == (row["quantized_data"].nbytes * 8 + scales) / 512
        assert layer["sqnr_db"] == row["sqnr_db"]


def test_lists_of_floats_are_weights(numbers):
    weights = numbers(300)
    listed, lent = aq.quantize({"a": weights}), aq.quantize({"a": Lent.floats(weights)})
    assert same_rows(listed.rows(), lent.rows())


def test_strided_and_unaligned_memory_gives_the_same(numbers):
    weights = numbers(128)
    expected = aq.quantize({"a": Lent.floats(weights, (8, 16))}).rows()
    raw = struct.pack("<128f", *weights)
    unaligned = ctypes.create_string_buffer(b"x" + raw)
    assert same_rows(aq.quantize({"a": Lent(unaligned, "<f4", (8, 16), offset=1)}).rows(), expected)
    transposed = struct.pack("<128f", *(weights[j * 16 + i] for i in range(16) for j in range(8)))
    memory = ctypes.create_string_buffer(transposed)
    assert same_rows(aq.quantize({"a": Lent(memory, "<f4", (8, 16), (4, 32))}).rows(), expected)
    reversed_ = struct.pack("<128f", *reversed(weights))
    memory = ctypes.create_string_buffer(reversed_)
    backwards = Lent(memory, "<f4", (8, 16), (-64, -4), offset=127 * 4)
    assert same_rows(aq.quantize({"a": backwards}).rows(), expected)


def test_bfloat16_by_argument(numbers):
    widened = [struct.unpack("<f", b"\0\0" + struct.pack("<f", x)[2:])[0] for x in numbers(64)]
    halves = b"".join(struct.pack("<f", x)[2:] for x in widened)
    memory = ctypes.create_string_buffer(halves, len(halves))
    for typestr in ["<u2", "<V2", "|V2"]:
        (row,) = aq.quantize({"a": Lent(memory, typestr, (64,))}, dtype="bf16").rows()
        (same,) = aq.quantize({"a": Lent.floats(widened)}, dtype={"b": "bf16"}).rows()
        assert row["dtype"] == "bf16" and same["dtype"] == "f32"
        assert bytes(row["quantized_data"]) == bytes(same["quantized_data"])
        with pytest.raises(aq.MetadataError, match='say dtype="bf16"'):
            aq.quantize({"a": Lent(memory, typestr, (64,))})


def test_empty_scalar_and_constant_arrays():
    memory = (ctypes.c_float * 8)(*[0.5] * 8)
    arrays = {
        "empty": Lent(memory, "<f4", (0, 8)),
        "scalar": Lent(memory, "<f4", ()),
        "constant": Lent(memory, "<f4", (2, 4)),
    }
    restored = {row["layer_name"]: row for row in aq.dequantize(aq.quantize(arrays)).rows()}
    assert restored["empty"]["shape"] == [0, 8] and len(restored["empty"]["weights"]) == 0
    assert restored["scalar"]["weights"].tolist() == [0.5]
    assert restored["constant"]["weights"].tolist() == [0.5] * 8


def test_restoring_takes_rows_in_any_form(lent):
    rows = aq.quantize({"a": lent, "b": lent}, scheme="int4_asym").rows()
    expected = aq.dequantize(rows).rows()
    assert same_rows(aq.dequantize(aq.quantize({"a": lent, "b": lent}, scheme="int4_asym")).rows(), expected)
    plain = [
        dict(
            row,
            quantized_data=bytes(row["quantized_data"]),
            scales=row["scales"].tolist(),
            zero_points=tuple(row["zero_points"].tolist()),
        )
        for row in rows
    ]
    assert same_rows(aq.dequantize(plain).rows(), expected)
    views = [dict(row, quantized_data=memoryview(bytes(row["quantized_data"]))) for row in rows]
    assert same_rows(aq.dequantize(views).rows(), expected)
    least = "layer_name shape scheme group_size quantized_data scales zero_points".split()
    assert same_rows(aq.dequantize([{key: row[key] for key in least} for row in rows]).rows(), expected)


def test_evaluation_finds_what_quantizing_measured(lent):
    weights = {"a": lent, "b": lent}
    table = aq.quantize(weights, bits=2)
    found = aq.evaluate(weights, table)
    assert found.layers() == table.layers()
    for row, judged in zip(table.rows(), found.rows()):
        for key in ["layer_name", "row_start", "sqnr_db", "cosine", "max_abs_err"]:
            assert row[key] == judged[key]
    with pytest.raises(aq.ValidationError, match="not the same weights"):
        aq.evaluate({"b": lent, "a": lent}, table)
    with pytest.raises(aq.ValidationError, match="more batches"):
        aq.evaluate({"a": lent}, table)


def test_layers_have_settings_of_their_own(lent):
    names = ["layer.0.weight", "layer.1.weight", "layer.1.bias", "head"]
    overrides = {
        "layer.*": {"bits": 8, "group_size": 32},
        "layer.1.*": {"scheme": "nf4"},
        "*.bias": "none",
        "hea?": {"search": "minmax", "scale_dtype": "f32"},
    }
    table = aq.quantize(dict.fromkeys(names, lent), overrides=overrides)
    found = [(row["scheme"], row["group_size"]) for row in table.rows()]
    assert found == [("int8_sym", 32), ("nf4", 32), ("none", 0), ("int4_sym", 128)]
    assert table.rows()[3]["scale_dtype"] == "f32"
    listed = [dict(pattern=pattern, **(dict(scheme=x) if isinstance(x, str) else x)) for pattern, x in overrides.items()]  # fmt: skip
    assert same_rows(aq.quantize(dict.fromkeys(names, lent), overrides=listed).rows(), table.rows())
    kept = table.rows()[2]
    assert bytes(kept["quantized_data"]) == bytes(lent.memory) and kept["sqnr_db"] == math.inf
    assert aq.dequantize([kept]).rows()[0]["weights"].tolist() == list(lent.memory)
    assert aq.evaluate(dict.fromkeys(names, lent), table).layers() == table.layers()


def test_a_target_in_bits_is_met(numbers):
    weights = {"fine": numbers(4096), "coarse": [x**3 for x in numbers(4096)]}
    overrides = aq.allocate(weights, 5.0, overrides={"none": "none"})
    assert (overrides[0]["pattern"], overrides[0]["scheme"]) == ("none", "none")
    layers = aq.quantize(weights, overrides=overrides).layers()
    assert sum(layer["bits_per_weight"] for layer in layers) / 2 <= 5.0
    assert len({layer["bits_per_weight"] for layer in layers}) == 2
    with pytest.raises(aq.ConfigurationError):
        aq.allocate(weights, 1.0)


def test_fallback_is_recorded(lent):
    (row,) = aq.quantize({"a": lent}, bits=2, fallback_sqnr_db=30.0).rows()
    assert row["scheme"] == "int8_sym" and row["sqnr_db"] >= 30


def test_buffers_lend_their_memory_and_keep_it(lent):
    row = aq.quantize({"a": lent}).rows()[0]
    codes = row["quantized_data"]
    address, read_only = codes.__array_interface__["data"]
    assert address == codes.address and read_only
    assert at(codes.address, codes.nbytes) == bytes(codes) == bytes(codes.tolist())
    again = pickle.loads(pickle.dumps(row["scales"]))
    assert (again.dtype, again.tolist()) == ("f32", row["scales"].tolist())
    assert repr(row["scales"]) == "Buffer(4 x f32)"
    owner = b"0123"
    assert aq.Buffer(owner).tolist() == list(owner)
    with pytest.raises(aq.MetadataError, match="3 bytes are no whole number of f32"):
        aq.Buffer(b"abc", "f32")
    with pytest.raises(aq.ConfigurationError, match="none of u8"):
        aq.Buffer(b"abc", "f64")


def test_progress_counts_bytes_and_what_it_raises_is_raised(lent):
    told = []
    aq.quantize({"a": lent, "b": lent}, progress=lambda *step: told.append(step))
    assert told == [("a", 2048, 4096), ("b", 4096, 4096)]

    def stop(layer, done, total):
        raise RuntimeError(f"enough at {layer}")

    with pytest.raises(RuntimeError, match="enough at a"):
        aq.quantize({"a": lent, "b": lent}, progress=stop)


def test_weights_of_a_mapping_are_read_where_they_are(lent):
    """What the callback writes into the second array is seen, so it was not copied beforehand."""
    second = Lent.floats([0.25] * 128)

    def write(layer, done, total):
        second.memory[:] = [1.0] * 128

    rows = aq.quantize({"a": lent, "b": second}, progress=write).rows()
    assert aq.dequantize(rows).rows()[1]["weights"].tolist() == [1.0] * 128


def test_the_schema_is_known_beforehand(lent):
    schema = aq.output_schema(bits=8, scale_dtype="f32")
    assert schema == aq.quantize({"a": lent}, bits=8, scale_dtype="f32").schema
    assert schema != aq.output_schema(bits=4)
    assert len(schema) == len(COLUMNS) and schema.names == COLUMNS
    assert schema.metadata["arrow_quant.scheme"] == "int8_sym"
    assert schema.types[8] == "LargeBinary"


def test_the_version_is_that_of_the_package():
    import importlib.metadata

    assert aq.__version__ == importlib.metadata.version("arrow-quant-v2")
    assert len(aq.NF4) == 16 and aq.NF4[0] == -1 and aq.NF4[15] == 1


def test_everything_public_says_what_it_does():
    for name in aq.__all__:
        public = getattr(aq, name)
        if callable(public):
            assert public.__doc__ and len(public.__doc__) > 30, name
