"""Every way to fail has its own error, which says the next step; and the next call works."""

import os
import signal
import stat
import sys
import time

import pytest

from arrow_quant_v2 import ArrowQuantError, bridge

HERE = os.path.dirname(os.path.abspath(__file__))


def test_every_error_is_of_the_library_and_one_of_pythons_own():
    for name in bridge.__all__:
        if name.endswith("Error") and name != "BridgeError":
            error = getattr(bridge, name)
            assert issubclass(error, bridge.BridgeError) and issubclass(error, ArrowQuantError)
            assert len([base for base in error.__mro__ if base.__module__ == "builtins"]) >= 4, name
            assert "said" in str(error("said")) and error.__doc__


def test_the_exception_of_the_function_arrives_with_its_traceback(other):
    with pytest.raises(bridge.RemoteError) as caught:
        other.call("remote:fails", "no such \u00e9 scene")
    error = caught.value
    assert (error.type_name, error.text) == ("ValueError", "no such \u00e9 scene")
    assert "raised ValueError: no such \u00e9 scene" in str(error) and other.executable in str(error)
    assert (
        "KeyError: 'inner'" in error.traceback and "raise ValueError(message) from error" in error.traceback
    )
    assert "worker.py" not in error.traceback
    assert other.call("remote:echo", 1) == 1


def test_exit_in_the_function_is_an_exception_as_well(other):
    with pytest.raises(bridge.RemoteError, match="SystemExit: 3"):
        other.call("remote:leaves", 3)
    assert other.call("remote:echo", 1) == 1


def test_a_wrong_number_of_arguments_is_the_functions_own_error(other):
    with pytest.raises(bridge.RemoteError, match="TypeError: .*argument"):
        other.call("remote:echo")


def test_a_missing_module(other):
    with pytest.raises(
        bridge.ModuleMissingError, match="finds no module 'spz_hepler'.*path=.*-m pip install spz_hepler"
    ) as caught:
        other.call("spz_hepler:load")
    assert caught.value.name == "spz_hepler" and "it looked in:" in str(caught.value)
    with pytest.raises(bridge.ModuleMissingError, match="no module 'remote_package'"):
        other.call("remote_package.inner:load")


def test_a_module_that_the_module_needs(other, tmp_path):
    (tmp_path / "imports_missing.py").write_text('"""Test."""\nimport spz_of_nobody\n')
    with pytest.raises(
        bridge.ModuleMissingError,
        match="imports_missing needs the module 'spz_of_nobody'.*-m pip install spz_of_nobody",
    ):
        other.call("imports_missing:load", path=tmp_path)
    with pytest.raises(bridge.RemoteError, match="ModuleNotFoundError"):
        other.call("remote:needs_missing")


def test_a_module_that_cannot_be_compiled(other, tmp_path):
    (tmp_path / "broken_module.py").write_text("def load(:\n")
    with pytest.raises(bridge.RemoteError, match="SyntaxError"):
        other.call("broken_module:load", path=[tmp_path])


def test_a_missing_function_tells_what_there_is(other):
    with pytest.raises(
        bridge.FunctionMissingError, match=r"there is no 'load_spz' in .*remote\.py, which has .*echo"
    ):
        other.call("remote:load_spz")
    with pytest.raises(bridge.FunctionMissingError, match="a_number is no function but a int"):
        other.call("remote:a_number")
    assert other.call("remote:Thing.double", 4) == 8


@pytest.mark.parametrize("name", ["remote", "remote:", ":echo", ""])
def test_a_name_of_no_function(other, name):
    with pytest.raises(bridge.BridgeError, match="module:function"):
        other.call(name)


def test_no_interpreter(tmp_path, any_python):
    program = tmp_path / "python"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "removed")
    program.write_text("text")
    for path, message in [
        (tmp_path / "nothing", "there is no such file"),
        (link, "leads to a file that was removed"),
        (tmp_path, "is a directory; give the interpreter in it"),
        ("python-that-nobody-has", "no such program on PATH"),
        (program, "may not be executed"),
    ]:
        with pytest.raises(bridge.InterpreterNotFoundError, match=message):
            bridge.Interpreter(path)
    program.chmod(0o755)
    with pytest.raises(
        bridge.InterpreterNotFoundError, match="is no Python that can be used.*cannot be started"
    ):
        bridge.Interpreter(program).start()
    program.write_bytes(b"\x7fELF garbage")
    with pytest.raises(bridge.InterpreterNotFoundError, match="is no Python that can be used"):
        bridge.Interpreter(program).start()
    for other in ("/bin/ls", "/bin/true", "/bin/sh"):
        with pytest.raises(bridge.InterpreterNotFoundError, match="does not behave as a Python"):
            bridge.Interpreter(other, output="capture").start()


