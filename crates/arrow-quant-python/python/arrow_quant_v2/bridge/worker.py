"""What runs in the other interpreter.

That Python is started with this file, by its path and isolated, and has nothing of ours installed. So
this file and its three neighbours, which both sides use, need only Python 3.8 and numpy 1.17, and
import nothing else of this package.
"""

from __future__ import annotations

import errno
import importlib
import os
import select
import signal
import socket
import struct
import sys
import threading
import traceback
import types
from typing import Any, Callable, Dict, List, Tuple

MOST_TEXT = 64 << 10
OLDEST_PYTHON = (3, 8)


def neighbours(*names: str) -> List[Any]:
    """The files beside this one, as a package of their own that is on no path."""
    package = types.ModuleType("_arrow_quant_bridge")
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[package.__name__] = package
    return [importlib.import_module("%s.%s" % (package.__name__, name)) for name in names]


_SAMPLE = os.urandom(32)

_LOADED: List[Any] = neighbours("trees", "segments", "channel")
trees: Any = _LOADED[0]
segments: Any = _LOADED[1]
messages: Any = _LOADED[2]


def end_with_parent(life: Any) -> None:
    """Sees to it that this process and what it started end when the parent does, however it ends.

    Linux does it itself, whatever the interpreter is doing: when the last writer of the pipe is gone,
    its reader's group gets SIGKILL. Elsewhere, and beside it, a thread looks.
    """
    if os.name == "posix":
        if sys.platform == "linux" and os.getpgrp() == os.getpid():
            import fcntl

            try:
                fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
                fcntl.fcntl(life, 10, signal.SIGKILL)  # F_SETSIG
                fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)  # type: ignore[attr-defined,unused-ignore]
            except OSError:
                pass

    def watch() -> None:
        try:
            while not select.select([life], [], [], 10)[0]:
                pass
        except (OSError, ValueError):
            return
        if os.name == "posix" and os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="arrow-quant-bridge-watch", daemon=True).start()


def flush() -> None:
    """Everything that was printed goes out before the answer does."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    if os.name == "posix":
        try:
            import ctypes

            ctypes.CDLL(None).fflush(None)
        except (ImportError, OSError, AttributeError):
            pass


def short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT // 2] + "\n[...]\n" + text[-MOST_TEXT // 2 :]


def failure(kind: str, error: BaseException, **more: Any) -> Dict[str, Any]:
    """What is told of an exception."""
    try:
        message = str(error)
    except Exception as second:
        message = "(its message cannot be made: %s)" % type(second).__name__
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        text = "(its traceback cannot be made)"
    return dict(
        {
            "kind": kind,
            "type": trees.name_of(type(error)),
            "message": short(message),
            "traceback": short(text),
        },
        **more,
    )


def find_function(name: str, first: List[str], last: List[str]) -> Any:
    """The function of `module:function`; returns what is told where there is none."""
    module_name, _, attribute = name.partition(":")
    for directory in reversed(first):
        if directory in sys.path:
            sys.path.remove(directory)
        sys.path.insert(0, directory)
    sys.path.extend(directory for directory in last if directory not in sys.path)
    importlib.invalidate_caches()
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        is_wanted = bool(error.name) and (module_name + ".").startswith(str(error.name) + ".")
        return failure("module", error, missing=error.name, wanted=is_wanted, searched=list(sys.path))
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = sorted(item for item in dir(found) if not item.startswith("_"))[:200]
            return {
                "kind": "function",
                "missing": part,
                "file": getattr(sys.modules[module_name], "__file__", None),
                "names": names,
            }
        found = getattr(found, part)
    if not callable(found):
        return {
            "kind": "function",
            "missing": attribute,
            "file": None,
            "names": [],
            "type": trees.name_of(type(found)),
        }
    return found


def takes_progress(function: Any) -> bool:
    import inspect

    try:
        return "progress" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def run_call(channel: Any, np: Any, request: Dict[str, Any], wide: bool) -> None:
    """Calls the function and sends what came of it, exactly one message besides progress."""

    def tell(*values: Any) -> None:
        told = trees.Written(np, wide)
        tree = told.node(list(values), ("progress",))
        channel.send(messages.PROGRESS, tree, told)

    written = trees.Written(np, wide)
    outcome: Any = None
    try:
        found = find_function(request["function"], request["first"], request["last"])
        if isinstance(found, dict):
            outcome = found
        else:
            arguments, keywords, wants = request["args"], request["kwargs"], request["progress"]
            if wants and takes_progress(found):
                keywords["progress"] = tell
            # Nothing but the function holds what was sent, so it can give back memory as it goes.
            request.clear()
            result = found(*arguments, **keywords)
            del arguments, keywords
            if wants and isinstance(result, types.GeneratorType):
                result = drain(result, tell)
            tree = written.node(result, ("result",))
            flush()
            channel.send(messages.RESULT, tree, written)
    except trees.Refused as error:
        outcome = {"kind": "refused", "where": error.where, "what": error.what, "cure": error.cure}
    except (messages.Gone, trees.Garbage):
        raise
    except MemoryError as error:
        outcome = failure("memory", error)
    except BaseException as error:
        has_no_room = isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.ENOSPC)
        # Where there are buffers, it was sending that failed, and not the function.
        outcome = failure("memory" if has_no_room and written.buffers else "exception", error)
    if outcome is not None:
        written.buffers.clear()
        flush()
        told = trees.Written(np, wide)
        channel.send(messages.FAILED, told.node(outcome, ("failure",)), told)


def drain(steps: Any, tell: Callable[..., None]) -> Any:
    """Tells of what a generator yields, and gives what it returns."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        tell(step)


