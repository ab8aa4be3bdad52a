"""What can go wrong between two interpreters: one class for each, each with the next step."""

from __future__ import annotations

from typing import Optional

from ..errors import ArrowQuantError


class BridgeError(ArrowQuantError):
    """The base of every exception of the bridge.

    `output` is the end of what the other interpreter printed meanwhile, both streams together.
    """

    output: str = ""


class CrossingError(BridgeError, TypeError):
    """A value that cannot cross; nothing of it was sent. `where` is its place: `result["a"][3]`."""

    where: str = ""


class RemoteError(BridgeError, RuntimeError):
    """The function raised an exception.

    `type_name` is its type (`ValueError`, `package.module.Type`), `text` its message, `traceback` its
    traceback as Python prints it, causes and contexts included.
    """

    type_name: str = ""
    text: str = ""
    traceback: str = ""


class ModuleMissingError(BridgeError, ModuleNotFoundError):
    """The other interpreter does not find the module, or one that it imports (`name`)."""


class FunctionMissingError(BridgeError, AttributeError):
    """The module has no such function."""


class NumpyMissingError(BridgeError, ImportError):
    """The other interpreter has no numpy, or one that cannot be imported."""


class TooOldError(BridgeError, RuntimeError):
    """The other interpreter's Python is older than 3.8, or its numpy older than 1.17."""


class InterpreterNotFoundError(BridgeError, FileNotFoundError):
    """There is no such interpreter or environment, or what is there is no Python."""


class ChildDiedError(BridgeError, ConnectionError):
    """The other interpreter ended while it was needed.

    `signal` is the number of the signal that ended it, `code` the code that it ended with.
    """

    signal: Optional[int] = None
    code: Optional[int] = None


class CallTimeoutError(BridgeError, TimeoutError):
    """The time was over; the other interpreter and everything that it started were killed."""


class OutOfMemoryError(BridgeError, MemoryError):
    """One side has not enough memory for the arrays."""


class ProtocolError(BridgeError, ValueError):
    """What came back is no message of the bridge."""


class ClosedError(BridgeError, RuntimeError):
    """The interpreter or the pool was closed, or is called from its own progress callback."""


class ArrayFileError(BridgeError, ValueError):
    """A file that holds no arrays, or arrays that cannot be read without pickle."""
