"""Arrays of numpy, 1.19 and newer: read where they are, and results lent to numpy."""

import sys

import arrow_quant_v2 as aq
import pytest
from support import needs, same_rows

np = needs("numpy")


@pytest.fixture
def weights():
    return np.random.RandomState(7).normal(0, 0.02, (32, 192)).astype("float32")


def quantized(array, **options):
    return aq.quantize({"layer": array}, **options).rows()


def restored(table):
    return [
        np.asarray(row["weights"]).reshape(row["shape"]) for row in aq.dequantize(table).rows()
    ]


def test_an_array_is_read_where_it_is(weights):
    """What the callback writes into the second array is seen, so it was not copied beforehand."""
    second = np.zeros((4, 64), "float32")

    def write(layer, done, total):
        second[:] = 0.5

    table = aq.quantize({"first": weights, "second": second}, progress=write)
    assert (restored(table)[1] == 0.5).all()


def test_an_array_that_is_not_in_c_order_is_copied(weights):
    second = np.zeros((64, 4), "float32").T

    def write(layer, done, total):
        second[:] = 0.5

    table = aq.quantize({"first": weights, "second": second}, progress=write)
    assert (restored(table)[1] == 0).all()


def test_numpy_borrows_the_result(weights):
    table = aq.quantize({"layer": weights})
    (row,) = table.rows()
    for key, dtype in [("quantized_data", "uint8"), ("scales", "float32")]:
        borrowed = np.asarray(row[key])
        assert borrowed.dtype == dtype and borrowed.size == len(row[key])
        assert borrowed.ctypes.data == row[key].address == table.rows()[0][key].address
        assert not borrowed.flags.writeable and not borrowed.flags.owndata
    codes = np.asarray(row["quantized_data"])
    before = codes.copy()
    del row, table
    # What was freed would be given to these.
    others = [aq.quantize({"layer": weights * 3}) for _ in range(20)]
    assert (codes == before).all() and others


def test_the_owner_is_kept_only_while_it_is_needed(weights):
    count = sys.getrefcount(weights)
    table = aq.quantize({"layer": weights})
    assert sys.getrefcount(weights) == count
    codes = table.rows()[0]["quantized_data"]
    held = sys.getrefcount(codes)
    arrays = [np.asarray(codes) for _ in range(10)]
    assert sys.getrefcount(codes) > held
    del arrays
    assert sys.getrefcount(codes) == held
    data = np.asarray(codes).copy()
    count = sys.getrefcount(data)
    rows = [dict(table.rows()[0], quantized_data=data)]
    assert aq.dequantize(rows).num_rows == 1
    del rows
    assert sys.getrefcount(data) == count