def hello(np: Any) -> Dict[str, Any]:
    """What the other side must know of this one."""
    wide = np.finfo(np.longdouble)
    return {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "prefix": sys.prefix,
        "numpy": str(np.__version__),
        "numpy_file": str(np.__file__),
        # Where the parent tries whether it can read the memory of this process.
        "process": os.getpid(),
        "sample": _SAMPLE.hex(),
        "address": messages.address_of(np, _SAMPLE),
        "wide_reals": [sys.byteorder, int(np.dtype(np.longdouble).itemsize), int(wide.nmant)],
    }


def links() -> Tuple[socket.socket, Any]:
    """The two descriptors that the parent gave: one to speak on, one whose end is the parent's."""
    if os.name == "nt":
        source = sys.stdin.buffer
        first, second = (socket.fromshare(source.read(struct.unpack("<I", source.read(4))[0])) for _ in "12")  # type: ignore[attr-defined,unused-ignore]
        return first, second
    link, life = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(link, False)
    os.set_inheritable(life, False)
    return socket.socket(fileno=link), life


def main() -> int:
    """Answers calls until it is told to end."""
    link, life = links()
    most = int(sys.argv[3])
    sys.argv[:] = [""]
    end_with_parent(life)
    channel = messages.Channel(link, "pipe", None, most)
    if hasattr(os, "register_at_fork"):
        # Processes that the function forks have nothing to say here.
        os.register_at_fork(after_in_child=link.close)
    if os.name == "nt":
        sys.stdin = open(os.devnull)
    outcome: Any = None
    version = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info < OLDEST_PYTHON:
        channel.send(messages.FAILED, ["d", ["kind", "python", "python", version]], trees.Written(None))
        return 1
    try:
        import numpy as np
        from numpy import ndarray as _  # A directory called numpy is no numpy.

        greeting = hello(np)
        told = trees.Written(np)
        channel.send(messages.HELLO, told.node(greeting, ("hello",)), told)
    except messages.Gone:
        return 1
    except BaseException as error:
        outcome = failure("numpy", error, missing=getattr(error, "name", None), prefix=sys.prefix)
    if outcome is not None:
        channel.send(messages.FAILED, trees.Written(None).node(outcome, ("failure",)), trees.Written(None))
        return 1
    try:
        while True:
            kind, request = channel.receive(np)
            if kind == messages.BYE:
                return 0
            if kind != messages.CALL:
                raise trees.Garbage("a message of kind %d" % kind)
            wide, channel.transport = bool(request["wide"]), request["transport"]
            run_call(channel, np, request, wide)
            del request
    except (messages.Gone, trees.Garbage):
        if os.name == "posix" and os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
