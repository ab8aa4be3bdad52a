"""Writes pickles that run code when they are loaded, and harmless ones, as bytes. Nothing is loaded.

    python hostile_pickles.py DIRECTORY

DIRECTORY/hostile holds what every scanner should flag: names that advisories found missing from the
lists of picklescan and fickling, and instructions, archives and names of files that led them astray.
DIRECTORY/harmless holds what Python and numpy write every day, where numpy is installed.
"""

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import sys
import tarfile
import zipfile
import zlib


def short(text):
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


def call(module, name, argument=b"\x8c\x02id"):
    """GLOBAL, one argument, REDUCE."""
    return b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n" + argument + b"\x85R."


def stack_call(module, name):
    return b"\x80\x04" + short(module) + short(name) + b"\x93" + short("id") + b"\x85R."


# Callables that run what they are given, or reach something that does.
NAMES = """
os system|posix system|nt system|os popen|os execv|os spawnl|subprocess Popen|subprocess run
subprocess getoutput|subprocess check_output|builtins eval|builtins exec|builtins compile
builtins __import__|builtins open|builtins getattr|builtins breakpoint|builtins map|builtins apply
__builtin__ eval|__builtin__ file|__builtin__ reduce|__builtins__ eval
operator attrgetter|_operator methodcaller|operator methodcaller|operator itemgetter|operator call
functools partial|_functools reduce|functools reduce|itertools starmap
runpy run_path|runpy _run_code|runpy run_module|importlib import_module|importlib.util find_spec
_frozen_importlib __import__|_imp create_dynamic|imp load_source|pkgutil resolve_name|pkgutil get_loader
pydoc locate|pydoc pipepager|pydoc safeimport|pydoc tempfilepager|pip main|pip._internal main
pip._internal.cli.main main|ensurepip _run_pip|ensurepip bootstrap|venv create|zipapp create_archive
asyncio.unix_events _UnixSubprocessTransport._start|asyncio run|asyncio create_subprocess_shell
ctypes CDLL|ctypes cdll.LoadLibrary|_ctypes dlopen|ctypes.util _findLib_gcc|cffi FFI
bdb Bdb.run|pdb run|pdb Pdb|cProfile run|cProfile runctx|profile run|profile Profile.run|trace Trace.run
trace Trace.runctx|timeit timeit|timeit repeat|doctest debug_script|doctest DocTestRunner
code InteractiveInterpreter.runcode|code interact|codeop compile_command|commands getoutput|popen2 popen3
idlelib.pyshell ModifiedInterpreter.runcode|idlelib.run Executive.runcode|idlelib.calltip get_entity
idlelib.autocomplete AutoComplete.get_entity|idlelib.debugobj ObjectTreeItem.SetText
lib2to3.pgen2.grammar Grammar.loads|lib2to3.pgen2.pgen ParserGenerator.make_label
distutils.file_util write_file|distutils.spawn spawn|shutil rmtree|shutil move|socket create_connection
ssl get_server_certificate|urllib.request urlopen|urllib.request urlretrieve|urllib urlopen|http.client HTTPConnection
httplib HTTPSConnection|requests get|requests.api post|aiohttp request|ftplib FTP|smtplib SMTP|imaplib IMAP4_stream
poplib POP3|telnetlib Telnet|nntplib NNTP|xmlrpc.client ServerProxy|socketserver TCPServer|webbrowser open
uuid _get_command_stdout|uuid _popen|_osx_support _read_output|_aix_support _read_cmd_output|_pyrepl.pager pipe_pager
test.support.script_helper assert_python_ok|unittest.mock _importer|unittest main|platform popen
pickle loads|_pickle loads|pickle load|pickle Unpickler|cloudpickle loads|dill loads|dill _dill._import_module
cloudpickle.cloudpickle subimport|cloudpickle.cloudpickle _make_function|joblib load|joblib.numpy_pickle load|marshal loads|shelve open|jsonpickle decode
numpy.testing._private.utils runstring|numpy.testing runstring|numpy.f2py.crackfortran getlincoef
numpy.f2py.crackfortran myeval|numpy load|numpy.lib.npyio load|numpy.lib._npyio_impl load|numpy.ctypeslib load_library|numpy fromfile|numpy memmap
numpy.distutils.exec_command exec_command|numpy.lib.utils safe_eval|numpy vectorize|numpy apply_along_axis
torch load|torch.serialization load|torch.hub load|torch.jit.unsupported_tensor_ops execWrapper
torch._dynamo.guards GuardBuilder.get|torch._inductor.codecache compile_file|torch.utils.collect_env run
torch.utils.bottleneck.__main__ run_cprofile|torch.utils._config_module ConfigModule.load_config
torch.utils.data.datapipes.utils.decoder basichandlers|torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression
torch.utils.cpp_extension load_inline|torch._utils _import_dotted_name|torch.package PackageImporter
types CodeType|types FunctionType|types MethodType|inspect getmodule|sys exit|sys modules|sys.modules get
_thread start_new_thread|threading Thread.run|multiprocessing Process|multiprocessing.util spawnv_passfds|_posixsubprocess fork_exec
signal raise_signal|atexit register|gc get_objects|site addsitedir|mmap mmap|winreg SetValue|sqlite3 connect
_sqlite3 connect|logging FileHandler|logging.config fileConfig|logging.config listen|_io FileIO|io open|_io open|io open_code|codecs open
tempfile mktemp|fileinput input|glob glob|linecache getlines|compileall compile_dir|py_compile compile
pty spawn|select select|tkinter Tk|turtledemo x|curses wrapper|readline parse_and_bind|rlcompleter Completer.global_matches
yaml unsafe_load|pandas read_pickle|pandas eval|pandas.io.pickle read_pickle|pandas.core.computation.eval eval
string Formatter|typing get_type_hints|typing ForwardRef|sympy.parsing.sympy_parser parse_expr|setuptools.dist Distribution
IPython start_ipython|nose.core run|pytest main|_pytest.config main|pexpect spawn|paramiko SSHClient
some_package.module run_anything|antigravity x|this x|collections OrderedDict.__init__.__globals__|logging os.system
random _os.system|tarfile open|zipfile ZipFile|configparser RawConfigParser.read|pathlib Path.unlink|getpass getuser
""".replace("\n", "|")


