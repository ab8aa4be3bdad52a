//! What a name that a pickle asks for can do.

use super::PickleName;

/// What asking for a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A constructor of data: it runs nothing of the pickle's choice.
    Data,
    /// It can run code of the pickle's choice, start a program, or touch files or the network.
    Dangerous,
    /// It calls or reaches whatever else the pickle names; harmless on its own.
    Indirect,
    /// Neither is known of it: somebody's own class or function, which is imported and called.
    Other,
}

/// Modules of which everything counts as dangerous, with what lies within them.
const DANGEROUS_MODULES: &[&str] = &[
    "_bootsubprocess",
    "_pickle",
    "_posixsubprocess",
    "_thread",
    "asyncio",
    "bdb",
    "cProfile",
    "cloudpickle",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "dill",
    "distutils",
    "doctest",
    "ensurepip",
    "ftplib",
    "http.client",
    "http.server",
    "httplib",
    "idlelib",
    "imp",
    "importlib",
    "inspect",
    "lib2to3",
    "linecache",
    "logging.config",
    "marshal",
    "mmap",
    "multiprocessing",
    "nt",
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.f2py",
    "numpy.testing",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "popen2",
    "posix",
    "profile",
    "pty",
    "py_compile",
    "pydoc",
    "requests",
    "runpy",
    "shelve",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "subprocess",
    "sys",
    "sysconfig",
    "timeit",
    "torch.hub",
    "torch.utils.cpp_extension",
    "trace",
    "unittest",
    "urllib.request",
    "urllib2",
    "venv",
    "webbrowser",
    "winreg",
    "xmlrpc",
    "zipapp",
    "zipimport",
];

/// Single names that are dangerous in modules that otherwise are not.
const DANGEROUS_NAMES: &[(&str, &[&str])] = &[
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("__builtins__", BUILTINS),
    ("codecs", &["open"]),
    ("io", &["open", "open_code", "FileIO"]),
    ("_io", &["open", "open_code", "FileIO"]),
    ("joblib", &["load"]),
    ("joblib.numpy_pickle", &["load"]),
    (
        "numpy",
        &["load", "loadtxt", "genfromtxt", "fromfile", "fromregex", "save", "savez", "savetxt"],
    ),
    ("numpy.lib.npyio", &["load", "loadtxt", "genfromtxt", "save"]),
    ("pandas", &["read_pickle", "eval"]),
    ("pandas.io.pickle", &["read_pickle"]),
    ("torch", &["load"]),
    ("torch.serialization", &["load"]),
    ("types", &["CodeType", "FunctionType", "LambdaType", "MethodType", "ModuleType"]),
    ("urllib", &["urlopen", "urlretrieve"]),
    ("yaml", &["load", "unsafe_load", "full_load"]),
];

