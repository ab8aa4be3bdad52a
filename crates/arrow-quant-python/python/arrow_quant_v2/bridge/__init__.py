"""Functions of another interpreter, called from this one; arrays go both ways without pickle.

    from arrow_quant_v2 import bridge

    with bridge.Interpreter("/opt/conda/envs/spz-env/bin/python") as other:
        cloud = other.call("spz_helper:load", "scene.spz", timeout=300)

The other interpreter may have any Python from 3.8 and any numpy from 1.17, whatever this one has, and
needs nothing installed but what the called function needs.
"""

try:
    import numpy as _numpy  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError("arrow_quant_v2.bridge needs numpy: pip install numpy", name="numpy") from _error

from .child import Output
from .errors import (
    ArrayFileError,
    BridgeError,
    CallTimeoutError,
    ChildDiedError,
    ClosedError,
    CrossingError,
    FunctionMissingError,
    InterpreterNotFoundError,
    ModuleMissingError,
    NumpyMissingError,
    OutOfMemoryError,
    ProtocolError,
    RemoteError,
    TooOldError,
)
from .files import load_npz, save_npz
from .interpreter import Interpreter, call
from .pairs import Diagnosis, doctor
from .pool import Pool

__all__ = [
    "ArrayFileError",
    "BridgeError",
    "CallTimeoutError",
    "ChildDiedError",
    "ClosedError",
    "CrossingError",
    "Diagnosis",
    "FunctionMissingError",
    "Interpreter",
    "InterpreterNotFoundError",
    "ModuleMissingError",
    "NumpyMissingError",
    "OutOfMemoryError",
    "Output",
    "Pool",
    "ProtocolError",
    "RemoteError",
    "TooOldError",
    "call",
    "doctor",
    "load_npz",
    "save_npz",
]
