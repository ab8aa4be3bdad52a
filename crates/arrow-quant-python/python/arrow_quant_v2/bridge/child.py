"""The process of the other interpreter: how it is started, heard and ended."""

from __future__ import annotations

import codecs
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np

from . import direct
from .channel import BYE, FAILED, HELLO, Channel, Gone, Late, address_of
from .errors import (
    BridgeError,
    CallTimeoutError,
    ChildDiedError,
    InterpreterNotFoundError,
    NumpyMissingError,
    ProtocolError,
    TooOldError,
)
from .find import Found, child_environment
from .segments import best_transport
from .trees import Garbage, Written

Output = Union[str, Callable[[str, bytes], None]]

WORKER = Path(__file__).with_name("worker.py")
OLDEST_NUMPY = (1, 17)

# How much of what was printed is kept, to be quoted in errors.
_KEPT = 64 << 10

# Those that are alive: what a fork of this process must let go of, and what ends with it.
_CHILDREN: weakref.WeakSet[Child] = weakref.WeakSet()


def wide_reals() -> list[Any]:
    """How this interpreter keeps long doubles; the other one says the same of itself."""
    dtype = np.dtype(np.longdouble)
    return [sys.byteorder, int(dtype.itemsize), int(np.finfo(np.longdouble).nmant)]