const BUILTINS: &[&str] = &[
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
const INDIRECT: &[(&str, &[&str])] = &[
    ("builtins", &["getattr", "map", "filter", "super"]),
    ("__builtin__", &["getattr", "apply", "map", "filter", "reduce", "super"]),
    ("operator", &["attrgetter", "call", "delitem", "itemgetter", "methodcaller", "setitem"]),
    ("_operator", &["attrgetter", "call", "delitem", "itemgetter", "methodcaller", "setitem"]),
    ("functools", &["partial", "partialmethod", "reduce"]),
    ("_functools", &["partial", "reduce"]),
    ("itertools", &["accumulate", "starmap"]),
    ("numpy", &["apply_along_axis", "apply_over_axes", "frompyfunc", "piecewise", "vectorize"]),
];

/// Names of which it is known that they only make data.
const DATA: &[(&str, &[&str])] = &[
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

const PLAIN: &[&str] = &[
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
    "Ellipsis",
    "NotImplemented",
    "Exception",
    "ValueError",
    "KeyError",
    "TypeError",
];

/// Types in numpy's top level; its functions are not among them.
const NUMPY_TYPES: &[&str] = &[
    "ndarray",
    "dtype",
    "matrix",
    "memmap",
    "recarray",
    "record",
    "chararray",
    "poly1d",
    "generic",
    "number",
    "bool",
    "bool_",
    "byte",
    "bytes_",
    "str_",
    "void",
    "object_",
    "half",
    "single",
    "double",
    "longdouble",
    "csingle",
    "cdouble",
    "clongdouble",
    "short",
    "ushort",
    "intc",
    "uintc",
    "int_",
    "uint",
    "intp",
    "uintp",
    "long",
    "ulong",
    "longlong",
    "ulonglong",
    "ubyte",
    "float_",
    "complex_",
    "unicode_",
    "string_",
    "datetime64",
    "timedelta64",
];

/// What a name can do, as far as it is known.
#[must_use]
pub fn classify(name: &PickleName) -> NameKind {
    let PickleName { module, name } = name;
    let listed = |table: &[(&str, &[&str])]| {
        let is_in =
            |(known, names): &(&str, &[&str])| known == module && names.contains(&name.as_str());
        table.iter().any(is_in)
    };
    if is_within(module, DANGEROUS_MODULES) || listed(DANGEROUS_NAMES) || reaches_danger(name) {
        return NameKind::Dangerous;
    }
    if listed(INDIRECT) {
        return NameKind::Indirect;
    }
    let is_numpy_type = module == "numpy"
        && (NUMPY_TYPES.contains(&name.as_str())
            || ["int", "uint", "float", "complex"].iter().any(|kind| {
                name.strip_prefix(kind).is_some_and(|bits| {
                    !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit())
                })
            }));
    let is_numpy_dtype = module == "numpy.dtypes" && name.ends_with("DType");
    if is_numpy_type || is_numpy_dtype || listed(DATA) {
        return NameKind::Data;
    }
    NameKind::Other
}

/// Whether a module is one of these or lies within one.
fn is_within(module: &str, modules: &[&str]) -> bool {
    modules.iter().any(|known| {
        module.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Modules that many others import, so that a dotted name finds them there.
const IMPORTED_EVERYWHERE: &[&str] =
    &["builtins", "ctypes", "importlib", "nt", "os", "posix", "shutil", "subprocess", "sys"];

/// A dotted name can lead out of its module, into those that the module imports.
fn reaches_danger(name: &str) -> bool {
    let is_special = |part: &str| part.starts_with("__") && part.ends_with("__");
    name.contains('.')
        && name.split('.').any(|part| is_special(part) || IMPORTED_EVERYWHERE.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (module, name, expected) in [
            ("os", "system", NameKind::Dangerous),
            ("os.path", "join", NameKind::Dangerous),
            ("osmium", "Node", NameKind::Other),
            ("builtins", "eval", NameKind::Dangerous),
            ("__builtin__", "getattr", NameKind::Indirect),
            ("functools", "partial", NameKind::Indirect),
            ("types", "SimpleNamespace", NameKind::Data),
            ("types", "FunctionType", NameKind::Dangerous),
            ("builtins", "set", NameKind::Data),
            ("numpy", "ndarray", NameKind::Data),
            ("numpy", "float32", NameKind::Data),
            ("numpy", "load", NameKind::Dangerous),
            ("numpy", "add", NameKind::Other),
            ("numpy.testing._private.utils", "runstring", NameKind::Dangerous),
            ("numpy.dtypes", "StringDType", NameKind::Data),
            ("mine", "Thing", NameKind::Other),
            ("mine", "Thing.Inner", NameKind::Other),
            ("logging", "os.system", NameKind::Dangerous),
            ("mine", "Thing.__init__.__globals__", NameKind::Dangerous),
            ("collections", "OrderedDict", NameKind::Data),
        ] {
            let name = PickleName { module: module.to_owned(), name: name.to_owned() };
            assert_eq!(classify(&name), expected, "{name:?}");
        }
    }
}
