"""Processes that use the bridge and are killed at random points; run by test_kill.py.

Takes a seed, how many, and interpreters. This process has no threads, so that it may fork: every fork
is a parent with everything imported, which starts a child and calls it until it is killed.
"""

import os
import random
import signal
import sys
import time

import numpy as np

from arrow_quant_v2 import bridge

ROOM = 2  # So many at once.


def be_a_parent(python, transport):
    """Never comes back: starts a child, and moves arrays both ways until it is killed."""
    try:
        other = bridge.Interpreter(
            python, output="capture", transport=transport, path=os.path.dirname(os.path.abspath(__file__))
        )
        array = np.ones(300_000)
        while True:
            other.call("remote:echo", [array, {"a": array[:1000]}])
            other.call("remote:counts", 3, progress=lambda step, told: None)
    finally:
        os._exit(3)


def main():
    seed, number, pythons = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    chance = random.Random(seed)
    alive = {}
    ended_otherwise = 0
    for turn in range(number):
        python, transport = chance.choice(pythons), chance.choice(["auto", "memfd", "file", "pipe"])
        delay = chance.choice([0.02, 0.2, 0.6, 1.0]) * chance.random()
        pid = os.fork()
        if pid == 0:
            be_a_parent(python, transport)
        alive[pid] = time.monotonic() + delay
        while len(alive) >= ROOM or (alive and turn == number - 1):
            pid = min(alive, key=alive.get)
            time.sleep(max(0, alive.pop(pid) - time.monotonic()))
            os.kill(pid, signal.SIGKILL)
            ended_otherwise += os.waitpid(pid, 0)[1] != signal.SIGKILL
    print("killed", number - ended_otherwise)


if __name__ == "__main__":
    main()