def test_environments_that_are_none(tmp_path, monkeypatch):
    for which, message in [
        ({"venv": tmp_path / "no"}, "there is no such directory"),
        ({"venv": tmp_path}, "is no virtual environment that works"),
        ({"conda": str(tmp_path)}, "no directory conda-meta"),
        ({"conda": "env-of-nobody"}, "there is no conda environment 'env-of-nobody' .found: "),
        ({"version": "3.99"}, "there is no Python 3.99"),
    ]:
        with pytest.raises(bridge.InterpreterNotFoundError, match=message):
            bridge.Interpreter(**which)
    for which, message in [
        ({}, "nothing says which"),
        ({"conda": "a", "venv": "b"}, "conda and venv"),
        ({"version": "three"}, "no version of Python"),
        ({"python": sys.executable, "transport": "pigeon"}, "there are auto, pipe"),
        ({"python": sys.executable, "output": "nowhere"}, "there are 'stderr'"),
        ({"python": sys.executable, "path": "/nowhere"}, "is no directory"),
    ]:
        with pytest.raises(bridge.BridgeError, match=message):
            bridge.Interpreter(**which)
    with pytest.raises(bridge.BridgeError, match="cwd= is no directory"):
        bridge.Interpreter(sys.executable, cwd="/nowhere").start()


def test_no_numpy(python):
    with pytest.raises(
        bridge.NumpyMissingError, match="has no numpy; install it there: .*-m pip install numpy"
    ):
        bridge.Interpreter(python("bare"), output="capture").start()


def test_a_numpy_that_cannot_be_imported(any_python, tmp_path):
    """A stub of numpy that fails stands for one of another Python."""
    wrapper = tmp_path / "python"
    (tmp_path / "numpy.py").write_text('raise ImportError("numpy.core.multiarray failed to import")\n')
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    wrapper.write_text(f'#!/bin/sh\nshift 2\nexec {any_python} -I -B -c "{code}" "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(
        bridge.NumpyMissingError,
        match="(?s)numpy cannot be imported.*multiarray failed.*--force-reinstall numpy",
    ) as caught:
        bridge.Interpreter(wrapper, output="capture").start()
    assert "Traceback" in str(caught.value)


def test_a_numpy_that_is_too_old(any_python, tmp_path):
    wrapper = tmp_path / "python"
    code = "import sys, numpy; numpy.__version__ = '1.16.6'; import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    wrapper.write_text(f'#!/bin/sh\nshift 2\nexec {any_python} -I -B -c "{code}" "$@"\n')
    wrapper.chmod(0o755)
    with pytest.raises(bridge.TooOldError, match="numpy 1.16.6, and the bridge needs 1.17"):
        bridge.Interpreter(wrapper, output="capture").start()


def test_a_python_that_is_too_old(python):
    with pytest.raises(bridge.TooOldError, match=r"is Python 3\.7\.\d+, and the bridge needs 3\.8 or newer"):
        bridge.Interpreter(python("bare 3.7"), output="capture").start()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_child_that_is_killed(any_python, number, clean):
    with bridge.Interpreter(any_python, output="capture") as other:
        with pytest.raises(bridge.ChildDiedError, match=f"killed by {signal.Signals(number).name}") as caught:
            other.call("remote:dies", int(number))
        assert caught.value.signal == number and caught.value.code is None
        assert ("out of memory" in str(caught.value)) == (number == signal.SIGKILL)
        assert other.call("remote:echo", 5) == 5


def test_a_child_that_ends(any_python, clean):
    with bridge.Interpreter(any_python, output="capture") as other:
        with pytest.raises(bridge.ChildDiedError, match="exit code 7") as caught:
            other.call("remote:ends", 7)
        assert (caught.value.signal, caught.value.code) == (None, 7)


