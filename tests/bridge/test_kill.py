"""Killed at random points, either side leaves nothing, hangs nobody, and is told of clearly."""

import glob
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
from conftest import pythons

from arrow_quant_v2 import bridge

HERE = os.path.dirname(os.path.abspath(__file__))


def seed():
    """Printed, so that a run can be done again: ARROW_QUANT_BRIDGE_SEED."""
    found = int(os.environ.get("ARROW_QUANT_BRIDGE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    print("seed", found)
    return found


def children():
    """Numbers of the children of this process."""
    found = []
    for path in glob.glob("/proc/self/task/*/children"):
        try:
            with open(path) as stream:
                found += map(int, stream.read().split())
        except OSError:
            continue
    return found


def kill_soon(delay, before, done):
    """Kills the child that is there after a while."""
    time.sleep(delay)
    while not done.is_set():
        for pid in children():
            if pid not in before:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                return
        time.sleep(0.001)


def test_the_child_is_killed_100_times(clean):
    chance = random.Random(seed())
    usable = [path for name, path in pythons().items() if not name.startswith("bare")]
    before, died = set(children()), 0
    array = np.random.RandomState(1).standard_normal(500_000)
    others = {}
    for _ in range(100):
        which = chance.choice(usable), chance.choice(["auto", "auto", "memfd", "file", "pipe"])
        other = others.pop(which, None) or bridge.Interpreter(
            which[0], transport=which[1], output="capture", path=HERE
        )
        for rest in others.values():
            rest.close()
        others = {which: other}
        done = threading.Event()
        # From the start of the interpreter on, or in the middle of a call of a warm one.
        is_warm = chance.random() < 0.5
        if is_warm:
            other.start()
        delay = chance.random() * (0.03 if is_warm else 0.3)
        killer = threading.Thread(target=kill_soon, args=(delay, before, done))
        killer.start()
        try:
            begun = time.monotonic()
            for _ in range(1000):
                result = other.call("remote:echo", [array, array[::2]], timeout=60)
                assert (result[0] == array).all() and (result[1] == array[::2]).all()
                if not killer.is_alive():
                    break
        except bridge.ChildDiedError as error:
            died += 1
            assert (
                "SIGKILL" in str(error)
                and "the next call starts a new one" in str(error)
                or "while it was started" in str(error)
            ), error
        assert time.monotonic() - begun < 60
        done.set()
        killer.join()
        if not is_warm and chance.random() < 0.2:
            try:
                result = other.call("remote:echo", 1)
            except bridge.ChildDiedError:
                # It was killed after its last answer, which nobody had noticed.
                died += 1
                result = other.call("remote:echo", 1)
            assert result == 1
    for other in others.values():
        other.close()
    assert died > 60, died


def test_the_parent_is_killed_100_times(clean):
    usable = [path for name, path in pythons().items() if not name.startswith("bare")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    command = [sys.executable, os.path.join(HERE, "killing.py"), str(seed()), "100", *usable]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
    assert ran.stdout == "killed 100\n", ran
    # That no process, file or shared memory is left is seen by `clean`.
