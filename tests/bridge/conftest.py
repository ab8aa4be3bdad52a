"""What the tests of the bridge share: the interpreters, and a look at what is left behind."""

import glob
import json
import os
import sys
import time

import pytest

from arrow_quant_v2 import bridge


def pythons():
    """Interpreters by name, as the harness gives them; this one alone where none are given."""
    given = os.environ.get("ARROW_QUANT_BRIDGE_PYTHONS")
    return json.loads(given) if given else {"same": sys.executable}


@pytest.fixture(scope="session")
def python():
    """The path of an interpreter by its name; a skip where it was not given."""

    def named(name):
        if name not in pythons():
            pytest.skip(f"there is no interpreter {name}; run by `cargo xtask test wheel`")
        return pythons()[name]

    return named


@pytest.fixture(scope="module", params=[name for name in pythons() if not name.startswith("bare")])
def other(request):
    """A warm interpreter of every kind."""
    with bridge.Interpreter(pythons()[request.param], output="capture", timeout=120) as found:
        yield found


@pytest.fixture(scope="session")
def any_python():
    """One interpreter that will do."""
    return next(path for name, path in pythons().items() if not name.startswith("bare"))


def left_behind(directory):
    """Names of shared memory and files, and descriptors of this process."""
    named = (
        glob.glob("/dev/shm/*arrow*") + glob.glob("/dev/shm/psm_*") + glob.glob(os.path.join(directory, "*"))
    )
    return sorted(named)


def processes_with(marker):
    """Numbers of processes that have this in their environment."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as stream:
                if marker.encode() in stream.read():
                    with open(path.replace("environ", "stat")) as status:
                        if status.read().rsplit(")", 1)[1].split()[0] != "Z":
                            found.append(int(path.split("/")[2]))
        except OSError:
            continue
    return found


def wait_until(is_so, otherwise, seconds=20):
    """Waits for something that must become so."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, otherwise() if callable(otherwise) else otherwise
        time.sleep(0.02)


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """A directory for temporary files of its own, that must be empty afterwards, as must be the rest."""
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    marker = f"BRIDGE_TEST_{os.getpid()}_{time.monotonic_ns()}"
    monkeypatch.setenv(marker, "1")
    before = left_behind(str(directory))
    yield marker
    wait_until(lambda: not processes_with(marker), lambda: f"processes are left: {processes_with(marker)}")
    assert left_behind(str(directory)) == before
