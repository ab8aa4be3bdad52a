"""What the other interpreter prints never meets the protocol, and is never lost."""

import io
import sys

import numpy as np
import pytest

from arrow_quant_v2 import bridge

LINES = [
    "from print", "from print to stderr", "from puts", "from os.write 1", "from os.write 2", "from a grandchild",
    "from a shell", "from a fork", "from a thread", "no newline",
]  # fmt: skip


def test_noise_of_every_kind(any_python, clean, capfd):
    heard = []
    other = bridge.Interpreter(any_python, output=lambda stream, data: heard.append((stream, data)))
    with other:
        result = other.call("remote:noisy")
        assert (result == np.arange(100000)).all()
        for line in LINES:
            assert line in other.printed, line
        assert "from atexit" not in other.printed
        other.call("remote:noisy")
    assert "from atexit" in other.printed
    out = b"".join(data for stream, data in heard if stream == "stdout").decode()
    err = b"".join(data for stream, data in heard if stream == "stderr").decode()
    assert "from puts" in out and "from atexit" in out and "to stderr" not in out
    assert "from os.write 2" in err and "from puts" not in err
    assert capfd.readouterr() == ("", "")


def test_it_goes_to_standard_error_unless_told_otherwise(any_python, monkeypatch, capfd):
    kept = io.StringIO()
    monkeypatch.setattr(sys, "stderr", kept)
    with bridge.Interpreter(any_python) as other:
        other.call("remote:noisy")
    for line in [*LINES, "from atexit"]:
        assert line in kept.getvalue(), line
    assert capfd.readouterr().out == ""


def test_errors_quote_it(any_python):
    with bridge.Interpreter(any_python, output="capture") as other:
        with pytest.raises(bridge.RemoteError) as caught:
            other.call("remote:noisy")
            other.call("remote:fails", "x")
        assert "it printed:\n" in str(caught.value) and "    from a thread\n" in str(caught.value)
        assert "from a grandchild" in caught.value.output


def test_much_of_it_is_bounded_and_stops_nobody(any_python):
    with bridge.Interpreter(any_python, output="capture") as other:
        assert other.call("remote:prints_much", 200_000, timeout=60) == 200_000
        assert len(other.printed) <= 64 << 10 and other.printed.endswith("line 199999\n")


def test_a_listener_that_fails_stops_nobody(any_python):
    def fail(stream, data):
        raise RuntimeError("deaf")

    with bridge.Interpreter(any_python, output=fail) as other:
        assert other.call("remote:prints_much", 1000) == 1000