def most_bytes() -> int:
    """What one message may hold: no more than the machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 1 << 40


class Printed:
    """What the other interpreter prints: passed on as it comes, and the end of it kept."""

    def __init__(self, stdout: Any, stderr: Any, output: Output) -> None:
        self._streams = {stdout.fileno(): ("stdout", stdout), stderr.fileno(): ("stderr", stderr)}
        self._output = output
        self._lock = threading.RLock()
        self._kept = bytearray()
        self._ended = False
        self._decoders = {file: codecs.getincrementaldecoder("utf-8")("replace") for file in self._streams}
        self._wake: tuple[int, ...] = ()
        if os.name == "posix":
            for file in self._streams:
                os.set_blocking(file, False)
            self._wake = os.pipe()
            threading.Thread(target=self._pump, name="arrow-quant-bridge-output", daemon=True).start()
        else:
            for file in self._streams:
                threading.Thread(target=self._pump_one, args=(file,), daemon=True).start()

    def files(self) -> list[int]:
        return [*self._streams, *self._wake]

    def _take(self, file: int, most: int = 1 << 16) -> bool:
        """Reads once; whether there was something."""
        try:
            data = os.read(file, most)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._streams.pop(file, ("", None))
            return False
        self._kept += data
        del self._kept[: max(0, len(self._kept) - _KEPT)]
        name = self._streams[file][0]
        try:
            if callable(self._output):
                self._output(name, data)
            elif self._output == "stderr" and sys.stderr is not None:
                sys.stderr.write(self._decoders[file].decode(data))
                sys.stderr.flush()
        except Exception:
            pass  # Who listens must not stop who is heard.
        return True

    def _pump(self) -> None:
        try:
            self._pass_on()
        finally:
            with self._lock:
                for file in self._wake:
                    os.close(file)
                self._wake = ()

    def _pass_on(self) -> None:
        while True:
            files = list(self._streams)
            if self._ended or not files:
                return
            try:
                poll = select.poll()
                for file in [*files, self._wake[0]]:
                    poll.register(file, select.POLLIN)
                poll.poll()
            except (OSError, ValueError):
                return
            with self._lock:
                if self._ended:
                    return
                for file in files:
                    if file in self._streams:
                        self._take(file)

    def _pump_one(self, file: int) -> None:
        while file in self._streams and self._take(file):
            pass

    def text(self) -> str:
        """The end of what was printed, up to now."""
        if os.name == "posix":
            with self._lock:
                for file in [] if self._ended else list(self._streams):
                    # A bound, since who prints may print faster than this reads.
                    for _ in range(64):
                        if not self._take(file):
                            break
        return bytes(self._kept).decode("utf-8", "replace")

    def end(self) -> None:
        """Takes what is left, and closes."""
        self.text()
        with self._lock:
            if self._ended:
                return
            self._ended = True
            if self._wake:
                os.write(self._wake[1], b"x")


class Child:
    """One process of the other interpreter, with the channel to it."""

    def __init__(
        self,
        found: Found,
        *,
        output: Output,
        transport: str,
        env: dict[str, str],
        cwd: Optional[str],
        timeout: float,
    ) -> None:
        self.found: Found = found
        self.owner: int = os.getpid()
        self.was_killed: bool = False
        deadline = time.monotonic() + timeout
        ours, theirs = socket.socketpair()
        life: list[Any] = list(os.pipe() if os.name == "posix" else socket.socketpair())
        names = ["share", "share"] if os.name == "nt" else [str(theirs.fileno()), str(life[0])]
        command = [str(found.executable), "-I", "-B", str(WORKER), *names, str(most_bytes())]
        how: dict[str, Any] = {"start_new_session": True, "pass_fds": (theirs.fileno(), life[0])}
        if os.name == "nt":
            how = {"creationflags": 0x08000200}  # CREATE_NO_WINDOW, CREATE_NEW_PROCESS_GROUP
        try:
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if os.name == "nt" else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=child_environment(found, env),
                cwd=cwd,
                **how,
            )
        except OSError as error:
            for end in (ours, theirs, *life):
                close(end)
            if cwd is not None and not os.path.isdir(cwd):
                raise BridgeError(f"{cwd}: cwd= is no directory") from error
            raise no_python(found, f"it cannot be started: {error}") from error
        self.life: Any = life[1]
        if os.name == "nt":
            assert self.process.stdin is not None
            shares: list[Any] = [theirs, life[0]]
            for end in shares:
                shared = end.share(self.process.pid)
                self.process.stdin.write(struct.pack("<I", len(shared)) + shared)
            self.process.stdin.close()
        close(theirs)
        close(life[0])
        self.printed: Printed = Printed(self.process.stdout, self.process.stderr, output)
        process = self.process  # And not self, which must end when nobody has it any more.
        self.channel: Channel = Channel(ours, transport, lambda: is_running(process), most_bytes())
        self.wide_reals: bool = False
        self.hello: dict[str, Any] = {}
        # Ends it when nobody has it any more, and when this interpreter ends.
        _CHILDREN.add(self)
        self._finalizer = weakref.finalize(
            self, end_process, self.owner, self.process, self.life, ours, self.printed
        )
        try:
            self._greet(deadline, timeout)
        except BaseException:
            self.kill()
            raise

    def _greet(self, deadline: float, timeout: float) -> None:
        """Hears what the other interpreter says of itself."""
        try:
            kind, said = self.channel.receive(np, deadline)
        except Late:
            raise self.say(
                CallTimeoutError,
                f"{self.name} did not start within {timeout:g} s; give start_timeout= more, or run `{self.found.executable} -c 'import numpy'` to see what takes so long",
            ) from None
        except Gone:
            raise self._no_start() from None
        except Garbage as error:
            raise self.say(
                ProtocolError,
                f"{self.name} sent what is no message of the bridge ({error}); see that it is a Python and that nothing writes to descriptors that it did not open",
            ) from None
        if kind == FAILED and isinstance(said, dict) and said.get("kind") == "python":
            raise self._too_old(str(said["python"]))
        if kind == FAILED and isinstance(said, dict) and said.get("kind") == "numpy":
            install = f"install it there: {self.found.executable} -m pip install numpy"
            if said.get("missing") == "numpy":
                raise self.say(NumpyMissingError, f"{self.name} has no numpy; {install}")
            raise self.say(
                NumpyMissingError,
                f"numpy cannot be imported in {self.name}: {said['type']}: {said['message']}\n{said['traceback']}\n{install.replace('install numpy', 'install --force-reinstall numpy')}",
            )
        if kind != HELLO or not isinstance(said, dict):
            raise self.say(
                ProtocolError,
                f"{self.name} began with a message of kind {kind}; see that both sides have the same arrow_quant_v2",
            )
        self.hello = said
        version = tuple(int(part) for part in said["numpy"].split(".")[:2] if part.isdigit())
        if version < OLDEST_NUMPY:
            raise self.say(
                TooOldError,
                f"{self.name} has numpy {said['numpy']}, and the bridge needs 1.17 or newer; upgrade it there: {self.found.executable} -m pip install --upgrade numpy",
            )
        self.wide_reals = bool(said["wide_reals"] == wide_reals())
        self.channel.transport = self._transport()

    def _transport(self) -> str:
        """What large arrays go by: the fastest that works, unless one was asked for."""
        asked, said = self.channel.transport, self.hello
        if asked not in ("auto", "direct"):
            return asked
        try:
            sample = np.zeros(len(said["sample"]) // 2, np.uint8)
            if direct.is_possible():
                direct.transfer(
                    said["process"], [(address_of(np, sample), said["address"], len(sample))], False
                )
            if sample.tobytes().hex() == said["sample"]:
                self.channel.process = said["process"]
                return "direct"
        except (OSError, Garbage):
            pass  # The system forbids it, as it may in containers.
        if asked == "direct":
            raise BridgeError(
                f"the system does not let this process read the memory of {self.name}; say transport='memfd'"
            )
        return best_transport()

    def _no_start(self) -> BridgeError:
        """Why it ended before it said anything: too old, no Python at all, or something else."""
        code = self.wait(2.0)
        version = probe(self.found)
        if version is None:
            return self.told(no_python(self.found, "it does not behave as a Python"))
        if version < (3, 8):
            return self._too_old(".".join(map(str, version)))
        return self.say(
            ChildDiedError,
            f"{self.name} ended while it was started ({ending(code)}); run `{self.found.executable} -I -c 'import numpy'` to see why",
            code,
        )

    def _too_old(self, version: str) -> BridgeError:
        return self.say(
            TooOldError,
            f"{self.name} is Python {version}, and the bridge needs 3.8 or newer; name a newer interpreter",
        )

    @property
    def name(self) -> str:
        return str(self.found.executable)

    def say(self, kind: type[BridgeError], message: str, code: Optional[int] = None) -> BridgeError:
        """An error that quotes what was printed."""
        error = self.told(kind(message))
        if isinstance(error, ChildDiedError) and code is not None:
            error.signal, error.code = (-code, None) if code < 0 else (None, code)
        return error

    def told(self, error: BridgeError) -> BridgeError:
        error.output = self.printed.text()
        lines = error.output.strip().splitlines()[-20:]
        if lines:
            quoted = "\n".join(f"    {line}" for line in lines)
            error.args = (f"{error.args[0]}\n  it printed:\n{quoted}", *error.args[1:])
        return error

    def died(self, doing: str) -> BridgeError:
        """The error for a child that ended while it was needed."""
        code = self.wait(2.0)
        message = f"{self.name} ended while {doing} ({ending(code)}); the next call starts a new one"
        if code == -getattr(signal, "SIGKILL", 9):
            message += ". SIGKILL mostly means that the system ran out of memory: see `dmesg` or the limits of the container, and send less at once"
        elif code is not None and code < 0:
            message += (
                ". That is a crash in native code: run the function in that Python with -X faulthandler"
            )
        error = self.say(ChildDiedError, message, code)
        self.kill()
        return error

    def is_alive(self) -> bool:
        """Whether it runs; it is not reaped, so that its number stays its own."""
        return is_running(self.process)

    def wait(self, seconds: float) -> Optional[int]:
        """Its code, if it ends within a time."""
        until = time.monotonic() + seconds
        while self.is_alive():
            if time.monotonic() > until:
                return None
            time.sleep(0.005)
        end_process(self.owner, self.process, None, None, None)
        return self.process.returncode

    def kill(self) -> None:
        """Ends it and everything that it started, now."""
        if self.owner == os.getpid():
            self.was_killed = True
            self._finalizer()

    def close(self, seconds: float) -> None:
        """Lets it end by itself, and kills what is left after a time."""
        if self.owner != os.getpid():
            return
        try:
            written = Written(np)
            self.channel.send(BYE, None, written, time.monotonic() + seconds)
            self.wait(seconds)
        except (Gone, Late, Garbage, OSError):
            pass
        self.kill()


def no_python(found: Found, why: str) -> InterpreterNotFoundError:
    return InterpreterNotFoundError(
        f"{found.executable} is no Python that can be used: {why}; name the interpreter of an environment, such as /opt/conda/envs/NAME/bin/python, or say conda=, venv= or version="
    )


def close(end: Any) -> None:
    """Closes a descriptor or a socket."""
    try:
        os.close(end) if isinstance(end, int) else end.close()
    except OSError:
        pass


def ending(code: Optional[int]) -> str:
    if code is None:
        return "it closed the channel but still runs"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def is_running(process: subprocess.Popen[bytes]) -> bool:
    if process.returncode is not None:
        return False
    if hasattr(os, "waitid"):
        try:
            return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return process.poll() is None
    return process.poll() is None


def end_process(
    owner: int, process: subprocess.Popen[bytes], life: Any, link: Any, printed: Optional[Printed]
) -> None:
    """Kills a process with its group, and closes what leads to it. A fork leaves it alone."""
    if owner != os.getpid():
        return
    if process.returncode is None:
        if os.name == "posix":
            try:
                # Before it is reaped, so that the number is still that of its group.
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        else:
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False
            )
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass  # It hangs in the kernel, and ends when that lets it go.
    if printed is not None:
        printed.end()
        for end in (life, link):
            close(end)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def probe(found: Found) -> Optional[tuple[int, ...]]:
    """The version of an interpreter that did not speak, as it says itself."""
    script = "import sys; sys.stdout.write('bridge %d %d %d' % tuple(sys.version_info[:3]))"
    try:
        asked = subprocess.run(
            [str(found.executable), "-E", "-c", script],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            env=child_environment(found, {}),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = asked.stdout.decode("ascii", "replace").split()
    if len(words) != 4 or words[0] != "bridge" or not all(word.isdigit() for word in words[1:]):
        return None
    return tuple(map(int, words[1:]))


def _let_go() -> None:
    """In a fork: the children are the parent's, and must see that it ends though the fork lives."""
    for child in list(_CHILDREN):
        for end in (child.life, child.channel.link, *child.printed.files()):
            close(end)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
