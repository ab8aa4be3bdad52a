"""Segments: memory for large arrays that nobody can name and that goes with its last user.

Runs in the other interpreter as well, so it needs only Python 3.8.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Any, List, Tuple

from .trees import Garbage

_KEEP = 0x0001 | 0x0002 | 0x0004 | 0x0008  # F_SEAL_SEAL, SHRINK, GROW, WRITE
_ADD_SEALS, _GET_SEALS = 1033, 1034


def new_memory() -> int:
    """A descriptor of memory that can be sealed.

    Pythons that were built for an old glibc, as conda's are, have no `os.memfd_create`, though the
    system has it.
    """
    flags = 0x0001 | 0x0002  # Close on exec, may be sealed.
    if hasattr(os, "memfd_create"):
        return os.memfd_create("arrow-quant-bridge", flags)
    import ctypes

    file = ctypes.CDLL(None, use_errno=True).memfd_create(b"arrow-quant-bridge", flags)
    if file < 0:
        raise OSError(ctypes.get_errno(), "memfd_create")
    return int(file)


def best_transport() -> str:
    """What this system carries large arrays by."""
    if os.name == "nt":
        return "mapping"
    try:
        os.close(new_memory())
    except (OSError, AttributeError, ImportError):
        return "file"
    return "memfd"


def new_segment(transport: str) -> int:
    """A descriptor of memory or of a file that nobody can name."""
    if transport == "memfd":
        return new_memory()
    flag = getattr(os, "O_TMPFILE", 0)
    if flag:
        try:
            return os.open(tempfile.gettempdir(), flag | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:
            pass  # Not every file system has them.
    file, path = tempfile.mkstemp(prefix="arrow-quant-bridge-")
    os.unlink(path)
    return file


def write_segment(file: int, pieces: List[Tuple[int, memoryview]], size: int, transport: str) -> None:
    """Writes by `pwrite`: pages that come by writing cost less than those that come by faults."""
    os.ftruncate(file, size)
    for offset, piece in pieces:
        done = 0
        while done < len(piece):
            done += os.pwrite(file, piece[done : done + (1 << 30)], offset + done)
    if transport == "memfd":
        import fcntl

        fcntl.fcntl(file, _ADD_SEALS, _KEEP)


def map_segment(file: int, size: int, transport: str) -> Any:
    """The memory of a segment, to read and write: what is written is a copy of the reader's own."""
    found = os.fstat(file)
    if found.st_size != size or (found.st_mode & 0o170000) != 0o100000:
        raise Garbage("a segment of %d bytes that should have %d" % (found.st_size, size))
    if transport == "memfd":
        import fcntl

        if fcntl.fcntl(file, _GET_SEALS) & 0x000A != 0x000A:
            raise Garbage("a segment that is not sealed")
    return mmap.mmap(file, size, access=mmap.ACCESS_COPY)
