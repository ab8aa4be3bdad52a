"""Calls side by side, forks, threads, asyncio, progress, and the environment of the child."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import processes_with, wait_until

from arrow_quant_v2 import bridge

HERE = os.path.dirname(os.path.abspath(__file__))


def test_one_shot(any_python, clean):
    assert (bridge.call(any_python, "remote:make", 5, factor=2.0)["numbers"] == np.arange(5) * 2).all()
    with pytest.raises(bridge.CallTimeoutError):
        bridge.call(any_python, "remote:sleeps", 60, timeout=1.5)


def test_one_process_stays(any_python):
    with bridge.Interpreter(any_python) as other:
        assert other.call("remote:pid") == other.call("remote:pid") == other.pid != os.getpid()
        assert other.call("remote:remembers", 1) == other.call("remote:remembers", 2) == 1


def test_it_starts_at_the_first_call(any_python):
    other = bridge.Interpreter(any_python)
    assert other.pid is None and "not started" in repr(other)
    assert other.call("remote:echo", 1) == 1
    assert other.pid is not None
    other.close()
    assert other.pid is None


def test_it_ends_with_the_last_reference(any_python, clean):
    other = bridge.Interpreter(any_python)
    other.start()
    assert processes_with(clean)
    del other
    wait_until(lambda: not processes_with(clean), "the child lives on")


def test_descriptors_are_given_back(any_python):
    def number():
        return len(os.listdir("/proc/self/fd"))

    with bridge.Interpreter(any_python, output="capture") as other:
        other.call("remote:echo", np.zeros(100000))
    before = number()
    for transport in ["direct", "memfd", "file", "pipe"]:
        with bridge.Interpreter(any_python, output="capture", transport=transport) as other:
            for _ in range(5):
                other.call("remote:echo", [np.zeros(100000), np.zeros(100000)])
    wait_until(lambda: number() <= before, lambda: f"{number()} descriptors, {before} before")


def test_two_calls_at_once_take_turns(any_python):
    with bridge.Interpreter(any_python) as other:
        results = []
        threads = [
            threading.Thread(
                target=lambda n=n: results.append((n, other.call("remote:echo", np.full(50000, n))[0]))
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [(n, n) for n in range(8)]


def test_a_pool_runs_them_at_once(any_python, clean):
    with bridge.Pool(any_python, size=2) as pool:
        assert pool.map("remote:pid", []) == []
        pool.map("remote:sleeps", [0.5, 0.5])
        begun = time.monotonic()
        assert pool.map("remote:sleeps", [0.7, 0.6, 0.0, 0.0]) == [0.7, 0.6, 0.0, 0.0]
        assert time.monotonic() - begun < 1.2
        with pytest.raises(bridge.RemoteError):
            pool.map("remote:fails", ["a", "b"])
        assert pool.call("remote:echo", 1) == 1
    with pytest.raises(bridge.ClosedError):
        pool.call("remote:echo", 1)
    with pytest.raises(bridge.BridgeError, match="at least one"):
        bridge.Pool(any_python, size=0)


def test_asyncio(any_python, clean):
    async def run():
        with bridge.Pool(any_python, size=2) as pool:
            told = []
            results = await asyncio.gather(
                *(pool.acall("remote:echo", np.full(50000, n)) for n in range(6)),
                pool.acall("remote:counts", 3, progress=lambda step, array: told.append((step, array.sum()))),
            )
            assert [int(result[0]) for result in results[:6]] == list(range(6)) and results[6] == 3
            assert told == [(0, 0), (1, 3), (2, 6)]
            with pytest.raises(bridge.RemoteError, match="ValueError: x"):
                await pool.acall("remote:fails", "x")

    asyncio.run(run())


def test_cancelling_kills_the_call_and_only_that(any_python, clean):
    async def run():
        with bridge.Interpreter(any_python) as other:
            await other.acall("remote:echo", 1)
            first = asyncio.ensure_future(other.acall("remote:sleeps", 60))
            await asyncio.sleep(0.3)
            waiting = asyncio.ensure_future(other.acall("remote:sleeps", 60))
            await asyncio.sleep(0.1)
            pid = other.pid
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert other.pid == pid, "the call that ran was hit by another one's cancellation"
            begun = time.monotonic()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(first, 0.1)
            assert time.monotonic() - begun < 5
            assert await other.acall("remote:echo", 2) == 2
            assert other.pid != pid

    asyncio.run(run())


def test_close_from_another_thread_ends_a_call(any_python, clean):
    other = bridge.Interpreter(any_python)
    other.start()
    threading.Timer(0.3, other.close).start()
    with pytest.raises(bridge.ClosedError, match="was ended by close"):
        other.call("remote:sleeps", 60)


def test_interrupting_a_call_kills_it(any_python, clean, tmp_path):
    # The handler is set, as the signal is ignored in whatever a shell has started in the background.
    script = "import sys, os, signal, threading; signal.signal(signal.SIGINT, signal.default_int_handler); sys.path[:0] = %r; from arrow_quant_v2 import bridge; o = bridge.Interpreter(%r); o.start(); threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\ntry: o.call('remote:sleeps', 60, path=%r)\nexcept KeyboardInterrupt: print('interrupted', o.pid)"
    script %= ([path for path in sys.path if path], any_python, HERE)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "interrupted None\n", ran


def test_progress(any_python):
    with bridge.Interpreter(any_python) as other:
        told = []
        assert (
            other.call("remote:counts", 3, progress=lambda step, array: told.append((step, array.tolist())))
            == 3
        )
        assert told == [(0, [0, 0, 0]), (1, [1, 1, 1]), (2, [2, 2, 2])]
        assert other.call("remote:counts", 3) == 3
        steps = []
        assert other.call("remote:yields", 2, progress=steps.append) == "done"
        assert steps == [{"step": 0}, {"step": 1}]
        with pytest.raises(bridge.CrossingError, match="generator.*progress="):
            other.call("remote:yields", 2)
        assert other.call("remote:echo", 1, progress=print) == 1


def test_progress_that_fails_ends_the_call(any_python, clean):
    def fail(step, array):
        raise RuntimeError("enough")

    with bridge.Interpreter(any_python) as other:
        pid = other.pid
        with pytest.raises(RuntimeError, match="enough"):
            other.call("remote:counts", 1000, progress=fail)
        assert other.call("remote:pid") != pid

        def again(step, array):
            other.call("remote:echo", 1)

        with pytest.raises(bridge.ClosedError, match="progress callback"):
            other.call("remote:counts", 3, progress=again)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_of_the_parent_has_a_child_of_its_own(any_python, clean):
    with bridge.Interpreter(any_python) as other:
        pid = other.call("remote:pid")
        number = os.fork()
        if number == 0:
            code = 1
            try:
                mine = other.call("remote:pid")
                code = 0 if mine != pid and other.call("remote:echo", 3) == 3 else 2
                other.close()
            finally:
                os._exit(code)
        assert os.waitpid(number, 0)[1] == 0
        assert other.call("remote:pid") == pid


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_lives_on_does_not_keep_the_child_alive(any_python, clean):
    """The parent is a process that forks, and is killed while its fork lives."""
    script = "import sys, os, time; sys.path[:0] = %r; from arrow_quant_v2 import bridge; o = bridge.Interpreter(%r); o.start()\nif os.fork() == 0:\n    os.environ.clear(); time.sleep(3); os._exit(0)\nprint(o.pid, flush=True); time.sleep(60)"
    script %= ([path for path in sys.path if path], any_python)
    ran = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(ran.stdout.readline())
    ran.kill()
    ran.wait()
    ran.stdout.close()
    wait_until(lambda: pid not in processes_with(clean), "the child lives", 2.5)


def test_forks_of_the_child_have_nothing_to_say(any_python, clean):
    with bridge.Interpreter(any_python) as other:
        assert other.call("remote:forks") > 0
        assert other.call("remote:echo", 1) == 1
        assert other.call("remote:returns_in_fork") > 0
        assert other.call("remote:echo", 2) == 2


def test_the_end_of_the_child_is_seen_though_a_fork_of_it_lives(any_python, clean):
    with bridge.Interpreter(any_python) as other:
        other.call("remote:forks")
        begun = time.monotonic()
        with pytest.raises(bridge.ChildDiedError):
            other.call("remote:dies", 9)
        assert time.monotonic() - begun < 5


def test_the_environment_of_the_child_is_clean(any_python, monkeypatch, tmp_path):
    for name in [
        "PYTHONPATH",
        "PYTHONHOME",
        "LD_LIBRARY_PATH",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "VIRTUAL_ENV",
        "PYTHONSTARTUP",
    ]:
        monkeypatch.setenv(name, "/misleading")
    monkeypatch.setenv("PATH", f"/misleading/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KEPT", "yes")
    with bridge.Interpreter(any_python, env={"ADDED": "1"}, cwd=tmp_path) as other:
        variables = other.call("remote:variables")
        executable, directory, isolated, path = other.call("remote:where")
    assert not [name for name, value in variables.items() if "/misleading" in value]
    assert variables["KEPT"] == "yes" and variables["ADDED"] == "1"
    assert os.path.realpath(directory) == os.path.realpath(tmp_path) and isolated
    assert "/misleading" not in path and path[-1] == HERE


def test_path_comes_first_and_the_callers_directory_last(any_python, tmp_path):
    (tmp_path / "remote.py").write_text('"""Another one."""\ndef echo(value): return "other"\n')
    with bridge.Interpreter(any_python, path=tmp_path) as other:
        assert other.call("remote:echo", 1) == "other"
    with bridge.Interpreter(any_python) as other:
        assert other.call("remote:echo", 1, path=[tmp_path]) == "other"


def test_conda_environments_are_found_by_name(any_python, tmp_path, monkeypatch):
    prefix = tmp_path / "root/envs/spz-env"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "conda-meta").mkdir()
    (tmp_path / "root/conda-meta").mkdir()
    wrapper = prefix / "bin/python"
    wrapper.write_text(f'#!/bin/sh\nexec {any_python} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("MAMBA_ROOT_PREFIX", str(tmp_path / "root"))
    for which in [{"conda": "spz-env"}, {"conda": prefix}, {"python": wrapper}]:
        with bridge.Interpreter(**which) as other:
            variables = other.call("remote:variables")
            assert variables["PATH"].split(os.pathsep)[0] == str(prefix / "bin")
            assert variables["CONDA_PREFIX"] == str(prefix)
    with pytest.raises(bridge.InterpreterNotFoundError, match="a conda environment; say conda="):
        bridge.Interpreter(prefix)


def test_virtual_environments(any_python, tmp_path):
    prefix = os.path.dirname(os.path.dirname(any_python))
    if not os.path.isfile(os.path.join(prefix, "pyvenv.cfg")):
        pytest.skip("the interpreter is in no virtual environment")
    with bridge.Interpreter(venv=prefix) as other:
        assert other.call("remote:echo", 1) == 1
    with pytest.raises(bridge.InterpreterNotFoundError, match="say venv="):
        bridge.Interpreter(prefix)


def test_threads_of_the_child_are_those_of_the_bridge(any_python):
    with bridge.Interpreter(any_python) as other:
        assert other.call("remote:threads") == 2
