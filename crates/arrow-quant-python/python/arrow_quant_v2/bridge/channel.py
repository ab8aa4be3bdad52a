"""Messages of one interpreter to the other, on a socket that only they have.

Runs in the other interpreter as well, so it needs only Python 3.8 and numpy 1.17. A message is a head
of fixed size, a document of JSON that describes a tree of values, small arrays, and large arrays in
segments: sealed memory (memfd) or unlinked files whose descriptors come with the head, named memory
on Windows, or plain bytes.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import select
import socket
import struct
import threading
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from .direct import transfer
from .segments import map_segment, new_segment, write_segment
from .trees import Garbage, Refused, Written, plain_bytes, read_node

HEAD = struct.Struct("<4sBBHIQ")
MAGIC = b"AQB1"
CALL, RESULT, PROGRESS, FAILED, HELLO, BYE, READY, TAKEN = range(1, 9)
TRANSPORTS = ("pipe", "file", "memfd", "mapping", "direct")

# Bounds of everything that a message says of itself.
MOST_DOCUMENT = 64 << 20
MOST_INLINE = 1 << 20
MOST_SEGMENTS = 64

# Arrays from here on have a segment of their own, so that dropping one gives back its memory.
LARGE = 64 << 10
ALIGNMENT = 64

_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Gone(Exception):
    """The other side has ended."""


class Late(Exception):
    """The time is over."""


class Channel:
    """Messages of one side to the other, and back."""

    def __init__(
        self, link: socket.socket, transport: str, is_alive: Optional[Callable[[], bool]], most: int
    ) -> None:
        self.link: socket.socket = link
        self.transport: str = transport
        self.is_alive: Optional[Callable[[], bool]] = is_alive
        self.most: int = most
        # The process at the other end, for the side that may reach into its memory.
        self.process: int = 0
        self.sending: Any = threading.RLock()
        # Named memory of what was sent, which the other side opens before it sends anything.
        self.kept: List[Any] = []
        link.setblocking(False)

    def wait(self, for_writing: bool, deadline: Optional[float]) -> None:
        """Until the socket is ready, the other side is gone, or the time is over."""
        while True:
            left = 3600.0 if self.is_alive is None else 0.25
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
            if left < 0:
                raise Late()
            if self.is_ready(for_writing, left):
                return
            # What it sent before it ended is still to be read.
            if self.is_alive and not self.is_alive() and not self.is_ready(for_writing, 0):
                raise Gone()

    def is_ready(self, for_writing: bool, seconds: float) -> bool:
        if self.link.fileno() < 0:
            raise Gone()
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self.link, select.POLLOUT if for_writing else select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        readers, writers = ([], [self.link]) if for_writing else ([self.link], [])
        return any(select.select(readers, writers, [], seconds))

    def send_bytes(self, data: Any, deadline: Optional[float], files: Tuple[int, ...] = ()) -> None:
        view = memoryview(data)
        while len(view) or files:
            try:
                if files:
                    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(files), *files))]
                    sent = self.link.sendmsg([view], rights)
                    files = ()
                else:
                    sent = self.link.send(view[: 1 << 20])
            except (BlockingIOError, InterruptedError):
                self.wait(True, deadline)
                continue
            except OSError as error:
                if error.errno in (errno.EPIPE, errno.ECONNRESET, errno.EBADF, errno.ENOTCONN):
                    raise Gone() from error
                raise
            view = view[sent:]

    def send(self, kind: int, tree: Any, written: Any, deadline: Optional[float] = None) -> None:
        """Sends a tree that `Written` has made."""
        inline, offset = [], 0
        places: List[List[int]] = []
        segments: List[Tuple[int, List[Tuple[int, memoryview]]]] = []
        for value in written.buffers:
            data = plain_bytes(written.np, value)
            if len(data) < LARGE and offset + len(data) <= MOST_INLINE:
                inline.append((offset, data))
                places.append([0, offset, len(data)])
                offset += len(data) + -len(data) % ALIGNMENT
                continue
            if len(segments) < MOST_SEGMENTS:
                segments.append((0, []))
            size, pieces = segments[-1]
            pieces.append((size, data))
            places.append([len(segments), size, len(data)])
            segments[-1] = (size + len(data) + -len(data) % ALIGNMENT, pieces)
        block = bytearray(offset)
        for start, data in inline:
            block[start : start + len(data)] = data
        head: Dict[str, Any] = {"tree": tree, "buffers": places, "segments": [size for size, _ in segments]}
        files: List[int] = []
        try:
            for number, (size, pieces) in enumerate(segments):
                if self.transport in ("memfd", "file"):
                    files.append(new_segment(self.transport))
                    write_segment(files[-1], pieces, size, self.transport)
                elif self.transport == "mapping":
                    name = "Local\\arrow-quant-bridge-%d-%s" % (os.getpid(), os.urandom(16).hex())
                    memory = mmap.mmap(-1, size, tagname=name)  # type: ignore[call-arg,unused-ignore]
                    for start, data in pieces:
                        memory[start : start + len(data)] = data
                    self.kept.append(memory)
                    head.setdefault("names", []).append(name)
                elif self.transport == "direct" and not self.process:
                    places_here = [[start, address_of(written.np, data), len(data)] for start, data in pieces]
                    head.setdefault("addresses", []).append(places_here)
            document = json.dumps(head, separators=(",", ":")).encode("ascii")
            if len(document) > MOST_DOCUMENT:
                raise Refused(
                    "the tree",
                    "%d bytes of description" % len(document),
                    "put many numbers or texts into arrays",
                )
            begin_bytes = HEAD.pack(
                MAGIC, kind, TRANSPORTS.index(self.transport), len(files), len(document), len(block)
            )
            with self.sending:
                self.send_bytes(begin_bytes + document + bytes(block), deadline, tuple(files))
                if self.transport == "pipe":
                    for size, pieces in segments:
                        done = 0
                        for begin, data in pieces:
                            self.send_bytes(bytes(begin - done), deadline)
                            self.send_bytes(data, deadline)
                            done = begin + len(data)
                        self.send_bytes(bytes(size - done), deadline)
                elif self.transport == "direct" and segments:
                    self.hand_over(written.np, [pieces for _, pieces in segments], deadline)
        finally:
            for file in files:
                os.close(file)

    def hand_over(
        self, np: Any, segments: List[List[Tuple[int, memoryview]]], deadline: Optional[float]
    ) -> None:
        """Keeps what is sent until the other side has it, or writes it where that wants it."""
        if self.process:
            kind, starts = self.receive(np, deadline)
            if kind != READY or not isinstance(starts, list) or len(starts) != len(segments):
                raise Garbage("no memory for %d segments" % len(segments))
            parts = [
                (address_of(np, data), start + offset, len(data))
                for start, pieces in zip(starts, segments)
                for offset, data in pieces
            ]
            self.reach(parts, True)
            self.tell(np, TAKEN, None, deadline)
        elif self.receive(np, deadline)[0] != TAKEN:
            raise Garbage("something else than that it has taken %d segments" % len(segments))

    def reach(self, parts: List[Tuple[int, int, int]], into_it: bool) -> None:
        try:
            transfer(self.process, parts, into_it)
        except OSError as error:
            if error.errno == errno.ESRCH or (self.is_alive and not self.is_alive()):
                raise Gone() from error
            raise Garbage("its memory cannot be reached (%s); say transport='memfd'" % error) from error
        except Garbage:
            # One that ends has no memory from a moment before.
            if self.is_alive and (self.is_ready(False, 0.2) or not self.is_alive()):
                raise Gone() from None
            raise

    def tell(self, np: Any, kind: int, tree: Any, deadline: Optional[float]) -> None:
        self.send(kind, Written(np).node(tree, ("message",)), Written(np), deadline)

    def receive_into(self, memory: Any, deadline: Optional[float], files: Optional[List[int]] = None) -> None:
        view = memoryview(memory)
        while len(view):
            try:
                if files is not None and hasattr(self.link, "recvmsg_into"):
                    space = socket.CMSG_SPACE(4 * MOST_SEGMENTS)
                    count, extra, flags, _ = self.link.recvmsg_into([view], space, _CLOSE_ON_EXEC)
                    for level, kind, data in extra:
                        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                            files.extend(struct.unpack("%di" % (len(data) // 4), data[: len(data) // 4 * 4]))
                    for file in [] if _CLOSE_ON_EXEC else files:
                        os.set_inheritable(file, False)
                    if flags & socket.MSG_CTRUNC:
                        raise Garbage(
                            "more descriptors than a message may have, or than this process may open"
                        )
                else:
                    count = self.link.recv_into(view)
            except (BlockingIOError, InterruptedError):
                self.wait(False, deadline)
                continue
            except OSError as error:
                if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.EBADF, errno.ENOTCONN):
                    raise Gone() from error
                raise
            if count == 0:
                raise Gone()
            view = view[count:]

    def receive(self, np: Any, deadline: Optional[float] = None) -> Tuple[int, Any]:
        """The next message: its kind and its tree."""
        files: List[int] = []
        try:
            start = bytearray(HEAD.size)
            self.receive_into(start, deadline, files)
            self.kept.clear()
            magic, kind, transport, count, length, inline = HEAD.unpack(start)
            if magic != MAGIC or transport >= len(TRANSPORTS):
                raise Garbage("it begins with %r" % bytes(start))
            if length > MOST_DOCUMENT or inline > MOST_INLINE + ALIGNMENT or count > MOST_SEGMENTS:
                raise Garbage("it says that it has %d + %d bytes and %d segments" % (length, inline, count))
            document, block = bytearray(length), bytearray(inline)
            self.receive_into(document, deadline)
            self.receive_into(block, deadline)
            try:
                head = json.loads(document)
                return kind, self.read(np, head, block, TRANSPORTS[transport], count, files, deadline)
            except (
                ValueError,
                TypeError,
                KeyError,
                IndexError,
                AttributeError,
                RecursionError,
                OverflowError,
            ) as error:
                raise Garbage("%s: %s" % (type(error).__name__, error)) from error
        finally:
            for file in files:
                os.close(file)

    def read(
        self,
        np: Any,
        head: Any,
        block: Any,
        transport: str,
        count: int,
        files: List[int],
        deadline: Optional[float],
    ) -> Any:
        sizes = head["segments"]
        if (
            any(type(size) is not int or size <= 0 for size in sizes)
            or len(sizes) > MOST_SEGMENTS
            or sum(sizes) > self.most
        ):
            raise Garbage("segments of %.200s bytes" % sizes)
        if transport in ("memfd", "file") and not len(files) == len(sizes) == count:
            raise Garbage("%d descriptors for %d segments" % (len(files), len(sizes)))
        memories = [memoryview(block)]
        if transport == "direct" and sizes:
            memories += self.take_over(np, head, sizes, deadline)
            sizes = []
        for number, size in enumerate(sizes):
            if transport == "pipe":
                memory = np.empty(size, np.uint8)
                self.receive_into(memory, deadline)
            elif transport == "mapping":
                memory = mmap.mmap(-1, size, tagname=head["names"][number])  # type: ignore[call-arg,unused-ignore]
            else:
                memory = map_segment(files[number], size, transport)
            memories.append(memoryview(memory))
        buffers = []
        for segment, offset, length in head["buffers"]:
            memory = memories[segment]
            if segment < 0 or offset < 0 or length < 0 or offset + length > len(memory):
                raise Garbage("a buffer that lies outside its segment")
            buffers.append(memory[offset : offset + length])
        return read_node(np, head["tree"], buffers)

    def take_over(self, np: Any, head: Any, sizes: List[int], deadline: Optional[float]) -> List[memoryview]:
        """Takes segments from the other side's memory, or has it write them here."""
        found = [np.empty(size, np.uint8) for size in sizes]
        if self.process:
            parts = []
            for memory, pieces in zip(found, head["addresses"]):
                start = address_of(np, memory)
                for offset, address, length in pieces:
                    if type(address) is not int or offset < 0 or length < 0 or offset + length > len(memory):
                        raise Garbage("memory at %r" % (address,))
                    parts.append((start + offset, address, length))
            self.reach(parts, False)
            self.tell(np, TAKEN, None, deadline)
        else:
            self.tell(np, READY, [address_of(np, memory) for memory in found], deadline)
            if self.receive(np, deadline)[0] != TAKEN:
                raise Garbage("something else than that it has written %d segments" % len(found))
        return [memoryview(memory) for memory in found]


def address_of(np: Any, data: Any) -> int:
    """Where bytes lie."""
    return int(np.frombuffer(data, np.uint8).__array_interface__["data"][0])
