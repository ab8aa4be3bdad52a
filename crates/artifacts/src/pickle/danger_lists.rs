//! Names that pickles ask for, and what is known of them.
//!
//! A list of what is dangerous is never complete, so nothing rests on it being so: a name that is in
//! none of these lists is unknown, and a file that asks for one is not clean.
//!
//! The dangerous ones are what advisories about picklescan (GHSA-gx77-x2pv-48v7, GHSA-vvpj-8cmc-gx39,
//! GHSA-g38g-8gr9-h9xp, GHSA-xp4f-hrf8-rxw7 and those before) and fickling (GHSA-mhc9-48gj-9gp3) found
//! missing elsewhere, and what Python's library has that runs code, or touches files or the network.

/// Modules of which everything counts as dangerous, with what lies within them.
pub(super) const DANGEROUS_MODULES: &str = include_str!("../../dangerous-modules.txt");

/// Single names that are dangerous in modules that otherwise are not.
pub(super) const DANGEROUS_NAMES: &[(&str, &[&str])] = &[
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("__builtins__", BUILTINS),
    ("codecs", &["open"]),
    ("io", &["open", "open_code", "FileIO"]),
    ("_io", &["open", "open_code", "FileIO"]),
    ("joblib", &["load", "Memory", "Parallel"]),
    ("joblib.memory", &["Memory"]),
    ("joblib.numpy_pickle", &["load", "_unpickle"]),
    ("joblib.numpy_pickle_compat", &["load_compatibility", "ZNDArrayWrapper"]),
    (
        "numpy",
        &[
            "DataSource",
            "fromfile",
            "fromregex",
            "genfromtxt",
            "load",
            "loadtxt",
            "memmap",
            "open_memmap",
            "recfromcsv",
            "recfromtxt",
            "safe_eval",
            "save",
            "savetxt",
            "savez",
            "savez_compressed",
        ],
    ),
    ("numpy.core.memmap", &["memmap"]),
    ("numpy._core.memmap", &["memmap"]),
    ("numpy.core.multiarray", &["fromfile"]),
    ("numpy._core.multiarray", &["fromfile"]),
    ("numpy.lib.format", &["open_memmap", "read_array"]),
    ("numpy.lib.npyio", NPYIO),
    ("numpy.lib._npyio_impl", NPYIO),
    ("logging", &["FileHandler", "basicConfig"]),
    ("pandas", &["eval", "read_csv", "read_html", "read_pickle", "read_sql", "read_sql_query"]),
    ("pandas.core.computation.eval", &["eval"]),
    ("pandas.io.common", &["get_handle"]),
    ("pandas.io.pickle", &["read_pickle"]),
    ("pathlib", &["Path.open", "Path.unlink", "Path.write_bytes", "Path.write_text"]),
    ("pprint", &["pprint"]),
    ("scipy.io", &["loadmat", "savemat"]),
    ("sklearn.utils._joblib", &["load"]),
    ("string", &["Formatter"]),
    ("torch", &["compile", "hub", "load", "save"]),
    ("typing", &["ForwardRef", "_eval_type", "get_type_hints"]),
    ("uuid", &["_get_command_stdout", "_popen"]),
    ("types", &["CodeType", "FunctionType", "LambdaType", "MethodType", "ModuleType"]),
    ("urllib", &["urlopen", "urlretrieve"]),
    ("yaml", &["load", "unsafe_load", "full_load"]),
];

pub(super) const NPYIO: &[&str] = &[
    "DataSource",
    "NpzFile",
    "fromregex",
    "genfromtxt",
    "load",
    "loadtxt",
    "recfromcsv",
    "recfromtxt",
    "save",
    "savetxt",
    "savez",
    "savez_compressed",
];

pub(super) const BUILTINS: &[&str] = &[
    "__build_class__",
    "__import__",
    "breakpoint",
    "compile",
    "delattr",
    "eval",
    "exec",
    "execfile",
    "exit",
    "file",
    "globals",
    "help",
    "input",
    "locals",
    "open",
    "quit",
    "raw_input",
    "reload",
    "setattr",
    "vars",
];

/// Names that call or reach whatever else the pickle names. Python itself pickles methods and some
/// enumerations so.
pub(super) const INDIRECT: &[(&str, &[&str])] = &[
    (
        "builtins",
        &[
            "apply", "all", "any", "dir", "filter", "getattr", "hasattr", "map", "max", "min",
            "property", "sorted", "sum", "super", "type",
        ],
    ),
    ("__builtin__", &["apply", "dir", "filter", "getattr", "hasattr", "map", "reduce", "super"]),
    ("operator", &["attrgetter", "call", "delitem", "itemgetter", "methodcaller", "setitem"]),
    ("_operator", &["attrgetter", "call", "delitem", "itemgetter", "methodcaller", "setitem"]),
    ("functools", &["partial", "partialmethod", "reduce"]),
    ("_functools", &["partial", "reduce"]),
    ("itertools", &["accumulate", "starmap"]),
    ("numpy", &["apply_along_axis", "apply_over_axes", "frompyfunc", "piecewise", "vectorize"]),
];

