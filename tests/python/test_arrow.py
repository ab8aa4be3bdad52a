"""Objects of every Arrow library in and out, by the PyCapsule interface."""

import aq_arrow
import arrow_quant_v2 as aq
import pytest
from support import needs, same_rows

pa = needs("pyarrow")
np = needs("numpy")

ROWS = 6


@pytest.fixture(scope="module")
def weights():
    numbers = np.random.RandomState(3).normal(0, 0.02, (ROWS, 4, 64)).astype("float32")
    return {f"layer.{row}": numbers[row] for row in range(ROWS)}


@pytest.fixture(scope="module")
def expected(weights):
    return aq.quantize(weights).rows()


def table(weights, kind="large_list"):
    return aq_arrow.table(weights, kind)


def in_library(library, data):
    """The same data as an object of another library."""
    if library == "pyarrow.Table":
        return data
    if library == "pyarrow.RecordBatch":
        return data.combine_chunks().to_batches()[0]
    if library == "pyarrow.RecordBatchReader":
        return data.to_reader()
    if library == "polars":
        return needs("polars").from_arrow(data)
    if library == "nanoarrow.ArrayStream":
        return needs("nanoarrow").ArrayStream(data)
    if library == "nanoarrow.Array":
        return needs("nanoarrow").Array(data.combine_chunks().to_batches()[0])
    if library == "arro3.Table":
        return needs("arro3.core").Table.from_arrow(data)
    if library == "arro3.RecordBatch":
        return needs("arro3.core").RecordBatch.from_arrow(data.combine_chunks().to_batches()[0])
    connection = needs("duckdb").connect()
    connection.register("given", data)
    return connection.sql("select * from given order by layer_name")


LIBRARIES = ["pyarrow.Table", "pyarrow.RecordBatch", "pyarrow.RecordBatchReader", "polars",
             "nanoarrow.ArrayStream", "nanoarrow.Array", "arro3.Table", "arro3.RecordBatch", "duckdb"]  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_weights_of_any_library_are_quantized(weights, expected, library):
    data = in_library(library, table(weights))
    assert same_rows(aq.quantize(data).rows(), expected)


@pytest.mark.parametrize("library", LIBRARIES)
def test_results_go_through_any_library(weights, expected, library):
    through = in_library(library, aq.quantize(table(weights)).to_pyarrow())
    assert same_rows(aq.dequantize(through).rows(), aq.dequantize(expected).rows())


def test_other_libraries_take_the_result_themselves(weights, expected):
    result = aq.quantize(weights)
    polars, arro3, nanoarrow = needs("polars"), needs("arro3.core"), needs("nanoarrow")
    for frame in [polars.DataFrame(result), arro3.Table.from_arrow(result), nanoarrow.ArrayStream(result)]:  # fmt: skip
        assert same_rows(aq.dequantize(frame).rows(), aq.dequantize(expected).rows())
    assert polars.DataFrame(result)["bit_width"].to_list() == [4] * ROWS
    relation = needs("duckdb").from_arrow(pa.table(result))
    assert relation.aggregate("sum(octet_length(quantized_data))").fetchall() == [(ROWS * 128,)]


@pytest.mark.parametrize("kind", aq_arrow.KINDS)
def test_every_kind_of_list_is_read(weights, kind):
    if kind.endswith("f16"):
        weights = {name: array.astype("float16") for name, array in weights.items()}
    data = table(weights, kind)
    found = aq.quantize(data).rows()
    assert same_rows(found, aq.quantize(weights).rows())


def test_every_chunk_is_read(weights, expected):
    whole = table(weights)
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 3), whole.slice(4)])
    assert chunked.column("weights").num_chunks == 3
    assert same_rows(aq.quantize(chunked).rows(), expected)
    # A whole and its parts are the same weights, however they are divided.
    assert aq.evaluate(chunked, aq.quantize(whole)).num_rows == ROWS


@pytest.mark.parametrize("kind", aq_arrow.KINDS)
def test_slices_have_offsets(weights, kind):
    if kind.endswith("f16"):
        weights = {name: array.astype("float16") for name, array in weights.items()}
    sliced = table(weights, kind).slice(2, 3)
    names = list(weights)[2:5]
    assert same_rows(aq.quantize(sliced).rows(), aq.quantize({name: weights[name] for name in names}).rows())


