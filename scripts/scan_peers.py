"""What picklescan and fickling say of every file of a directory, and how long each takes.

    python scan_peers.py DIRECTORY

Prints one JSON object: for each tool a list of [file, verdict] and the seconds that all of it took.
A verdict is "flagged", "unsure" (what the tool calls suspicious), "clean", or "failed" (it gave up). Nothing is
loaded: both tools read instructions.
"""

import contextlib
import io
import json
import logging
import os
import sys
import time


def picklescan(path):
    from picklescan.scanner import SafetyLevel, scan_file_path

    result = scan_file_path(path)
    if result.issues_count or result.infected_files:
        return "flagged"
    if result.scan_err:
        return "failed"
    return "unsure" if any(name.safety == SafetyLevel.Suspicious for name in result.globals) else "clean"


def fickling(path):
    from fickling.analysis import Severity, check_safety
    from fickling.fickle import StackedPickle

    with open(path, "rb") as file:
        pickles = StackedPickle.load(file)
    found = [check_safety(pickled).severity for pickled in pickles]
    if any(severity >= Severity.LIKELY_UNSAFE for severity in found):
        return "flagged"
    return "clean" if all(severity <= Severity.LIKELY_SAFE for severity in found) else "unsure"


def run(tool, paths):
    verdicts = []
    started = time.perf_counter()
    for path in paths:
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                verdict = tool(path)
        except BaseException:
            verdict = "failed"
        verdicts.append([path, verdict])
    return {"verdicts": verdicts, "seconds": time.perf_counter() - started}


def main(directory):
    logging.disable(logging.CRITICAL)
    paths = sorted(
        os.path.join(parent, name) for parent, _, names in os.walk(directory) for name in names
    )
    # What importing takes is not what scanning takes.
    for tool in (picklescan, fickling):
        with contextlib.suppress(BaseException):
            tool(paths[0])
    print(json.dumps({tool.__name__: run(tool, paths) for tool in (picklescan, fickling)}))


if __name__ == "__main__":
    main(sys.argv[1])
