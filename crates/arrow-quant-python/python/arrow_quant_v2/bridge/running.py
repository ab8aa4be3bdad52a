"""A call that runs: who waits for it, in which thread, and how it is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Optional, Protocol


@dataclass
class Call:
    """What is called, and whether it has begun or was cancelled."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    timeout: Optional[float]
    path: list[str]
    beside: list[str]
    progress: Optional[Callable[..., object]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kill: Optional[Callable[[], None]] = None
    _cancelled: bool = False

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._cancelled

    def begin(self, kill: Callable[[], None]) -> bool:
        """Whether it may run, and what ends it from now on."""
        with self._lock:
            self._kill = kill
            return not self._cancelled

    def end(self) -> None:
        """From here on nothing is to be killed for its sake."""
        with self._lock:
            self._kill = None

    def cancel(self) -> None:
        """Ends it if it runs, and keeps it from running if it waits."""
        with self._lock:
            self._cancelled = True
            if self._kill is not None:
                self._kill()


class _HasThread(Protocol):
    _thread: Optional[int]


class Turn:
    """One call's turn in an interpreter."""

    def __init__(self, whose: _HasThread, lock: threading.Lock) -> None:
        self._whose, self._lock = whose, lock

    def __enter__(self) -> None:
        self._lock.acquire()
        self._whose._thread = threading.get_ident()

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._whose._thread = None
        self._lock.release()


async def in_thread(run: Callable[[Call], Any], call: Call) -> Any:
    """Runs a call in a thread of its own: the loop's threads may all be waiting for something else."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    told = call.progress
    if told is not None:
        tell = told
        call.progress = lambda *values: loop.call_soon_threadsafe(tell, *values)

    def settle(result: Any, error: Optional[BaseException]) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = run(call)
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            pass  # The loop was closed meanwhile.

    threading.Thread(target=work, name="arrow-quant-bridge-call", daemon=True).start()
    try:
        return await done
    except asyncio.CancelledError:
        call.cancel()
        raise