LAYOUTS = {
    "fortran": lambda x: np.asfortranarray(x),
    "transposed": lambda x: x.T.copy().T,
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "every_third_column": lambda x: np.repeat(x, 3, axis=1)[:, ::3],
    "every_second_row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "read_only": lambda x: np.frombuffer(x.tobytes(), "float32").reshape(x.shape),
    "unaligned": lambda x: np.frombuffer(b"x" + x.tobytes(), "uint8")[1:].view("float32").reshape(x.shape),
    "field_of_a_record": lambda x: np.rec.fromarrays([x, x], names="a,b")["a"],
    "subclass": lambda x: x.view(type("Own", (np.ndarray,), {})),
    "swapped_axes": lambda x: np.swapaxes(np.swapaxes(x.reshape(32, 2, 96), 0, 2).copy(), 0, 2).reshape(32, 192),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_gives_the_same(weights, layout):
    array = LAYOUTS[layout](weights)
    assert same_rows(quantized(array), quantized(weights))


def test_a_broadcast_array_is_read(weights):
    array = np.broadcast_to(weights[0], (5, 192))
    assert same_rows(quantized(array), quantized(np.ascontiguousarray(array)))


def test_many_axes_are_one_matrix(weights):
    array = weights.reshape(4, 2, 4, 192)
    (deep,), (flat,) = quantized(array), quantized(weights)
    assert deep["shape"] == [4, 2, 4, 192]
    assert bytes(deep["quantized_data"]) == bytes(flat["quantized_data"])
    strided = np.asfortranarray(array)[::2, :, 1:3]
    assert same_rows(quantized(strided), quantized(np.ascontiguousarray(strided)))


def test_half_precision(weights):
    half = weights.astype("float16")
    (row,), (same,) = quantized(half), quantized(half.astype("float32"))
    assert row["dtype"] == "f16"
    assert bytes(row["quantized_data"]) == bytes(same["quantized_data"])


def test_bfloat16_of_ml_dtypes(weights):
    ml_dtypes = needs("ml_dtypes")
    brain = weights.astype(ml_dtypes.bfloat16)
    (row,), (same,) = quantized(brain), quantized(brain.astype("float32"))
    assert row["dtype"] == "bf16"
    assert bytes(row["quantized_data"]) == bytes(same["quantized_data"])
    (again,) = quantized(brain.view("uint16"), dtype="bf16")
    assert same_rows([again], [row])


@pytest.mark.parametrize("dtype", ["float64", "int8", "int32", "bool", "complex64", "U4", ">f4", ">f2"])
def test_other_types_are_refused_with_a_cure(dtype):
    with pytest.raises(aq.MetadataError, match=r"`array\.astype\(") as raised:
        quantized(np.zeros((2, 16), dtype))
    assert raised.value.layer == "layer"


@pytest.mark.parametrize("dtype, name", [("float64", "f64"), ("int64", "i64"), ("uint8", "u8"), ("bool", "bool"), ("complex64", "c64")])
def test_other_types_are_kept_if_that_is_said(dtype, name):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    (row,) = quantized(array, dtype={"layer": name})
    assert (row["scheme"], row["dtype"], row["bit_width"]) == ("none", name, array.itemsize * 8)
    assert bytes(row["quantized_data"]) == array.tobytes() and len(row["scales"]) == 0
    with pytest.raises(aq.ValidationError, match="quantized_data"):
        aq.dequantize([row])
    with pytest.raises(aq.MetadataError, match="dtype says"):
        quantized(array, dtype="i32")


def test_masked_and_object_arrays_are_refused():
    with pytest.raises(aq.MetadataError, match="filled"):
        quantized(np.ma.masked_array([1.0, 2.0], [True, False], dtype="float32"))
    with pytest.raises(aq.MetadataError, match=r"no type of numbers.*astype"):
        quantized(np.array([1.0, "a"], object))


def test_a_bare_array_says_what_to_pass(weights):
    with pytest.raises(aq.InputTypeError, match=r'\{"name": array\}'):
        aq.quantize(weights)


def test_mappings_that_are_no_dicts(weights, tmp_path):
    np.savez(tmp_path / "weights.npz", a=weights, b=weights[0])
    with np.load(tmp_path / "weights.npz") as arrays:
        table = aq.quantize(arrays)
    assert same_rows(table.rows(), aq.quantize({"a": weights, "b": weights[0]}).rows())


def test_rows_with_arrays_of_numpy_are_restored(weights):
    table = aq.quantize({"a": weights, "b": weights[:3]}, scheme="int4_asym")
    rows = table.rows()
    arrays = [
        dict(
            row,
            shape=np.array(row["shape"]),
            row_count=np.int64(row["row_count"]),
            group_size=np.int32(row["group_size"]),
            quantized_data=np.asarray(row["quantized_data"]).copy(),
            scales=np.asarray(row["scales"]).copy(),
            zero_points=np.asarray(row["zero_points"]).copy()[::1],
        )
        for row in rows
    ]
    for ours, theirs in zip(restored(table), restored(arrays)):
        assert ours.tobytes() == theirs.tobytes()


def test_results_go_through_npz(weights, tmp_path):
    """Codes and scales as arrays in a file, and back to the same bits."""
    table = aq.quantize({"a": weights}, scheme="int2_asym", group_size=64)
    (row,) = table.rows()
    np.savez(tmp_path / "a.npz", **{key: np.asarray(value) for key, value in row.items()})
    with np.load(tmp_path / "a.npz") as saved:
        again = {key: saved[key] for key in saved.files}
    assert restored([again])[0].tobytes() == restored(table)[0].tobytes()


SCHEMES = ["int8_sym", "int4_sym", "int4_asym", "int2_asym"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("group_size", [0, 32, 128])
def test_codes_are_those_of_the_formula(weights, scheme, group_size):
    """The formulas of the documentation, in numpy."""
    table = aq.quantize({"a": weights}, scheme=scheme, group_size=group_size, search="minmax", scale_dtype="f32")  # fmt: skip
    (row,) = table.rows()
    bits = row["bit_width"]
    packed = np.asarray(row["quantized_data"]).reshape(32, -1)
    codes = np.stack([(packed >> shift) & (2**bits - 1) for shift in range(0, 8, bits)], axis=-1)
    codes = codes.reshape(32, -1)[:, :192].astype("int32")
    size = group_size or 192
    groups = -(-192 // size)
    scales = np.repeat(np.asarray(row["scales"]).reshape(32, groups), size, axis=1)[:, :192]
    one = np.float32(1)
    if scheme == "int8_sym":
        codes = codes.astype("int8").astype("int32")
        expected = np.rint(weights * (one / scales))
    elif scheme == "int4_sym":
        expected = np.clip(np.rint(weights * (one / scales)), -8, 7) + 8
    else:
        zeros = np.repeat(np.asarray(row["zero_points"]).reshape(32, groups), size, axis=1)[:, :192]
        expected = np.clip(np.rint(weights * (one / scales) + zeros), 0, 2**bits - 1)
    assert (codes == expected).all()


def test_blocks_of_gguf(weights):
    """The blocks of ggml: a half-precision scale, then the codes."""
    (row,) = quantized(weights, scheme="gguf_q8_0")
    blocks = np.asarray(row["quantized_data"]).reshape(-1, 34)
    groups = weights.reshape(-1, 32)
    scales = np.abs(groups).max(axis=1, keepdims=True) / np.float32(127)
    assert (blocks[:, :2].copy().view("float16") == scales.astype("float16")).all()
    quotients = groups * (np.float32(1) / scales)
    codes = np.trunc(quotients + np.copysign(np.float32(0.5), quotients))
    assert (blocks[:, 2:].view("int8") == codes).all()
    assert len(row["scales"]) == 0 and row["group_size"] == 32
    (back,) = restored([row])
    assert np.abs(back - weights).max() < scales.max()
    with pytest.raises(aq.ShapeMismatchError, match="multiple of 32"):
        quantized(weights[:, :33], scheme="gguf_q4_0")


GATES = [("int8_sym", 0, 40.0), ("int8_sym", 128, 43.0), ("int4_sym", 128, 20.2), ("int4_asym", 128, 20.4),
         ("nf4", 64, 20.6), ("int2_asym", 64, 9.4)]  # fmt: skip


@pytest.mark.parametrize("scheme, group_size, gate", GATES)
def test_gaussian_weights_keep_their_decibels(scheme, group_size, gate):
    weights = np.random.RandomState(1).normal(0, 0.02, (64, 4096)).astype("float32")
    table = aq.quantize({"a": weights}, scheme=scheme, group_size=group_size, search="mse" if scheme != "nf4" else "auto")  # fmt: skip
    (layer,) = table.layers()
    (back,) = restored(table)
    noise = ((weights.astype("float64") - back) ** 2).sum()
    measured = 10 * np.log10((weights.astype("float64") ** 2).sum() / noise)
    assert layer["sqnr_db"] >= gate
    assert layer["sqnr_db"] == pytest.approx(measured, abs=1e-3)


@pytest.mark.parametrize("threads", [1, 2, 7, None])
def test_threads_do_not_change_a_bit(threads):
    weights = np.random.RandomState(2).normal(0, 0.02, (70, 1000)).astype("float32")
    table = aq.quantize({"a": weights}, threads=threads)
    assert same_rows(table.rows(), aq.quantize({"a": weights}, threads=1).rows())


def test_rows_with_arrays_that_are_empty_or_lie_anywhere_are_restored(weights):
    table = aq.quantize({"layer": weights}, scheme="int4_sym")
    [row] = table.rows()
    assert len(row["zero_points"]) == 0
    for at in range(4):
        memory = np.frombuffer(b"x" * at + bytes(row["scales"]), "u1")
        row["scales"], row["zero_points"] = memory[at:].view("f4"), memory[at:at].view("f4")
        assert (restored([row])[0] == restored(table)[0]).all()
