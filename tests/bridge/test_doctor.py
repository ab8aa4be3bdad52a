"""What the bridge's doctor says of a pair, held against the table of `truewheel doctor`."""

import itertools
import json
import os

import pytest

from arrow_quant_v2 import bridge
from arrow_quant_v2.bridge import pairs
from arrow_quant_v2.bridge.rules import KINDS, RULES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_the_rules_are_those_of_the_table():
    tomllib = pytest.importorskip("tomllib")
    with open(os.path.join(ROOT, "crates/numpy-rules/rules.toml"), "rb") as stream:
        table = tomllib.load(stream)
    assert KINDS == [(kind["id"], kind["name"], kind.get("since", "")) for kind in table["kinds"]]

    def bounds(rule, side):
        return rule[side].get("since", ""), rule[side].get("before", "")

    expected = []
    for rule in table["rules"]:
        (what,) = {"fails", "alters", "warns"} & set(rule)
        expected.append(
            (
                " ".join(rule["kinds"]),
                tuple(rule.get("protocols", ())),
                bounds(rule, "writer"),
                bounds(rule, "reader"),
                what,
                rule[what],
            )
        )
    assert RULES == expected


def test_directions_in_the_words_of_the_doctor():
    def said(writer, reader, python="3.11.7"):
        sides = [{"numpy": version, "python": python} for version in (writer, reader)]
        return pairs.direction(*sides)

    assert (
        said("2.2.6", "1.24.4")
        == "protocols 2 to 5 fail with `ModuleNotFoundError: No module named 'numpy._core'`"
    )
    assert (
        said("2.4.0", "1.26.1")
        == "protocols 2 to 4 load; protocol 5 fails with `ModuleNotFoundError: No module named 'numpy._core.numeric'`"
    )
    assert (
        said("1.24.4", "2.2.6")
        == "protocols 2 to 4 load; protocol 5 loads with a DeprecationWarning: numpy.core.numeric is deprecated"
    )
    assert said("1.24.4", "1.24.4") == "protocols 2 to 5 load"
    assert said("2.0.0rc1", "2.5.5") == "protocols 2 to 5 load"


def test_pairs(python):
    for here, there in itertools.permutations(["numpy 1.24.4", "numpy 2.2.6", "python 3.8"], 2):
        found = bridge.doctor(python(there))
        assert found.bridge_works and found.problem is None, found
        assert found.there["executable"] and str(found).count("\n") >= 5
    found = bridge.doctor(python("numpy 2.2.6"))
    is_one = int(found.here["numpy"].split(".")[0]) < 2
    assert found.pickle_works != is_one
    print(json.dumps([found.pickles_to, found.pickles_from]))


def test_what_does_not_work_is_said_and_not_raised(python, tmp_path):
    found = bridge.doctor(python("bare"))
    assert not found.bridge_works and "has no numpy" in found.problem and not found.pickle_works
    assert "the bridge does not work" in str(found)
    assert "no such file" in bridge.doctor(tmp_path / "nothing").problem