/// Names of which it is known that they only make data.
pub(super) const DATA: &[(&str, &[&str])] = &[
    ("builtins", PLAIN),
    ("__builtin__", PLAIN),
    ("_codecs", &["encode"]),
    ("codecs", &["encode"]),
    ("copyreg", &["_reconstructor", "__newobj__"]),
    ("copy_reg", &["_reconstructor", "__newobj__"]),
    ("collections", &["OrderedDict", "defaultdict", "deque", "Counter", "ChainMap"]),
    ("datetime", &["date", "datetime", "time", "timedelta", "timezone"]),
    ("zoneinfo", &["ZoneInfo._unpickle"]),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("types", &["SimpleNamespace"]),
    ("uuid", &["UUID", "SafeUUID"]),
    ("array", &["array", "_array_reconstructor"]),
    ("torch", TORCH),
    ("torch._tensor", &["_rebuild_from_type_v2"]),
    (
        "torch._utils",
        &[
            "_rebuild_parameter",
            "_rebuild_parameter_with_state",
            "_rebuild_qtensor",
            "_rebuild_sparse_tensor",
            "_rebuild_tensor",
            "_rebuild_tensor_v2",
            "_rebuild_tensor_v3",
        ],
    ),
    ("torch.nn.parameter", &["Buffer", "Parameter"]),
    ("torch.storage", &["TypedStorage", "UntypedStorage", "_TypedStorage", "_UntypedStorage"]),
    ("pandas", &["DataFrame", "Series", "Timestamp"]),
    ("pandas._libs.internals", &["_unpickle_block"]),
    ("pandas._libs.tslibs.timestamps", &["_unpickle_timestamp"]),
    ("pandas.core.frame", &["DataFrame"]),
    ("pandas.core.indexes.base", &["Index", "_new_Index"]),
    ("pandas.core.indexes.range", &["RangeIndex"]),
    ("pandas.core.internals.blocks", &["new_block"]),
    ("pandas.core.internals.managers", &["BlockManager", "SingleBlockManager"]),
    ("pandas.core.series", &["Series"]),
    ("scipy.sparse._coo", &["coo_array", "coo_matrix"]),
    ("scipy.sparse._csc", &["csc_array", "csc_matrix"]),
    ("scipy.sparse._csr", &["csr_array", "csr_matrix"]),
    ("scipy.sparse.csr", &["csr_matrix"]),
    ("scipy.sparse.csc", &["csc_matrix"]),
    ("ipaddress", &["IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"]),
    (
        "pathlib",
        &["Path", "PurePath", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"],
    ),
    ("numpy.core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy._core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy.core.numeric", &["_frombuffer"]),
    ("numpy._core.numeric", &["_frombuffer"]),
    ("numpy._core._internal", &["_convert_to_stringdtype_kwargs"]),
    ("numpy.core._internal", &["_convert_to_stringdtype_kwargs"]),
    ("numpy.core", &["_ufunc_reconstruct", "_DType_reconstruct"]),
    ("numpy._core", &["_ufunc_reconstruct", "_DType_reconstruct"]),
    ("numpy.rec", &["recarray", "record"]),
    ("numpy.core.records", &["recarray", "record"]),
    ("numpy._core.records", &["recarray", "record"]),
    ("numpy.char", &["chararray"]),
    ("numpy.ma", &["MaskedArray"]),
    ("numpy.ma.core", &["MaskedArray", "MaskedConstant", "_mareconstruct"]),
    ("numpy.matrixlib.defmatrix", &["matrix"]),
    ("numpy.random._pickle", &["__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"]),
    ("numpy.random", &["__RandomState_ctor"]),
    ("numpy.random._mt19937", &["MT19937"]),
    ("numpy.random._pcg64", &["PCG64", "PCG64DXSM"]),
    ("numpy.random._philox", &["Philox"]),
    ("numpy.random._sfc64", &["SFC64"]),
    ("numpy.random.bit_generator", &["SeedSequence", "__pyx_unpickle_SeedSequence"]),
    ("numpy.polynomial.polynomial", &["Polynomial"]),
    ("joblib.numpy_pickle", &["NumpyArrayWrapper"]),
];

/// Types of PyTorch, which are data in the pickles that it writes.
pub(super) const TORCH: &[&str] = &[
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "QInt32Storage",
    "QInt8Storage",
    "QUInt8Storage",
    "ShortStorage",
    "Size",
    "Tensor",
    "UntypedStorage",
    "bfloat16",
    "bool",
    "complex128",
    "complex64",
    "device",
    "float16",
    "float32",
    "float64",
    "int16",
    "int32",
    "int64",
    "int8",
    "uint8",
];

pub(super) const PLAIN: &[&str] = &[
    "bool",
    "bytearray",
    "bytes",
    "complex",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "long",
    "object",
    "range",
    "set",
    "slice",
    "str",
    "tuple",
    "unicode",
    "xrange",
    "type",
    "Ellipsis",
    "NotImplemented",
    "Exception",
    "ValueError",
    "KeyError",
    "TypeError",
];

/// Types in numpy's top level; its functions are not among them.
pub(super) const NUMPY_TYPES: &str = "\
ndarray dtype matrix recarray record chararray poly1d generic number bool bool_ byte bytes_ str_
void object_ half single double longdouble csingle cdouble clongdouble short ushort intc uintc
int_ uint intp uintp long ulong longlong ulonglong ubyte float_ complex_ unicode_ string_
datetime64 timedelta64";

/// numpy's universal functions: they take numbers and give numbers.
pub(super) const UFUNCS: &str = "\
absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or
bitwise_xor cbrt ceil conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2
expm1 fabs float_power floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside
hypot invert isfinite isinf isnan isnat lcm ldexp left_shift less less_equal log log10 log1p log2
logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul maximum minimum modf
multiply negative nextafter not_equal positive power rad2deg radians reciprocal remainder
right_shift rint sign signbit sin sinh spacing sqrt square subtract tan tanh true_divide trunc";

/// Modules that many others import, so that a dotted name finds them there.
pub(super) const IMPORTED_EVERYWHERE: &[&str] =
    &["builtins", "ctypes", "importlib", "nt", "os", "posix", "shutil", "subprocess", "sys"];
