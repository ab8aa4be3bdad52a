"""Several interpreters of one kind, for calls at the same time."""

from __future__ import annotations

import threading
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Optional, TypeVar

from . import running
from .errors import BridgeError, ClosedError
from .find import AnyPath
from .interpreter import Interpreter, Path, Progress, beside_caller, directories

_Self = TypeVar("_Self", bound="Pool")


class Pool:
    """Up to `size` interpreters of one kind; a call takes a free one, or waits for it.

    All other arguments are those of `Interpreter`. Interpreters start when they are needed.
    """

    def __init__(self, python: Optional[AnyPath] = None, *, size: int = 2, **options: Any) -> None:
        if size < 1:
            raise BridgeError(f"size={size}: a pool has at least one interpreter")
        self._all = [Interpreter(python, **options) for _ in range(size)]
        self._free = list(reversed(self._all))
        self._has_free = threading.Condition()
        self._closed = False

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

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
        """`Interpreter.call` in a free interpreter; `timeout` does not count waiting for one."""
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
        """`Interpreter.acall` in a free interpreter."""
        call = running.Call(function, args, kwargs, timeout, directories(path), beside_caller(2), progress)
        return running.in_thread(self._call, call)

    def map(
        self, function: str, items: Iterable[Any], *, timeout: Optional[float] = None, path: Path = None
    ) -> list[Any]:
        """What the function returns for each of the items, in their order; the first error is raised."""
        where, beside = directories(path), beside_caller(2)
        with ThreadPoolExecutor(len(self._all)) as threads:
            calls = [running.Call(function, (item,), {}, timeout, where, beside, None) for item in items]
            waiting = [threads.submit(self._call, call) for call in calls]
            try:
                return [result.result() for result in waiting]
            except BaseException:
                for result in waiting:
                    result.cancel()
                raise

    def close(self, timeout: float = 5.0) -> None:
        """Ends all of them; calls that run fail."""
        with self._has_free:
            self._closed = True
            self._has_free.notify_all()
        for interpreter in self._all:
            interpreter.close(timeout)

    def _call(self, call: running.Call) -> Any:
        with self._has_free:
            while not self._free and not self._closed:
                self._has_free.wait()
            if self._closed:
                raise ClosedError("the pool was closed; make a new Pool")
            # The one that was used last is warm.
            interpreter = self._free.pop()
        try:
            return interpreter._call(call)
        finally:
            with self._has_free:
                self._free.append(interpreter)
                self._has_free.notify()
