"""Run commands again and again and say what each run took.

Usage: measure.py TASK

TASK is a file with `{"runs": N, "commands": [{"argv": [...], "directory": "...",
"variables": {...}}, ...]}`. Prints one list per command, with one
`[seconds, processor_seconds, peak_bytes]` per run. The commands take turns, so that whatever else
the machine does meets all of them. A command counts with everything that it starts and waits for.
"""

import json
import os
import sys
import time


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    results = [[] for _ in task["commands"]]
    for _ in range(task["runs"]):
        for command, measured in zip(task["commands"], results):
            measured.append(run(command))
    json.dump(results, sys.stdout)


def run(command: dict) -> list:
    """One run of one command, its output thrown away."""
    environment = {**os.environ, **command["variables"]}
    environment = {name: value for name, value in environment.items() if value}
    os.chdir(command["directory"])
    nothing = os.open(os.devnull, os.O_RDWR)
    streams = [(os.POSIX_SPAWN_DUP2, nothing, stream) for stream in (0, 1, 2)]
    started = time.perf_counter()
    argv = command["argv"]
    child = os.posix_spawnp(argv[0], argv, environment, file_actions=streams)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    os.close(nothing)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        sys.exit(f"{argv} ended with {code}")
    # Linux counts in kibibytes, macOS in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return [seconds, usage.ru_utime + usage.ru_stime, peak]


if __name__ == "__main__":
    main()
