"""Whether arrays cross between this interpreter and another one, and by which ways."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from .errors import BridgeError
from .find import AnyPath
from .interpreter import Interpreter
from .rules import KINDS, RULES

_OLD_PYTHON = "ValueError: unsupported pickle protocol: 5"


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a pair of interpreters.

    `here` and `there` are what they are (python, numpy, executable, prefix). `bridge_works` tells
    whether arrays went through the bridge and came back as they were, and `problem` what kept them
    from it. `pickles_to` and `pickles_from` say what becomes of arrays that are pickled here and
    loaded there, and back, in the words of `truewheel doctor` (NPY004); `lost_to` and `lost_from` name
    what no protocol brings across. `str()` of it says everything.
    """

    here: dict[str, Any]
    there: dict[str, Any]
    bridge_works: bool
    problem: Optional[str]
    pickles_to: Optional[str]
    pickles_from: Optional[str]
    lost_to: tuple[str, ...] = ()
    lost_from: tuple[str, ...] = ()

    @property
    def pickle_works(self) -> bool:
        """Whether no protocol of arrays fails for numpy's sake, in either direction."""
        told = [text for text in (self.pickles_to, self.pickles_from) if text is not None]
        return len(told) == 2 and not any("Error: " in text.replace(_OLD_PYTHON, "") for text in told)

    def __str__(self) -> str:
        def named(side: dict[str, Any]) -> str:
            return f"{side['executable']} (Python {side['python']}, numpy {side['numpy']})"

        lines = [f"here:  {named(self.here)}"]
        if not self.there:
            return "\n".join([*lines, f"the bridge does not work: {self.problem}"])
        lines.append(f"there: {named(self.there)}")
        lines.append(
            "the bridge works, in both directions"
            if self.bridge_works
            else f"the bridge does not work: {self.problem}"
        )
        lines.append("as .npz or .npy, both directions: arrays load with `allow_pickle=False`")
        for way, text, lost in (
            ("here -> there", self.pickles_to, self.lost_to),
            ("there -> here", self.pickles_from, self.lost_from),
        ):
            lines.append(f"as pickles, {way}: {text}")
            if lost and "Error: " in str(text):
                lines.append(f"as pickles, {way}: no protocol brings across {', '.join(lost)}")
        return "\n".join(lines)


def doctor(python: Optional[AnyPath] = None, **which: Any) -> Diagnosis:
    """Judges the pair of this interpreter and another one, which is said as in `Interpreter`.

    Starts the other one, sends arrays of every kind through the bridge and back, and says what would
    become of pickles. Nothing is raised for an interpreter that does not work: see `problem`.
    """
    here = {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "numpy": str(np.__version__),
        "executable": sys.executable,
        "prefix": sys.prefix,
    }
    which.setdefault("output", "capture")
    there: dict[str, Any] = {}
    problem = None
    try:
        with Interpreter(python, **which) as other:
            there = other.start()
            samples = _samples()
            if not _same(other.call("copy:deepcopy", samples, path=[]), samples):
                problem = "arrays came back changed; please report it"
    except BridgeError as error:
        problem = str(error)
    if not there:
        return Diagnosis(here, {}, False, problem, None, None)
    to, back = direction(here, there), direction(there, here)
    return Diagnosis(
        here,
        there,
        problem is None,
        problem,
        to,
        back,
        tuple(lost_kinds(here, there)),
        tuple(lost_kinds(there, here)),
    )


def _samples() -> dict[str, Any]:
    numbers = np.arange(30000, dtype="<f4").reshape(100, 300)
    return {
        "large": numbers,
        "fortran": np.asfortranarray(numbers),
        "big endian": numbers.astype(">f8"),
        "dates": np.array(["2020-01-01", "NaT"], dtype="datetime64[ns]"),
        "structure": np.zeros(3, dtype=[("a", "i1"), ("b", "<f8", (2,))]),
        "text": np.array(["a", "bcd"]),
        "scalar": np.float16(0.5),
        "none": [None, (1, 2.5, "x", b"y", 1j)],
    }


def _same(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray):
        return bool(
            left.dtype == right.dtype
            and left.shape == right.shape
            and left.tobytes("A") == right.tobytes("A")
        )
    return bool(left == right)


def release(version: str) -> tuple[int, int, int]:
    """The numbers of a release; pre-releases count as the release that they lead to."""
    numbers = [int(part) for part in re.findall(r"\d+", re.match(r"[\d.]*", version).group())]  # type: ignore[union-attr]
    first, second, third = [*numbers, 0, 0, 0][:3]
    return first, second, third


def _within(version: str, bounds: tuple[str, str]) -> bool:
    since, before = bounds
    found = release(version)
    return (not since or found >= release(since)) and (not before or found < release(before))


def _newest_protocol(side: dict[str, Any]) -> int:
    return 4 if release(side["python"]) < (3, 8, 0) else 5


def reading(kind: str, protocol: int, writer: dict[str, Any], reader: dict[str, Any]) -> tuple[str, str]:
    """What the reader makes of an object that the writer pickled: loads, warns, alters or fails."""
    if protocol > _newest_protocol(reader):
        return "fails", _OLD_PYTHON
    for kinds, protocols, writers, readers, what, message in RULES:
        fits = kind in kinds.split() and (not protocols or protocol in protocols)
        if fits and _within(writer["numpy"], writers) and _within(reader["numpy"], readers):
            return what, message
    return "loads", ""


def _readings(kind: str, writer: dict[str, Any], reader: dict[str, Any]) -> list[tuple[int, tuple[str, str]]]:
    return [
        (protocol, reading(kind, protocol, writer, reader))
        for protocol in range(2, _newest_protocol(writer) + 1)
    ]


def direction(writer: dict[str, Any], reader: dict[str, Any]) -> str:
    """`protocols 2 to 4 load; protocol 5 fails with ...`, for arrays in one piece."""
    groups: list[tuple[int, int, tuple[str, str]]] = []
    for protocol, outcome in _readings("array", writer, reader):
        if groups and groups[-1][2] == outcome:
            groups[-1] = (groups[-1][0], protocol, outcome)
        else:
            groups.append((protocol, protocol, outcome))
    told = []
    for first, last, (what, message) in groups:
        is_one = first == last
        load = "loads" if is_one else "load"
        said = {
            "loads": load,
            "warns": f"{load} with a {message}",
            "alters": f"{load} as something else (`{message}`)",
            "fails": f"{'fails' if is_one else 'fail'} with `{message}`",
        }[what]
        told.append(f"protocol {first} {said}" if is_one else f"protocols {first} to {last} {said}")
    return "; ".join(told)


def lost_kinds(writer: dict[str, Any], reader: dict[str, Any]) -> list[str]:
    """What no protocol brings from this writer to this reader."""
    return [
        name
        for kind, name, since in KINDS
        if _within(writer["numpy"], (since, ""))
        and all(outcome[0] == "fails" for _, outcome in _readings(kind, writer, reader))
    ]
