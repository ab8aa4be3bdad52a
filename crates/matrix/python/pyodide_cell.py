"""A cell of the matrix in Pyodide, where there is no numpy: reads what other cells wrote with the
loader that needs none, `/run/arrays.py`.

`pyodide_cell.mjs` sets `request_text` to a request in JSON, and takes the answer from `answer_text`.
"""

import json
import os
import sys

import pyodide

sys.path.insert(0, "/run")
import arrays  # noqa: E402

# Longer messages of exceptions are cut: some quote whole headers.
MESSAGE_LIMIT = 300

ARCHIVES = {"npz": "stored.npz", "npz-deflated": "deflated.npz"}

# Formats of memoryviews by the kind of numbers that they are of.
KINDS = {"b": "?", "i": "bhilq", "u": "BHILQ", "f": "efd"}


def message(error):
    """An exception as a person reads it, in one line."""
    text = " ".join(str(error).split())
    if len(text) > MESSAGE_LIMIT:
        text = text[:MESSAGE_LIMIT] + "..."
    return "%s: %s" % (type(error).__name__, text)


class Corpus:
    """The arrays as the request describes them, and as a memoryview has to hold them."""

    def __init__(self, directory):
        with open(directory + "/corpus.json", encoding="utf-8") as file:
            self.cases = json.load(file)
        with open(directory + "/corpus.bin", "rb") as file:
            self.data = file.read()
        self.expected = [self.in_order(case) for case in self.cases]

    def in_order(self, case):
        """The bytes of an array of plain numbers, of this machine's byte order and in C order."""
        data = self.data[case["start"] : case["start"] + case["length"]]
        kind = kind_of(case)
        if kind is None:
            return None
        size, count = case["size"], case["length"] // case["size"]
        if case["descr"][1] == ">":
            data = b"".join(data[at : at + size][::-1] for at in range(0, len(data), size))
        if not case["fortran"]:
            return data
        elements = [data[at * size : (at + 1) * size] for at in range(count)]
        return b"".join(elements[place] for place in fortran_places(case["shape"]))


def kind_of(case):
    """The letter of a type of plain numbers; None of every other type."""
    descr = case["descr"]
    return descr[2] if descr[0] == "'" and descr[2] in KINDS and case["size"] <= 8 else None


def fortran_places(shape):
    """For every element in C order, its place in Fortran order."""
    strides, step = [], 1
    for length in shape:
        strides.append(step)
        step *= length
    places = [0]
    for length, stride in zip(shape, strides):
        places = [place + stride * index for place in places for index in range(length)]
    return places


def difference(case, expected, view):
    """What a view is, other than what it should be; nothing when it is just that."""
    if type(view) is not memoryview:
        return "it is a %s" % type(view).__name__
    # A memoryview cannot have an axis without elements among others.
    shape = case["shape"] if case["length"] else [0]
    if list(view.shape) != shape:
        return "shape is %s, not %s" % (list(view.shape), shape)
    if view.itemsize != case["size"] or view.format not in KINDS[kind_of(case)]:
        return "the format %r is not one of %s" % (view.format, case["descr"])
    got = view.tobytes()
    if got == expected:
        return None
    at = next((at for at, pair in enumerate(zip(got, expected)) if pair[0] != pair[1]), 0)
    return "the bytes differ from byte %d on" % at


class Reading:
    """What becomes of the arrays of one writer in one format."""

    def __init__(self, corpus, writer):
        self.corpus, self.unsupported = corpus, writer["unsupported"]
        self.compared, self.problems, self.refused = [], [], []

    def take(self, number, place, read):
        """Reads one array, and notes how that ended; `place` is what messages begin with."""
        case, expected = self.corpus.cases[number], self.corpus.expected[number]
        try:
            view = read()
        except TypeError as error:
            # Of an archive the loader adds what else could be done, which is nobody's business here.
            inner = error.__cause__ if isinstance(error.__cause__, TypeError) else error
            self.refused.append([number, str(inner).removeprefix(place + ": ")])
            return
        except Exception as error:
            self.compared.append(number)
            self.problems.append([number, "error", message(error)])
            return
        self.compared.append(number)
        # A type that the loader is known not to have, and nothing says what it would be.
        what = "there is a view of it" if expected is None else difference(case, expected, view)
        if what:
            self.problems.append([number, "differs", what])

    def numbers(self):
        return [at for at in range(len(self.corpus.cases)) if str(at) not in self.unsupported]

    def answer(self):
        return {"compared": self.compared, "problems": self.problems, "refused": self.refused}


def read_files(corpus, writer):
    reading = Reading(corpus, writer)
    for number in reading.numbers():
        path = "%s/%03d.npy" % (writer["directory"], number)
        reading.take(number, path, lambda: arrays.load(path))
    return reading.answer()


def read_archive(corpus, writer, name):
    reading = Reading(corpus, writer)
    path = "%s/%s" % (writer["directory"], name)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        reading.compared = reading.numbers()
        reading.problems = [[at, "error", message(error)] for at in reading.compared]
        return reading.answer()
    names = {number: corpus.cases[number]["name"] for number in reading.numbers()}
    plain = [names[at] for at in names if corpus.expected[at] is not None]
    try:
        together = arrays.load(data, only=plain)
    except Exception:
        # One of them is in the way of the others: which one, each tells for itself.
        together = {}
    for number, name in names.items():
        place = "the data: " + name
        if name in together:
            reading.take(number, place, lambda: together[name])
        else:
            reading.take(number, place, lambda: arrays.load(data, only=[name])[name])
    return reading.answer()


def main():
    request = json.loads(request_text)  # noqa: F821
    corpus = Corpus(request["corpus"])
    pairs = {}
    for writer in request["writers"]:
        formats = {}
        for format in request["formats"]:
            if format in ARCHIVES:
                formats[format] = read_archive(corpus, writer, ARCHIVES[format])
            else:
                formats[format] = read_files(corpus, writer)
        pairs[writer["name"]] = {"formats": formats, "pickles": {}}
    return {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "pyodide": pyodide.__version__,
        "remarks": remarks(request),
        "pairs": pairs,
    }


def remarks(request):
    """What happens to `numpy.load` here, which gives a copy of a descriptor to C and closes it."""
    path = request["corpus"] + "/corpus.bin"
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.close(os.dup(descriptor))
        os.read(descriptor, 1)
        os.close(descriptor)
    except OSError as error:
        return [
            "`numpy.load` of an .npy file of this machine would end in OSError (%s), as descriptors of"
            " its files cannot be duplicated; these files are read whole (WSM001)" % error.strerror
        ]
    return []


answer_text = json.dumps(main())
