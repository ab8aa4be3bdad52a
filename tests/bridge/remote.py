"""Functions that the tests call in the other interpreter; nothing of ours is imported here."""

import os
import sys
import time

import numpy as np

STATE = {}


def echo(value):
    return value


def several(*args, **kwargs):
    return [args, kwargs]


def about(array):
    """What an array is there."""
    return [
        array.dtype.str if array.dtype.names is None else "struct",
        array.shape,
        bool(array.flags.f_contiguous),
        bool(array.flags.writeable),
        array.tobytes("A"),
    ]


def kinds(value):
    """The types of a tree, as text."""
    if isinstance(value, dict):
        return {key: kinds(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [kinds(item) for item in value]
    return type(value).__name__


def make(count, factor=1.0):
    return {"numbers": np.arange(count, dtype="f4") * np.float32(factor), "count": count}


def objects():
    return {"a": [1, 2, 3, np.array([{}, None], dtype=object)]}


def path_object():
    import pathlib

    return [pathlib.Path("x")]


def strings():
    return {"x": np.array(["a"], dtype=np.dtypes.StringDType())}


def fails(message):
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(message) from error


def needs_missing():
    import package_that_nobody_has  # noqa: F401


def takes_memory():
    return np.zeros(1 << 50, np.uint8)


def leaves(code):
    sys.exit(code)


def dies(number):
    os.kill(os.getpid(), number)
    time.sleep(60)


def ends(code):
    os._exit(code)


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


def holds_the_interpreter(seconds):
    """Keeps every other thread of Python from running: what watches must not be one."""
    import ctypes

    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def starts_and_sleeps(file):
    """A grandchild, whose number is told, and no end."""
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(file, "w") as stream:
        stream.write(str(child.pid))
    time.sleep(600)


def counts(number, progress=None):
    for step in range(number):
        if progress is not None:
            progress(step, np.full(3, step))
    return number


def yields(number):
    for step in range(number):
        yield {"step": step}
    return "done"


def loud_progress(progress):
    progress(np.arange(100000, dtype="f8"))
    return progress.__name__


def writes_garbage():
    """Writes to every descriptor that is a socket."""
    import stat

    for file in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(file).st_mode):
                os.write(file, b"Loading model...\n" * 10)
        except OSError:
            continue


def closes_everything():
    os.closerange(3, 256)


def noisy():
    """Prints in every way there is."""
    import atexit
    import ctypes
    import subprocess
    import threading

    print("from print")
    print("from print to stderr", file=sys.stderr)
    libc = ctypes.CDLL(None)
    libc.puts(b"from puts")
    os.write(1, b"from os.write 1\n")
    os.write(2, b"from os.write 2\n")
    subprocess.check_call([sys.executable, "-c", "print('from a grandchild')"])
    subprocess.check_call(["sh", "-c", "echo from a shell"])
    number = os.fork()
    if number == 0:
        os.write(1, b"from a fork\n")
        os._exit(0)
    os.waitpid(number, 0)
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    sys.stdout.write("no newline")
    atexit.register(print, "from atexit")
    return np.arange(100000)


def prints_much(lines):
    for number in range(lines):
        print("line", number)
    return lines


def forks():
    """A fork that lives on, and holds every descriptor that forks hold."""
    number = os.fork()
    if number == 0:
        time.sleep(30)
        os._exit(0)
    return number


def returns_in_fork():
    """A fork that forgets to end, and goes on as if it were the child."""
    return os.fork()


def variables():
    return dict(os.environ)


def where():
    return [sys.executable, os.getcwd(), sys.flags.isolated, list(sys.path)]


def pid():
    return os.getpid()


def remembers(value):
    STATE.setdefault("first", value)
    return STATE["first"]


def threads():
    import threading

    return threading.active_count()


class Thing:
    """Something that is reached through a class."""

    @staticmethod
    def double(value):
        return value * 2


a_number = 3