def test_time_is_over_and_everything_is_killed(any_python, tmp_path, clean):
    file = tmp_path / "grandchild"
    with bridge.Interpreter(any_python, output="capture") as other:
        begun = time.monotonic()
        with pytest.raises(bridge.CallTimeoutError, match="longer than 1 s, and was killed with everything"):
            other.call("remote:starts_and_sleeps", str(file), timeout=1)
        assert time.monotonic() - begun < 10
        assert file.read_text().isdigit()
        assert other.call("remote:echo", 1, timeout=60) == 1
        with pytest.raises(TimeoutError):
            other.call("remote:holds_the_interpreter", 30, timeout=0.3)


def test_a_start_that_takes_too_long(tmp_path, clean):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    with pytest.raises(bridge.CallTimeoutError, match="did not start within 0.5 s; give start_timeout= more"):
        bridge.Interpreter(program, start_timeout=0.5).start()


def test_no_memory(other):
    with pytest.raises(bridge.OutOfMemoryError, match="has not enough memory for remote:takes_memory"):
        other.call("remote:takes_memory")
    assert other.call("remote:echo", 1) == 1


def test_garbage_is_told_and_not_read(any_python, clean):
    with bridge.Interpreter(any_python, output="capture") as other:
        with pytest.raises(
            bridge.ProtocolError, match="no message of the bridge: it begins with b.Loading model"
        ):
            other.call("remote:writes_garbage")
        assert other.call("remote:echo", 1) == 1


def test_a_child_that_closes_the_channel(any_python, clean):
    with bridge.Interpreter(any_python, output="capture") as other:
        with pytest.raises(bridge.ChildDiedError):
            other.call("remote:closes_everything")
        assert other.call("remote:echo", 1) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"hello",
        b"\0" * 1000,
        b"AQB1" + b"\xff" * 16,
        b"AQB1\2\0\0\0" + (1 << 31).to_bytes(4, "little") + bytes(8),
        b"AQB1\2\0\0\0" + (4).to_bytes(4, "little") + (1 << 60).to_bytes(8, "little"),
        b"AQB1\2\0\0\0" + (2).to_bytes(4, "little") + bytes(8) + b"[]",
        b"AQB1\2\0\0\0" + (2).to_bytes(4, "little") + bytes(8) + b"{}",
        b"AQB1\2\0\0\0" + (9).to_bytes(4, "little") + bytes(8) + b"[[[[[[[[[",
    ]
    + [
        b"AQB1\5%c\0\0" % transport + len(text).to_bytes(4, "little") + bytes(8) + text
        for transport in range(6)
        for text in [
            b'{"tree":["a","<f4",[99999999999],0,0],"buffers":[[0,0,0]],"segments":[]}',
            b'{"tree":["a","<f4",[4],0,0],"buffers":[[1,0,16]],"segments":[16]}',
            b'{"tree":["a","|O",[1],0,0],"buffers":[[0,0,0]],"segments":[]}',
            b'{"tree":["a","<f4",[-1],0,-5],"buffers":[[0,-9,4]],"segments":[]}',
            b'{"tree":1,"buffers":[],"segments":[99999999999999999]}',
            b'{"tree":["d",[[],1]],"buffers":[],"segments":[]}',
            b'{"tree":' + b"[" * 100000 + b"1" + b"]" * 100000 + b',"buffers":[],"segments":[]}',
        ]
    ],
)
def test_hostile_bytes_end_in_an_error(tmp_path, any_python, sent, clean):
    """A program in place of Python that writes what it likes, and waits."""
    import arrow_quant_v2.bridge as package

    script = tmp_path / "hostile.py"
    script.write_text(
        f"import os, sys, time\nos.write(int(sys.argv[4]), {sent!r})\ntime.sleep({60 if sent else 0})\n"
    )
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {any_python} -S -E {script} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(package.BridgeError) as caught:
        # Some wait for more, as a slow child would.
        package.Interpreter(program, output="capture", start_timeout=1.0).start()
    assert isinstance(
        caught.value,
        (
            package.ProtocolError,
            package.CallTimeoutError,
            package.ChildDiedError,
            package.InterpreterNotFoundError,
        ),
    )


def test_closed(any_python):
    other = bridge.Interpreter(any_python)
    other.close()
    with pytest.raises(bridge.ClosedError, match="was closed; make a new Interpreter"):
        other.call("remote:echo", 1)
    assert "closed" in repr(other)