def pairs():
    for pair in NAMES.split("|"):
        if pair.strip():
            module, name = pair.split()
            yield module, name


def zipped(members, edit=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    data = bytearray(out.getvalue())
    if edit:
        edit(data)
    return bytes(data)


EVIL = call("os", "system")


def wrong_checksums(data):
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 16 : at + 20] = b"\0\0\0\1"


def encrypted(data):
    data[6] |= 1
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1


def other_local_name(data):
    at = data.find(b"m/data.pkl")
    data[at : at + 10] = b"m/data.txt"


def tricks():
    """Instructions and files, by name."""
    text = b"\x80\x04"
    yield "inst.pkl", b"(S'id'\nios\nsystem\n."
    yield "obj.pkl", b"(cos\nsystem\nS'id'\no."
    yield "newobj.pkl", b"\x80\x02csubprocess\nPopen\nU\x02id\x85\x81."
    yield "newobj-ex.pkl", text + short("subprocess") + short("Popen") + b"\x93)}\x92."
    yield "protocol-0.pkl", b"cos\nsystem\n(S'id'\ntR."
    yield "proto-0-mark.pkl", b"\x80\x00cos\nsystem\n(S'id'\ntR."
    yield "proto-1-mark.pkl", b"\x80\x01cos\nsystem\n(S'id'\ntR."
    yield "no-proto-stack-global.pkl", short("os") + short("system") + b"\x93" + short("id") + b"\x85R."
    yield "escaped-text.pkl", text + b"S'o\\x73'\nS'syste\\155'\n\x93" + short("id") + b"\x85R."
    yield "unicode-escape.pkl", text + b"Vo\\u0073\nVsystem\n\x93" + short("id") + b"\x85R."
    yield "binstring.pkl", text + b"U\x02osT\x06\0\0\0system\x93" + short("id") + b"\x85R."
    yield "memo-put.pkl", text + short("os") + b"q\x000" + short("system") + b"q\x010" + short(
        "torch._utils"
    ) + b"\x94" + short("_rebuild_tensor_v2") + b"\x94h\x00h\x01\x93" + short("id") + b"\x85R."
    yield "memo-overwritten.pkl", text + short("collections") + b"q\x000" + short("os") + b"q\x000h\x00" + short(
        "system"
    ) + b"\x93" + short("id") + b"\x85R."
    yield "memo-large.pkl", text + short("os") + b"p99999\n0g99999\n" + short("system") + b"\x93" + short("id") + b"\x85R."
    yield "dup.pkl", text + short("os") + b"2" + b"0" + short("system") + b"\x93" + short("id") + b"\x85R."
    yield "pop-mark.pkl", text + b"(" + short("x") + b"1" + short("os") + short("system") + b"\x93" + short("id") + b"\x85R."
    yield "put-argument.pkl", (
        b"\x80\x05cnumpy\nprod\nN(Va\nVos\nd\x86bN(Vb\nVsystem\nd\x86b0cnumpy\nprod.a\np0\n"
        b"cnumpy\nprod.b\np1\n00g0\ng1\n\x93Vid\n\x85R."
    )
    yield "computed.pkl", text + b"cbuiltins\nstr\n" + short("os") + b"\x85R" + short("system") + b"\x93" + short("id") + b"\x85R."
    yield "joined.pkl", text + b"cposixpath\njoin\n" + short("o") + short("s") + b"\x86R" + short("system") + b"\x93."
    for code, width in ((b"\x82", 1), (b"\x83", 2), (b"\x84", 4)):
        yield "ext%d.pkl" % width, b"\x80\x02" + code + b"\x01" + b"\0" * (width - 1) + b"U\x02id\x85R."
    yield "build-on-name.pkl", b"\x80\x02ccollections\nOrderedDict\n}U\x08__init__cmine\nx\nsb."
    yield "broken-after.pkl", EVIL[:-1] + b"\xff\xff\xff"
    yield "cut-after.pkl", EVIL[:-1]
    yield "stack-underflow-after.pkl", EVIL[:-1] + b"RRRR."
    yield "bad-proto-after.pkl", EVIL[:-1] + b"\x80\x09."
    yield "bad-utf8-before.pkl", text + b"\x8c\x02\xff\xfe0" + EVIL[2:]
    yield "frame-lies.pkl", b"\x80\x04\x95\x05\0\0\0\0\0\0\0" + EVIL[2:]
    yield "second-pickle.pkl", b"\x80\x02N." + EVIL
    yield "second-old-pickle.pkl", b"\x80\x02N.cos\nsystem\n(S'id'\ntR."
    yield "nested.pkl", b"\x80\x03cpickle\nloads\nC" + bytes([len(EVIL)]) + EVIL + b"\x85R."
    yield "persistent-name.pkl", b"\x80\x02cos\nsystem\nQ."
    yield "text-name.npy", b"cos\nsystem\n(S'id'\ntR."
    yield "pickle-as.npy", EVIL
    yield "pickle-as.npz", EVIL
    yield "pickle-as.txt.pkl", EVIL
    yield "model.bin", EVIL
    yield "no-extension", EVIL
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    yield "objects.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + EVIL
    yield "objects.npz", zipped([("x.npy", b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + EVIL)])
    yield "compressed.joblib", zlib.compress(EVIL)
    yield "compressed-gzip.joblib", gzip.compress(EVIL)
    yield "compressed-bz2.joblib", bz2.compress(EVIL)
    yield "compressed-xz.joblib", lzma.compress(EVIL)
    yield "model.pkl.gz", gzip.compress(EVIL)
    yield "twice.pkl.gz", gzip.compress(zlib.compress(EVIL))
    yield "gzip-cut.pkl.gz", gzip.compress(EVIL + os.urandom(2000))[:-900]
    yield "torch.pt", zipped([("m/data.pkl", EVIL), ("m/version", b"3\n")])
    yield "torch-other-member.pt", zipped([("m/data.pkl", b"\x80\x02}."), ("m/extra.pkl", EVIL)])
    yield "torch-renamed-member.pt", zipped([("m/data.pkl", b"\x80\x02}."), ("m/notes.txt", EVIL)])
    yield "torch-checksum.pt", zipped([("m/data.pkl", EVIL)], wrong_checksums)
    yield "torch-flags.pt", zipped([("m/data.pkl", EVIL)], encrypted)
    yield "torch-local-name.pt", zipped([("m/data.pkl", EVIL)], other_local_name)
    yield "torch-twice.pt", zipped([("m/data.pkl", b"\x80\x02}."), ("m/data.pkl", EVIL)])
    yield "zip-in-pickle-name.pkl", zipped([("a.pkl", EVIL)])
    yield "torch-before-zip.pt", EVIL + zipped([("m/data.pkl", b"\x80\x02}.")])
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    yield "torch-legacy.pt", magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + EVIL + b"\x80\x02]."
    yield "seven-zip.pkl", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(64)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("data.pkl"), io.BytesIO())
    yield "tar.pt", out.getvalue()
    wrapper = b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93)\x81}b"
    yield "joblib-plain-reader.joblib", wrapper + EVIL[2:]
    dtype = b"cnumpy\ndtype\n\x8c\x02u1\x89\x88\x87R"
    state = (
        b"(" + short("subclass") + b"cnumpy\nndarray\n" + short("shape") + b"K\x05\x85" + short("order")
        + short("C") + short("dtype") + dtype + short("allow_mmap") + b"\x88u"
    )
    # What joblib takes for data is where another reader takes the next instructions for a text, and the
    # other way round.
    yield "joblib-data-hides.joblib", wrapper[:-1] + state + b"b" + b"X\x25\0\0\0" + b"cos\nsystem\n" + short("id") + b"\x85R." + b" " * 40 + b"."
    yield "joblib-data-runs.joblib", wrapper[:-1] + state.replace(b"K\x05", b"K\x16") + b"b" + b"cos\nsystem\n\x8c\x02id\x85R.0000" + b"0."


