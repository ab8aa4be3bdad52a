"""The function for engines: pickled, called with batches, the same kind back."""

import pickle
import subprocess
import sys

import arrow_quant_v2 as aq
import pytest
from support import needs, same_rows


def test_it_can_be_pickled_and_says_what_it_is():
    function = aq.quantize_batch_fn(bits=8, group_size=64)
    again = pickle.loads(pickle.dumps(function))
    assert repr(again) == repr(function) == "quantize_batch_fn(bits=8, group_size=64)"
    assert again.schema == aq.output_schema(bits=8, group_size=64)


def test_wrong_options_are_told_at_once():
    with pytest.raises(aq.ConfigurationError):
        aq.quantize_batch_fn(bits=3)
    with pytest.raises(TypeError, match="progress"):
        aq.quantize_batch_fn(progress=print)
    with pytest.raises(TypeError):
        aq.quantize_batch_fn(bit=4)


def test_anything_else_yields_a_table(lent):
    assert isinstance(aq.quantize_batch_fn()({"a": lent}), aq.QuantTable)


def batch(numbers):
    pa = needs("pyarrow")
    columns = [pa.array(["a", "b"]), pa.array([numbers(64), numbers(96)], pa.list_(pa.float32()))]
    return pa.record_batch(columns, ["layer_name", "weights"])


def test_pyarrow_in_and_out(numbers):
    pa = needs("pyarrow")
    function = aq.quantize_batch_fn(bits=8, threads=1)
    one = batch(numbers)
    table = function(pa.Table.from_batches([one, one]))
    assert isinstance(table, pa.Table) and table.num_rows == 4
    result = function(one)
    assert isinstance(result, pa.RecordBatch) and result.num_rows == 2
    assert result.schema == pa.schema(function.schema)
    assert function(one.slice(0, 0)).num_rows == 0
    # What `mapInArrow` of Spark passes and takes.
    results = function(iter([one, one]))
    assert [part.num_rows for part in results] == [2, 2]
    assert isinstance(function(pa.RecordBatchReader.from_batches(one.schema, [one])), aq.QuantTable)


def test_polars_in_and_out(numbers):
    polars = needs("polars")
    frame = polars.from_arrow(batch(numbers))
    assert isinstance(aq.quantize_batch_fn()(frame), polars.DataFrame)


def test_another_process_gives_the_same_bits(numbers, tmp_path):
    pa = needs("pyarrow")
    one = batch(numbers)
    function = aq.quantize_batch_fn(scheme="nf4", group_size=32)
    (tmp_path / "job").write_bytes(pickle.dumps((function, one)))
    script = (
        "import pickle, sys; function, batch = pickle.load(open(sys.argv[1], 'rb'));"
        "pickle.dump(function(batch), open(sys.argv[2], 'wb'))"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "job", tmp_path / "result"], check=True)
    result = pickle.loads((tmp_path / "result").read_bytes())
    assert isinstance(result, pa.RecordBatch)
    assert result.equals(function(one))
    assert same_rows(aq.dequantize(result).rows(), aq.dequantize(function(one)).rows())
