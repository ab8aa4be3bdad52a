"""Tables of weights in every type that can hold them."""

KINDS = ["list", "large_list", "fixed_size_list", "list_f16", "large_list_f16", "fixed_size_list_f16", "binary", "large_binary"]  # fmt: skip


class Stream:
    """An object that gives one capsule."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __arrow_c_stream__(self, requested_schema=None):
        return self.capsule


def table(arrays, kind):
    """A pyarrow table of arrays of the same shape."""
    import numpy as np
    import pyarrow as pa

    names, values = list(arrays), list(arrays.values())
    flat = np.concatenate([array.reshape(-1) for array in values])
    size = values[0].size
    offsets = np.arange(len(values) + 1) * size
    columns = {"layer_name": pa.array(names)}
    if kind.startswith("fixed_size_list"):
        columns["weights"] = pa.FixedSizeListArray.from_arrays(pa.array(flat), size)
    elif kind.startswith("large_list"):
        columns["weights"] = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(flat))
    elif kind.startswith("list"):
        columns["weights"] = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(flat))
    else:
        typed = {"binary": pa.binary(), "large_binary": pa.large_binary()}[kind]
        columns["weights"] = pa.array([array.tobytes() for array in values], typed)
    shapes = [list(array.shape) for array in values]
    columns["shape"] = pa.array(shapes, pa.list_(pa.int64()))
    if kind.endswith("binary"):
        dtype = {"float32": "f32", "float16": "f16"}[flat.dtype.name]
        columns["dtype"] = pa.array([dtype] * len(values))
    return pa.table(columns)
