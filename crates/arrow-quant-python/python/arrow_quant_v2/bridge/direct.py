"""Memory of another process of this user, read and written by the system in one copy (Linux).

Only the calling side does it: a process may look into those that it started, and mostly not into the
one that it was started by. No page of shared memory has to be made, and what arrives lies in ordinary
memory with large pages, so it costs a fraction of any other way; it takes no names and no files.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from typing import Any, List, Tuple

from .trees import Garbage

_PIECE = 32 << 20
_THREADS = max(1, min(4, os.cpu_count() or 1))


def is_possible() -> bool:
    """Whether the system has the calls at all; whether they are allowed shows when they are made."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(_function("process_vm_readv") and _function("process_vm_writev"))
    except (ImportError, OSError, AttributeError):
        return False


def _function(name: str) -> Any:
    import ctypes

    found = getattr(ctypes.CDLL(None, use_errno=True), name)
    pointer = ctypes.c_void_p
    found.argtypes = [ctypes.c_int, pointer, ctypes.c_ulong, pointer, ctypes.c_ulong, ctypes.c_ulong]
    found.restype = ctypes.c_ssize_t
    return found


def transfer(process: int, pieces: List[Tuple[int, int, int]], into_it: bool) -> None:
    """Copies pieces (address here, address there, length) from another process, or into it."""
    parts = []
    for here, there, length in pieces:
        for start in range(0, length, _PIECE):
            parts.append((here + start, there + start, min(_PIECE, length - start)))
    failures: List[BaseException] = []
    count = max(1, min(_THREADS, len(parts)))
    threads = [
        threading.Thread(target=_work, args=(process, parts[number::count], into_it, failures))
        for number in range(1, count)
    ]
    for thread in threads:
        thread.start()
    _work(process, parts[::count], into_it, failures)
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _work(
    process: int, parts: List[Tuple[int, int, int]], into_it: bool, failures: List[BaseException]
) -> None:
    import ctypes

    copy = _function("process_vm_writev" if into_it else "process_vm_readv")
    vector = ctypes.c_size_t * 2
    for here, there, length in parts:
        done = 0
        while done < length and not failures:
            ours, theirs = vector(here + done, length - done), vector(there + done, length - done)
            count = copy(process, ctypes.addressof(ours), 1, ctypes.addressof(theirs), 1, 0)
            if count <= 0:
                code = ctypes.get_errno()
                if code == errno.EFAULT:
                    failures.append(Garbage("memory that it does not have"))
                else:
                    failures.append(OSError(code, os.strerror(code)))
                return
            done += count
