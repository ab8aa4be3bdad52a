"""What many calls, many threads and child processes do: nothing leaks, nothing waits."""

import gc
import multiprocessing
import subprocess
import sys
import threading
import time

import arrow_quant_v2 as aq
import pytest
from support import Lent, needs, same_rows

CALLS = 20_000


def resident():
    """Bytes of memory of this process, as Linux counts them."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def calls(data, count):
    for _ in range(count):
        table = aq.quantize(data, threads=1)
        rows = table.rows()
        aq.dequantize(rows)
        stream, schema = table.__arrow_c_stream__(), table.__arrow_c_schema__()
        aq.quantize(Taken(table))
        try:
            aq.quantize({"a": [float("nan")]})
        except aq.QuantizationError:
            pass
        del stream, schema


class Taken:
    """Weights that come as a stream of capsules, and are none."""

    def __init__(self, table):
        self.table = aq.dequantize(table)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_twenty_thousand_calls_leave_nothing_behind(numbers):
    data = {"a": Lent.floats(numbers(256))}
    calls(data, 500)
    gc.collect()
    objects, memory = len(gc.get_objects()), resident()
    references = sys.getrefcount(data["a"])
    calls(data, CALLS // 4)
    gc.collect()
    references_after = sys.getrefcount(data["a"])
    assert references_after == references
    assert len(gc.get_objects()) - objects < 100
    # Each of these makes four results: 100 bytes lost of each would show.
    assert resident() - memory < CALLS * 100


def test_other_threads_run_meanwhile(numbers):
    """No thread is made to give way, so another one runs only while the interpreter is released."""
    data = {"a": Lent.floats(numbers(64) * 4096, (256, 1024))}
    interval = sys.getswitchinterval()
    counter, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counter[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    sys.setswitchinterval(1000)
    try:
        thread.start()
        for _ in range(1000):
            before = counter[0]
            aq.quantize(data, bits=2, threads=1)
            if counter[0] > before:
                break
        else:
            pytest.fail("the interpreter was held in all of 1000 calls")
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


def test_calls_of_several_threads_meet_inside(numbers):
    """Each stream waits for the others in the middle of its call, so all are inside at once."""
    pa = needs("pyarrow")
    count = 4
    barrier = threading.Barrier(count, timeout=60)
    schema = pa.schema([("layer_name", pa.string()), ("weights", pa.list_(pa.float32()))])
    columns = [pa.array(["a"]), pa.array([numbers(256)], pa.list_(pa.float32()))]
    batch = pa.record_batch(columns, schema=schema)
    found = []

    def batches():
        yield batch
        barrier.wait()
        yield batch

    def work():
        reader = pa.RecordBatchReader.from_batches(schema, batches())
        found.append(aq.quantize(reader).rows())

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count and all(same_rows(rows, found[0]) for rows in found)


def test_threads_that_share_arrays_get_the_same(numbers):
    data = {name: Lent.floats(numbers(4096, seed), (8, 512)) for seed, name in enumerate("abcd")}
    expected = aq.quantize(data).rows()
    results = []

    def work():
        for _ in range(20):
            table = aq.quantize(data)
            results.append(same_rows(table.rows(), expected))
            aq.evaluate(data, table)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 120


def in_child(data, results):
    results.put(aq.dequantize(aq.quantize(data)).rows()[0]["weights"].tolist())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(numbers):
    weights = numbers(128) * 2048
    expected = aq.dequantize(aq.quantize({"a": weights})).rows()[0]["weights"].tolist()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=in_child, args=({"a": weights}, results))
    child.start()
    try:
        assert results.get(timeout=60) == expected
    finally:
        child.join(5)
        child.kill()
        child.join()


PEAK = """
import numpy, sys
import arrow_quant_v2 as aq

def peak():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))

weights = numpy.full((8192, 8192), 0.25, "float32")
data = {"a": weights}
if sys.argv[1] == "arrow":
    import pyarrow as pa
    values = pa.array(weights.reshape(-1))
    column = pa.LargeListArray.from_arrays(pa.array([0, weights.size], pa.int64()), values)
    data = pa.table({"layer_name": ["a"], "weights": column, "shape": [[8192, 8192]]})
aq.quantize({"a": weights[:1]}, bits=8)
before = peak()
table = aq.quantize(data, bits=8)
print(peak() - before - sum(row["quantized_data"].nbytes for row in table.rows()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("source", ["numpy", "arrow"])
def test_no_more_memory_than_the_result_takes(source):
    """256 MB of weights, of which a copy would show."""
    needs("numpy")
    if source == "arrow":
        needs("pyarrow")
    command = [sys.executable, "-c", PEAK, source]
    extra = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert extra < 64 << 20