def test_a_layer_in_parts_gives_the_codes_of_the_whole(weights):
    array = np.concatenate([x for x in weights.values()])
    parts = table({f"part{at}": array[at : at + 8] for at in range(0, 24, 8)})
    parts = parts.set_column(0, "layer_name", pa.array(["whole"] * 3))
    parts = parts.set_column(2, "shape", pa.array([[24, 64]] * 3, pa.list_(pa.int64())))
    parts = parts.append_column("row_start", pa.array([0, 8, 16], pa.int64()))
    split, whole = aq.quantize(parts), aq.quantize({"whole": array})
    joined = b"".join(bytes(row["quantized_data"]) for row in split.rows())
    assert joined == bytes(whole.rows()[0]["quantized_data"])
    assert split.layers() == whole.layers()


def test_weights_are_read_where_arrow_keeps_them():
    """What the callback writes into the second chunk is seen, so it was not copied beforehand."""
    numbers = np.zeros(128, "float32")
    column = pa.LargeListArray.from_arrays(pa.array([0, 64, 128], pa.int64()), pa.array(numbers))
    data = pa.table({"layer_name": ["a", "b"], "weights": column})
    batches = data.to_batches(max_chunksize=1)

    def write(layer, done, total):
        numbers[64:] = 0.5

    reader = pa.RecordBatchReader.from_batches(data.schema, batches)
    restored = aq.dequantize(aq.quantize(reader, progress=write)).rows()
    assert np.asarray(restored[0]["weights"]).tolist() == [0.0] * 64
    assert np.asarray(restored[1]["weights"]).tolist() == [0.5] * 64


def test_arrow_borrows_the_result(weights):
    result = aq.quantize(weights)
    taken = result.to_pyarrow()
    for place, row in enumerate(result.rows()):
        codes = taken.column("quantized_data").chunk(place)
        assert codes.buffers()[2].address == row["quantized_data"].address
        scales = taken.column("scales").chunk(place)
        assert scales.values.buffers()[1].address + scales.offset * 4 == row["scales"].address
    data = row["quantized_data"]
    assert pa.array(data).buffers()[1].address == data.address
    assert pa.array(row["scales"]).to_pylist() == row["scales"].tolist()
    polars = needs("polars")
    series = polars.DataFrame(result)["scales"].explode()
    assert series.to_list()[: len(row["scales"])] == result.rows()[0]["scales"].tolist()


def test_the_result_lives_as_long_as_arrow_needs_it(weights, expected):
    taken = aq.quantize(weights).to_pyarrow()
    others = [aq.quantize({"layer.0": weights["layer.0"] * 5}) for _ in range(20)]
    codes = taken.column("quantized_data").to_pylist()
    assert codes == [bytes(row["quantized_data"]) for row in expected] and others


def test_a_stream_can_be_taken_often(weights):
    result = aq.quantize(weights)
    assert pa.table(result).equals(pa.table(result))
    unused = result.__arrow_c_stream__()
    del unused


def test_the_schema_is_taken_alone(weights):
    result = aq.quantize(weights)
    assert pa.schema(result.schema) == pa.schema(result) == result.to_pyarrow().schema
    assert pa.schema(aq.output_schema()) == result.to_pyarrow().schema
    assert aq.output_schema().to_pyarrow().field("shape").type == pa.list_(pa.int64())


def test_requested_types_are_given_where_they_fit(weights):
    result = aq.quantize(weights)
    own = result.to_pyarrow()
    fields = {
        "layer_name": pa.large_string(),
        "quantized_data": pa.binary(),
        "scales": pa.list_(pa.float32()),
    }
    wanted = pa.schema([
        pa.field(field.name, fields.get(field.name, field.type), nullable=False)
        for field in own.schema
    ])
    given = pa.RecordBatchReader.from_stream(result, wanted).read_all()
    assert {name: given.schema.field(name).type for name in fields} == fields
    assert given.to_pylist() == own.to_pylist()
    with pytest.raises(ValueError, match="the requested schema has the columns"):
        result.__arrow_c_stream__(pa.schema([("other", pa.int64())]).__arrow_c_schema__())
    impossible = own.schema.set(6, pa.field("bit_width", pa.string()))
    capsule = result.__arrow_c_stream__(impossible.__arrow_c_schema__())
    assert aq.dequantize(aq_arrow.Stream(capsule)).num_rows == ROWS


def test_views_of_text_and_bytes_are_read(weights, expected):
    data = table(weights, "large_binary")
    # Made anew: what pyarrow 22 casts to views, it cannot give to others.
    names = pa.array(data.column("layer_name").to_pylist(), pa.string_view())
    numbers = pa.array(data.column("weights").to_pylist(), pa.binary_view())
    views = data.set_column(0, "layer_name", names).set_column(1, "weights", numbers)
    assert same_rows(aq.quantize(views).rows(), expected)


