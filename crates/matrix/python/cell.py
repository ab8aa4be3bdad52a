"""One cell of the matrix: writes the corpus with its numpy, or reads what other cells wrote. A cell
with a wheel does so with the program that the project has for it.

Called with the path of a request in JSON; answers in a JSON file that the request names. Standard
output is nobody's, so it may be printed to by whatever numpy drags in. Runs on Python 3.6 and later
with numpy 1.17 and later.
"""

import ast
import errno
import importlib
import importlib.util
import json
import os
import pickle
import re
import shutil
import site
import sys
import threading
import warnings

# How this process ends when it cannot import what it needs.
CANNOT_IMPORT = 78
CANNOT_IMPORT_PROGRAM = 79

# Longer messages of exceptions are cut: some quote whole headers.
MESSAGE_LIMIT = 300


def watch_the_leash():
    """Ends this process when the one that started it is gone: its standard input ends then."""

    def watch():
        while os.read(0, 1024):
            pass
        os._exit(70)

    threading.Thread(target=watch, daemon=True).start()


def message(error):
    """An exception or a warning as a person reads it, in one line."""
    text = " ".join(str(error).split())
    # Where a module lies is another place in every cell, and nobody's business in a report.
    text = re.sub(r"(<module '[^']*') from '[^']*'>", r"\1>", text)
    if len(text) > MESSAGE_LIMIT:
        text = text[:MESSAGE_LIMIT] + "..."
    return "%s: %s" % (type(error).__name__, text)


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    """Writes beside and renames, so that nobody reads half of it."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.replace(path + ".part", path)


class Corpus:
    """The arrays, as the request describes them and as numpy holds them."""

    def __init__(self, directory):
        self.cases = read_json(os.path.join(directory, "corpus.json"))
        with open(os.path.join(directory, "corpus.bin"), "rb") as file:
            self.data = file.read()

    def bytes_of(self, case):
        return self.data[case["start"] : case["start"] + case["length"]]

    def array(self, case):
        """The array as it lies in the memory of a program that made it."""
        dtype = np.lib.format.descr_to_dtype(ast.literal_eval(case["descr"]))
        order = "F" if case["fortran"] else "C"
        flat = np.empty(case["length"] // dtype.itemsize, dtype)
        if case["length"]:
            flat = np.frombuffer(self.bytes_of(case), dtype)
        array = flat.reshape(case["shape"], order=order)
        origin = case["origin"]
        if origin == "strided":
            larger = np.zeros((array.shape[0] * 2,) + array.shape[1:], dtype)
            larger[::2] = array
            return larger[::2]
        if origin == "reversed":
            return array[::-1].copy()[::-1]
        if origin == "metadata":
            return array.view(np.dtype(dtype, metadata={"unit": "m"}))
        return array


def unsupported(case):
    """Why this machine cannot hold a case, or nothing."""
    if case["origin"] == "long-double" and np.dtype(np.longdouble).itemsize != 16:
        return "a long double has %d bytes here" % np.dtype(np.longdouble).itemsize
    return None


def differences(case, data, array):
    """What an array is, other than what it should be; nothing when it is just that."""
    if type(array) is not np.ndarray:
        return "it is a %s" % type(array).__name__
    found = [
        ("dtype", repr(np.lib.format.dtype_to_descr(array.dtype)), case["descr"]),
        ("shape", list(array.shape), case["shape"]),
        ("metadata", array.dtype.metadata, None),
    ]
    if case["length"]:
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        found.append(("Fortran order", bool(fortran), case["fortran"]))
    for name, got, wanted in found:
        if got != wanted:
            return "%s is %s, not %s" % (name, got, wanted)
    got = array.tobytes("F" if case["fortran"] else "C")
    if got == data:
        return None
    # What lies between the fields of a record means nothing, and numpy does not always keep it.
    means_nothing = set(case["padding"])
    for at in range(len(data)):
        if got[at] != data[at] and at % case["size"] not in means_nothing:
            return "the bytes differ from byte %d on" % at
    return None


def npy_name(number):
    return "%03d.npy" % number


ARCHIVES = {"npz": ("stored.npz", "savez"), "npz-deflated": ("deflated.npz", "savez_compressed")}


def write(request):
    corpus, own = Corpus(request["corpus"]), request["own"]
    unsupported_cases, arrays = {}, {}
    for number, case in enumerate(corpus.cases):
        reason = unsupported(case)
        if reason:
            unsupported_cases[str(number)] = reason
            continue
        arrays[case["name"]] = array = corpus.array(case)
        if "npy" in request["formats"]:
            np.save(os.path.join(own, npy_name(number)), array, allow_pickle=False)
    for format in request["formats"]:
        if format in ARCHIVES:
            name, function = ARCHIVES[format]
            getattr(np, function)(os.path.join(own, name), **arrays)
    answer = describe_self()
    answer["unsupported"] = unsupported_cases
    answer["pickles"] = write_pickles(own, request["objects"], request["protocols"])
    return answer


def describe_self():
    return {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "numpy": np.__version__,
        "numpy_directory": os.path.dirname(np.__file__),
        "executable": sys.executable,
    }


def read(request):
    corpus = Corpus(request["corpus"])
    pairs = {}
    for writer in request["writers"]:
        formats = {}
        for format in request["formats"]:
            formats[format] = read_format(corpus, writer, format)
        pairs[writer["name"]] = {"formats": formats, "pickles": read_pickles(writer)}
    answer = describe_self()
    answer["pairs"] = pairs
    return answer


def read_format(corpus, writer, format):
    """Case numbers that were compared, and what was wrong with some of them."""
    compared, problems, archive, damage = [], [], None, None
    if format in ARCHIVES:
        path = os.path.join(writer["directory"], ARCHIVES[format][0])
        try:
            archive = np.load(path, allow_pickle=False)
        except Exception as error:
            damage = error
    for number, case in enumerate(corpus.cases):
        if str(number) in writer["unsupported"] or unsupported(case):
            continue
        compared.append(number)
        try:
            if damage:
                raise damage
            if archive is None:
                path = os.path.join(writer["directory"], npy_name(number))
                array = np.load(path, allow_pickle=False)
            else:
                array = archive[case["name"]]
            differing = differences(case, corpus.bytes_of(case), array)
        except Exception as error:
            problems.append([number, "error", message(error)])
            continue
        if differing:
            problems.append([number, "differs", differing])
    if archive is not None:
        archive.close()
    return {"compared": compared, "problems": problems}


def pickle_name(name, protocol):
    return "%s.p%d.pkl" % (name, protocol)


def write_pickles(own, objects, protocols):
    """By object: what it is, and for which protocols there is no pickle of it and why."""
    written = {}
    for item in objects:
        entry = written[item["name"]] = {"description": None, "missing": {}}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # An expression of the table of rules, which is part of the program.
                made = eval(item["python"], {"np": np})
                entry["description"] = describe(made)
        except AttributeError as error:
            reason = "numpy %s has none: %s" % (np.__version__, message(error))
            entry["missing"] = {str(protocol): reason for protocol in protocols}
            continue
        for protocol in protocols:
            if protocol > pickle.HIGHEST_PROTOCOL:
                entry["missing"][str(protocol)] = "this Python has no protocol %d" % protocol
                continue
            with open(os.path.join(own, pickle_name(item["name"], protocol)), "wb") as file:
                pickle.dump(made, file, protocol=protocol)
    return written


def read_pickles(writer):
    """By object and protocol: how loading it ended."""
    outcomes = {}
    for name, entry in writer["pickles"].items():
        outcomes[name] = {}
        for protocol in writer["protocols"]:
            missing = entry["missing"].get(str(protocol))
            if missing is not None:
                outcome = {"outcome": "not-written", "reason": missing}
            else:
                path = os.path.join(writer["directory"], pickle_name(name, protocol))
                outcome = load_pickle(path, entry["description"])
            outcomes[name][str(protocol)] = outcome
    return outcomes


def load_pickle(path, description):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with open(path, "rb") as file:
                loaded = pickle.load(file)
        except Exception as error:
            return {"outcome": "fails", "message": message(error)}
        warned = list(caught)
        differing = alteration(loaded, description)
    if differing:
        return {"outcome": "differs", "message": differing}
    if warned:
        return {"outcome": "warns", "message": message(warned[0].message)}
    return {"outcome": "loads"}


def alteration(loaded, description):
    """What is other than it was when it was pickled; nothing when all is the same."""
    for name, read in properties(loaded):
        try:
            found = read()
        except Exception as error:
            return "its %s cannot be read: %s" % (name, message(error))
        wanted = dict(description).get(name)
        if found != wanted:
            limits = (name, found[:MESSAGE_LIMIT], str(wanted)[:MESSAGE_LIMIT])
            return "%s is %s, not %s" % limits
    return None


def describe(value):
    """What an object is and holds: names and texts, the same under every numpy."""
    return [(name, read()) for name, read in properties(value)]


def properties(value):
    """The names of what an object is and holds, each with a function that gives it as text."""
    # The class of a dtype has another name in every other numpy.
    kind = "dtype" if isinstance(value, np.dtype) else type(value).__name__
    found = [("type", lambda: kind)]
    if isinstance(value, (np.ndarray, np.dtype)):
        dtype = value if isinstance(value, np.dtype) else value.dtype
        found += [
            ("metadata", lambda: str(dict(dtype.metadata or {}))),
            ("dtype", lambda: repr(np.lib.format.dtype_to_descr(dtype))),
            ("aligned", lambda: str(dtype.isalignedstruct)),
        ]
    if isinstance(value, np.ma.MaskedArray):
        found += [("mask", lambda: np.ma.getmaskarray(value).tobytes().hex())]
    if isinstance(value, np.ndarray):
        data = np.asarray(value)
        is_plain = data.dtype.kind in "biufcmMSUV" and not data.dtype.hasobject
        found += [
            ("shape", lambda: str(value.shape)),
            ("data", lambda: data.tobytes().hex() if is_plain else repr(data.tolist())),
        ]
    elif isinstance(value, np.generic):
        found += [("data", lambda: value.tobytes().hex())]
    elif isinstance(value, (type, np.ufunc)):
        found += [("name", lambda: value.__name__)]
    elif isinstance(value, np.poly1d):
        found += [("coefficients", lambda: repr(value.coeffs.tolist()))]
    elif isinstance(value, np.random.RandomState):
        found += [("state", lambda: repr(plain(value.get_state(legacy=False))))]
    elif hasattr(value, "bit_generator"):
        found += [("state", lambda: repr(plain(value.bit_generator.state)))]
    elif hasattr(value, "random_raw"):
        found += [("state", lambda: repr(plain(value.state)))]
    elif not isinstance(value, np.dtype):
        raise TypeError("nobody knows how to compare a %s" % type(value).__name__)
    return found


def plain(state):
    """The state of a random generator as text: keys sorted, arrays as lists."""
    if isinstance(state, dict):
        return {key: plain(state[key]) for key in sorted(state)}
    return state.tolist() if isinstance(state, np.ndarray) else state


class Program:
    """The project's program, with the functions `write` and `read`."""

    def __init__(self, request):
        self.own = request["own"]
        exchange = request["exchange"]
        self.doing("it was importing the program")
        site.addsitedir(exchange["site"])
        name = os.path.splitext(os.path.basename(exchange["program"]))[0]
        spec = importlib.util.spec_from_file_location(name, exchange["program"])
        self.module = importlib.util.module_from_spec(spec)
        # Whatever looks for the module of a class or function finds it here.
        sys.modules[name] = self.module
        spec.loader.exec_module(self.module)
        self.write_arrays, self.read_arrays = self.module.write, self.module.read

    def doing(self, what):
        """Notes what is being done, for when it is the last thing that this process does."""
        with open(os.path.join(self.own, "doing.txt"), "w", encoding="utf-8") as file:
            file.write(what)

    def write(self):
        self.doing("`write` of the program was running")
        path = os.path.join(self.own, "arrays.npz")
        np.savez(path, **checked("write", self.write_arrays()))
        self.read(path, "own.npz", "its own arrays")
        answer = describe_self()
        answer.update(unsupported={}, pickles={})
        answer["writes_differ"] = bool(getattr(self.module, "WRITES_DIFFER", False))
        return answer

    def read_all(self, writers):
        for writer in writers:
            directory = writer["directory"]
            target = "of-%s.npz" % os.path.basename(directory)
            source = os.path.join(directory, "arrays.npz")
            self.read(source, target, "the arrays of %s" % writer["name"])
        answer = describe_self()
        answer["pairs"] = {}
        return answer

    def read(self, source, target, what):
        """Keeps what the program makes of a file, or why it makes nothing of it."""
        self.doing("`read` of the program had %s" % what)
        target = os.path.join(self.own, target)
        try:
            with np.load(source, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            results = checked("read", self.read_arrays(arrays))
        # A panic of Rust is no Exception, and this process goes on after it.
        except BaseException as error:
            with open(target + ".error", "w", encoding="utf-8") as file:
                file.write(message(error))
            return
        np.savez(target, **results)


def checked(function, arrays):
    """What a function of the program gave, if it is arrays that a file can hold without pickles."""
    if not isinstance(arrays, dict) or not arrays:
        raise TypeError("`%s` gives no dict of arrays by their names" % function)
    for name, array in arrays.items():
        if not isinstance(name, str) or not isinstance(array, np.ndarray):
            raise TypeError("`%s` gives %r, which is no array with a name" % (function, name))
        if array.dtype.hasobject:
            raise TypeError("`%s` gives %r, an array of objects" % (function, name))
    return arrays


def program_of(request):
    """The project's program, if this cell has a wheel for it."""
    if not request["exchange"]:
        return None
    try:
        return Program(request)
    except BaseException as error:
        name = os.path.basename(request["exchange"]["program"])
        print("%s cannot be imported: %s" % (name, message(error)), file=sys.stderr)
        sys.exit(CANNOT_IMPORT_PROGRAM)


def import_all(names):
    """Imports numpy and what else must be there, or ends in the way that is agreed on."""
    global np
    try:
        for name in ["numpy"] + names:
            importlib.import_module(name)
    except Exception as error:
        print("%s cannot be imported: %s" % (name, message(error)), file=sys.stderr)
        sys.exit(CANNOT_IMPORT)
    np = sys.modules["numpy"]


def explain(error, directory):
    """numpy says how many bytes it could not write, and not why."""
    if error.errno is None and shutil.disk_usage(directory).free < 1 << 20:
        error.args = ("%s: %s" % (os.strerror(errno.ENOSPC), error),)


def main():
    request = read_json(sys.argv[1])
    if request["leashed"]:
        watch_the_leash()
    warnings.simplefilter("ignore")
    import_all(request["imports"])
    program = program_of(request)
    try:
        if program is None:
            answer = {"write": write, "read": read}[request["role"]](request)
        elif request["role"] == "write":
            answer = program.write()
        else:
            answer = program.read_all(request["writers"])
        write_json(request["answer"], answer)
    except OSError as error:
        explain(error, request["own"])
        raise


if __name__ == "__main__":
    main()
