"""Another interpreter as an object: calls into it, one after the other."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Optional, TypeVar, Union

import numpy as np

from . import running
from .channel import CALL, FAILED, PROGRESS, RESULT, TRANSPORTS, Gone, Late
from .child import Child, Output
from .errors import (
    BridgeError,
    CallTimeoutError,
    ClosedError,
    CrossingError,
    FunctionMissingError,
    ModuleMissingError,
    OutOfMemoryError,
    ProtocolError,
    RemoteError,
)
from .find import AnyPath, find
from .trees import Garbage, Refused, Written

Progress = Callable[..., object]
Path = Union[None, AnyPath, Sequence[AnyPath]]
_Self = TypeVar("_Self", bound="Interpreter")


class Interpreter:
    """Another Python, in which functions are called as if they were here.

    Say which one by exactly one of a path, `conda=` (a name or a prefix), `venv=` (a directory) and
    `version=` (such as "3.12"). It may be any Python from 3.8 with numpy from 1.17, and needs nothing
    else but what the called functions need. It starts at the first call, or on entering `with`, and
    stays: a warm call costs less than a millisecond. If it dies, the next call starts a new one.

    It runs isolated (`-I`): without this environment's PYTHONPATH, LD_LIBRARY_PATH and the like,
    without the user's site-packages, in the same directory (`cwd=` for another). `env=` adds
    variables. `path=` names directories in which its modules are looked for first.

    What it prints goes to this process's standard error (`output="stderr"`), nowhere
    (`"capture"`), or to `output(stream, data)`; the end of it is kept: see `printed`, and errors.

    Dicts (keys of str and int), lists, tuples, arrays, numpy's single values, str, bytes, bytearray,
    None, bool, int, float and complex cross, both ways, without pickle and with their exact bits and
    types; anything else is refused by name before it is sent. Arrays arrive writable; large ones are
    memory that the other interpreter wrote and can no longer change.

    One call runs at a time; others wait. `Pool` runs several.
    """

    def __init__(
        self,
        python: Optional[AnyPath] = None,
        *,
        conda: Optional[AnyPath] = None,
        venv: Optional[AnyPath] = None,
        version: Optional[str] = None,
        path: Path = None,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[AnyPath] = None,
        output: Output = "stderr",
        timeout: Optional[float] = None,
        start_timeout: float = 60.0,
        transport: str = "auto",
    ) -> None:
        if transport != "auto" and transport not in TRANSPORTS:
            raise BridgeError(f"transport={transport!r}: there are auto, {', '.join(TRANSPORTS)}")
        if not callable(output) and output not in ("stderr", "capture"):
            raise BridgeError(
                f"output={output!r}: there are 'stderr', 'capture' and a function of stream and data"
            )
        self._found = find(python, conda, venv, version)
        self._path = directories(path)
        self._env = dict(env or {})
        self._cwd = None if cwd is None else os.fspath(cwd)
        self._output: Output = output
        self._timeout, self._start_timeout = timeout, start_timeout
        self._transport = transport
        self._child: Optional[Child] = None
        self._closed = False
        self._new_locks()

    def _new_locks(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._thread: Optional[int] = None

    @property
    def executable(self) -> str:
        """The path of the interpreter."""
        return str(self._found.executable)

    @property
    def pid(self) -> Optional[int]:
        """The number of its process, if it runs."""
        child = self._child
        return (
            child.process.pid
            if child is not None and child.owner == os.getpid() and child.is_alive()
            else None
        )

    @property
    def printed(self) -> str:
        """The end of what it printed, both streams, at most 64 KiB."""
        child = self._child
        return "" if child is None or child.owner != os.getpid() else child.printed.text()

    def __enter__(self: _Self) -> _Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"process {self.pid}" if self.pid else "not started"
        return f"<Interpreter {self.executable}, {state}>"

    def start(self) -> dict[str, Any]:
        """Starts it unless it runs, and says what it is: its Python, numpy, prefix and executable."""
        with self._turn():
            return {
                key: value
                for key, value in self._running().hello.items()
                if key in ("python", "numpy", "numpy_file", "prefix", "executable")
            }

    def close(self, timeout: float = 5.0) -> None:
        """Ends it: lets it end by itself within so many seconds, and kills what is left then."""
        self._closed = True
        child = self._child
        if child is None or child.owner != os.getpid():
            return
        if self._lock.acquire(timeout=0):
            try:
                child.close(timeout)
            finally:
                self._lock.release()
        else:
            child.kill()  # It is in a call, which fails.

    def kill(self) -> None:
        """Kills it with everything that it started; a call that runs fails, and the next one starts anew."""
        child = self._child
        if child is not None:
            child.kill()

    def call(
        self,
        function: str,
        /,
        *args: Any,
        timeout: Optional[float] = None,
        path: Path = None,
        progress: Optional[Progress] = None,
        **kwargs: Any,
    ) -> Any:
        """Calls `module:function` there, and returns what it returns.

        The module is looked for in the directories of `path`, among the modules of that interpreter,
        and last in the directory of the file that calls. `timeout` seconds after the call has begun,
        the interpreter and everything that it started are killed. With `progress`, a function with a parameter of that
        name is given a function that calls yours with what it is called with; of a generator, your
        function is called with every value that it yields, and its return value is the result.
        """
        return self._call(
            running.Call(function, args, kwargs, timeout, directories(path), beside_caller(2), progress)
        )

    def acall(
        self,
        function: str,
        /,
        *args: Any,
        timeout: Optional[float] = None,
        path: Path = None,
        progress: Optional[Progress] = None,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, Any]:
        """`call` for asyncio: await it. Cancelling it kills the interpreter if the call has begun.

        `progress` is called in the loop's thread.
        """
        call = running.Call(function, args, kwargs, timeout, directories(path), beside_caller(2), progress)
        return running.in_thread(self._call, call)

    def _turn(self) -> running.Turn:
        if self._owner != os.getpid():
            # A fork has neither the child nor whoever held the lock.
            self._child = None
            self._new_locks()
        if self._thread == threading.get_ident():
            raise ClosedError(
                "this interpreter is in a call, and its progress callback cannot call it again; use another Interpreter"
            )
        return running.Turn(self, self._lock)

    def _running(self) -> Child:
        if self._closed:
            raise ClosedError(f"the interpreter {self.executable} was closed; make a new Interpreter")
        child = self._child
        if child is not None and not child.was_killed and child.is_alive():
            return child
        if child is not None:
            child.kill()
        self._child = Child(
            self._found,
            output=self._output,
            transport=self._transport,
            env=self._env,
            cwd=self._cwd,
            timeout=self._start_timeout,
        )
        return self._child

    def _call(self, call: running.Call) -> Any:
        module, separator, attribute = call.function.partition(":")
        if not (module and separator and attribute):
            raise BridgeError(
                f"{call.function!r} names no function: write 'module:function', such as 'spz_helper:load'"
            )
        with self._turn():
            if not call.begin(self.kill):
                raise ClosedError("the call was cancelled")
            try:
                child = self._running()
                if call.is_cancelled:
                    raise ClosedError("the call was cancelled")
                return self._answer(call, child)
            finally:
                call.end()

    def _answer(self, call: running.Call, child: Child) -> Any:
        seconds = self._timeout if call.timeout is None else call.timeout
        deadline = None if seconds is None else time.monotonic() + seconds
        is_whole = False
        try:
            written = Written(np, child.wide_reals)
            request = {
                "function": call.function,
                "args": tuple(call.args),
                "kwargs": call.kwargs,
                "first": [*call.path, *self._path],
                "last": call.beside,
                "progress": call.progress is not None,
                "wide": child.wide_reals,
                "transport": child.channel.transport,
            }
            try:
                tree = written.node(request, ("request",))
                child.channel.send(CALL, tree, written, deadline)
            except Refused as error:
                is_whole = True
                raise refused(
                    error,
                    f"an argument of {call.function}",
                    error.where.replace('request["args"]', "args").replace('request["kwargs"]', "kwargs"),
                ) from None
            except (MemoryError, OSError) as error:
                raise OutOfMemoryError(
                    f"the arguments of {call.function} cannot be sent: {error}; send less at once, or make room in memory"
                ) from error
            written.buffers.clear()
            while True:
                kind, said = child.channel.receive(np, deadline)
                if kind != PROGRESS or call.progress is None:
                    break
                call.progress(*said)
            is_whole = True
        except Late:
            raise child.say(
                CallTimeoutError,
                f"{call.function} in {child.name} took longer than {seconds:g} s, and was killed with everything that it started; give timeout= more, or see below what it printed",
            ) from None
        except Gone:
            if child.was_killed:
                raise ClosedError(
                    f"{call.function} in {child.name} was ended by close(), kill() or a cancelled call"
                ) from None
            raise child.died(f"{call.function} ran") from None
        except Garbage as error:
            raise child.say(
                ProtocolError,
                f"{child.name} sent what is no message of the bridge: {error}; see that {call.function} does not write to descriptors that it did not open",
            ) from None
        except MemoryError as error:
            raise OutOfMemoryError(
                f"there is no memory for what {call.function} returned; return less at once"
            ) from error
        finally:
            # Whatever is still on its way would be taken for the answer of the next call.
            if not is_whole:
                child.kill()
        if kind == RESULT:
            return said
        if kind == FAILED and isinstance(said, dict):
            raise failed(call.function, child, said)
        child.kill()
        raise child.say(
            ProtocolError,
            f"{child.name} answered with a message of kind {kind}; see that both sides have the same arrow_quant_v2",
        )


def directories(path: Path) -> list[str]:
    """Absolute paths, since the other interpreter may be in another directory."""
    if path is None:
        return []
    if isinstance(path, (str, os.PathLike)):
        path = [path]
    found = [os.path.abspath(os.path.expanduser(os.fspath(item))) for item in path]
    for item in found:
        if not os.path.isdir(item):
            raise BridgeError(f"path={item!r} is no directory; name the one that the module lies in")
    return found


def beside_caller(depth: int) -> list[str]:
    """The directory of the file that calls; of the program, where the caller is of Python itself, as for
    the target of a thread; none where packages of this interpreter are there as well."""
    main = sys.modules.get("__main__")
    for file in (sys._getframe(depth).f_globals.get("__file__"), getattr(main, "__file__", None)):
        if not isinstance(file, str):
            return [os.getcwd()]
        directory = os.path.dirname(os.path.abspath(file))
        is_pythons_own = directory.startswith(os.path.dirname(os.path.abspath(threading.__file__)))
        if not is_pythons_own and "site-packages" not in directory and "dist-packages" not in directory:
            return [directory]
    return []


def refused(error: Refused, whose: str, where: str) -> CrossingError:
    raised = CrossingError(f"{whose} cannot cross: {where} is {error.what}; {error.cure}")
    raised.where = where
    return raised


def failed(function: str, child: Child, said: dict[str, Any]) -> BridgeError:
    """The error for what the other side tells of."""
    kind, name = said.get("kind"), child.name
    if kind == "refused":
        there = Refused(str(said["where"]), str(said["what"]), str(said["cure"]))
        return child.told(refused(there, f"what {function} returned", there.where))
    if kind == "module":
        missing = str(said["missing"])
        searched = "".join(f"\n    {directory}" for directory in said["searched"])
        if said["wanted"]:
            message = f"{name} finds no module {missing!r}; give its directory as path=, or install it there: {name} -m pip install {missing.split('.')[0]}\n  it looked in:{searched}"
        else:
            message = f"{function.partition(':')[0]} needs the module {missing!r}, which {name} does not find; install it there: {name} -m pip install {missing.split('.')[0]}\n{said['traceback']}"
        error = child.told(ModuleMissingError(message))
        error.name = missing  # type: ignore[attr-defined]
        return error
    if kind == "function":
        if said.get("type"):
            return child.told(
                FunctionMissingError(
                    f"{function} is no function but a {said['type']}; name one that can be called"
                )
            )
        names = ", ".join(said["names"]) or "nothing"
        return child.told(
            FunctionMissingError(
                f"{function}: there is no {said['missing']!r} in {said['file']}, which has {names}; see that it is the module that you mean: another one of that name may be installed"
            )
        )
    text = f"{said.get('type')}: {said.get('message')}"
    if kind == "memory":
        return child.told(
            OutOfMemoryError(
                f"{name} has not enough memory for {function}: {text}; send and return less at once, or raise the limits of memory\n{said.get('traceback')}"
            )
        )
    raised = RemoteError(
        f"{function} raised {text}\n  in {name}; mend it there, its traceback says where:\n{said.get('traceback')}"
    )
    raised.type_name, raised.text, raised.traceback = (
        str(said.get("type")),
        str(said.get("message")),
        str(said.get("traceback")),
    )
    return child.told(raised)


def call(
    python: AnyPath,
    function: str,
    /,
    *args: Any,
    timeout: Optional[float] = None,
    path: Path = None,
    progress: Optional[Progress] = None,
    **kwargs: Any,
) -> Any:
    """Calls `module:function` in an interpreter that is started for it and ended afterwards.

    Arguments and errors are those of `Interpreter.call`; `timeout` counts the start as well.
    """
    begun = time.monotonic()
    with Interpreter(python, start_timeout=60.0 if timeout is None else timeout) as other:
        left = None if timeout is None else max(0.0, timeout - (time.monotonic() - begun))
        return other._call(
            running.Call(function, args, kwargs, left, directories(path), beside_caller(2), progress)
        )