def test_an_empty_table_has_its_columns(weights):
    result = aq.quantize(table(weights).slice(0, 0))
    assert result.num_rows == 0 and result.rows() == []
    assert result.to_pyarrow().schema == pa.schema(aq.output_schema())
    assert aq.dequantize(result).column_names == ["layer_name", "weights", "dtype", "shape", "row_start"]
    assert aq.quantize({}).num_rows == 0 and aq.dequantize([]).num_rows == 0


BAD = {
    "no columns": (lambda t: t.drop_columns(t.column_names), aq.MetadataError, "layer_name"),
    "no weights": (lambda t: t.drop_columns(["weights"]), aq.MetadataError, 'no column "weights"'),
    "names of integers": (lambda t: t.set_column(0, "layer_name", pa.array(range(ROWS))), aq.MetadataError, "utf8"),
    "f64": (lambda t: t.set_column(1, "weights", t.column(1).cast(pa.large_list(pa.float64()))), aq.MetadataError, "float32 or float16"),
    "null name": (lambda t: t.set_column(0, "layer_name", pa.array(["a"] * 5 + [None])), aq.QuantizationError, "layer_name is null"),
    "null weights": (lambda t: t.set_column(1, "weights", pa.array([[0.5]] * 5 + [None], pa.list_(pa.float32()))), aq.QuantizationError, "weights is null"),
    "null weight": (lambda t: t.set_column(1, "weights", pa.array([[0.5] * 256] * 5 + [[0.5] * 255 + [None]], pa.list_(pa.float32()))), aq.QuantizationError, "element 255"),
    "wrong shape": (lambda t: t.set_column(2, "shape", pa.array([[4, 65]] * ROWS)), aq.ShapeMismatchError, "bad shape"),
    "negative shape": (lambda t: t.set_column(2, "shape", pa.array([[-4, -64]] * ROWS)), aq.ShapeMismatchError, "bad shape"),
    "huge shape": (lambda t: t.set_column(2, "shape", pa.array([[2**62, 2**62]] * ROWS)), aq.ShapeMismatchError, "bad shape"),
    "wrong dtype": (lambda t: t.append_column("dtype", pa.array(["f16"] * ROWS)), aq.MetadataError, "bad dtype"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_refused(weights, name):
    change, kind, says = BAD[name]
    with pytest.raises(kind, match=says):
        aq.quantize(change(table(weights)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_names_row_and_index(weights, value):
    arrays = {name: array.copy() for name, array in weights.items()}
    arrays["layer.4"][3, 2] = value
    with pytest.raises(aq.QuantizationError) as raised:
        aq.quantize(table(arrays))
    assert (raised.value.layer, raised.value.row, raised.value.index) == ("layer.4", 4, 3 * 64 + 2)


def test_what_is_no_record_batch_is_refused(weights):
    with pytest.raises(aq.MetadataError):
        aq.quantize(pa.chunked_array([[1.0, 2.0]]))
    with pytest.raises(aq.MetadataError, match="a record batch is needed"):
        aq.quantize(pa.array([1.0, 2.0]))
    structs = pa.array([{"layer_name": "a", "weights": [0.5]}, None])
    with pytest.raises(aq.MetadataError, match="null as a whole"):
        aq.quantize(structs)


def test_a_stream_that_fails_in_the_middle_is_told(weights):
    data = table(weights)

    def batches():
        yield data.to_batches()[0]
        raise RuntimeError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(data.schema, batches())
    with pytest.raises(aq.MetadataError, match="the disk is gone"):
        aq.quantize(reader)


def test_offsets_that_lie_are_refused():
    """An array as a faulty library would give it: its offsets point past its numbers."""
    for offsets in [[0, 400], [0, -4], [300, 200], [-8, 16]]:
        memory = np.array([0, 16], "int64")
        buffers = [None, pa.py_buffer(memory)]
        values = pa.array(np.zeros(16, "float32"))
        lying = pa.Array.from_buffers(pa.large_list(pa.float32()), 1, buffers, children=[values])
        batch = pa.record_batch([pa.array(["a"]), lying], ["layer_name", "weights"])
        table = pa.Table.from_batches([batch])
        # pyarrow looked at them when it made these, and does not again.
        memory[:] = offsets
        for data in [batch, table]:
            with pytest.raises(aq.ArrowQuantError):
                aq.quantize(data)


def test_text_that_is_none_is_refused():
    buffers = [None, pa.py_buffer(np.array([0, 2], "int32").tobytes()), pa.py_buffer(b"\xff\xfe")]
    names = pa.Array.from_buffers(pa.string(), 1, buffers)
    batch = pa.record_batch([names, pa.array([[0.5]], pa.list_(pa.float32()))], ["layer_name", "weights"])
    with pytest.raises(aq.MetadataError, match="UTF"):
        aq.quantize(batch)