def harmless():
    plain = {
        "dict.pkl": {"a": 1, "b": [1.5, "x", None, True], "c": (b"bytes", {1, 2}, frozenset([3]))},
        "names.pkl": {"text": "os system subprocess eval", "code": "import os; os.system('id')"},
        "types.pkl": [int, str, dict, range(3), slice(1, 2), complex(1, 2), bytearray(b"x")],
    }
    import collections
    import datetime
    import decimal
    import uuid

    plain["std.pkl"] = [
        collections.OrderedDict(a=1), collections.Counter("abc"), collections.deque([1]),
        datetime.datetime(2020, 1, 1), datetime.timedelta(1), decimal.Decimal("1.5"), uuid.UUID(int=5),
    ]
    for name, value in plain.items():
        for protocol in (0, 1, 2, 3, 4, 5):
            yield "%s.%d.pkl" % (name[:-4], protocol), pickle.dumps(value, protocol)
    yield "zipped.pkl.gz", gzip.compress(pickle.dumps(plain["dict.pkl"]))
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x03tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0K\x03\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    model = b"\x80\x02ccollections\nOrderedDict\n)R(X\x06\0\0\0weight" + tensor + b"u."
    data = struct.pack("<3f", 1, 2, 3)
    yield "model.pt", zipped([("m/data.pkl", model), ("m/data/0", data), ("m/version", b"3\n")])
    try:
        import numpy as np
    except ImportError:
        return
    arrays = {
        "array": np.arange(6.0).reshape(2, 3), "structure": np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
        "scalar": np.float32(1), "dates": np.array(["2020-01-01"], dtype="M8[ns]"),
        "random": np.random.RandomState(1), "masked": np.ma.array([1, 2], mask=[0, 1]), "dtype": np.dtype("f4"),
    }
    for name, value in arrays.items():
        for protocol in (2, 4, 5):
            yield "numpy-%s.%d.pkl" % (name, protocol), pickle.dumps(value, protocol)
    try:
        import joblib
    except ImportError:
        return
    for name, compress in (("raw", 0), ("zlib", ("zlib", 3)), ("gzip", ("gzip", 3))):
        out = io.BytesIO()
        joblib.dump({"x": arrays["array"], "y": [arrays["dates"]]}, out, compress=compress)
        yield "joblib-%s.joblib" % name, out.getvalue()


def main(directory):
    for kind in ("hostile", "harmless"):
        os.makedirs(os.path.join(directory, kind), exist_ok=True)

    def write(kind, name, data):
        with open(os.path.join(directory, kind, name), "wb") as file:
            file.write(data)

    for number, (module, name) in enumerate(pairs()):
        make = stack_call if number % 2 else call
        write("hostile", "name-%s-%s.pkl" % (module, name), make(module, name))
    for name, data in tricks():
        write("hostile", name, data)
    for name, data in harmless():
        write("harmless", name, data)


if __name__ == "__main__":
    main(sys.argv[1])
