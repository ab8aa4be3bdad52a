"""The examples of the wheel's README, which is also the description on a package index."""

import importlib.metadata

import pytest


def examples():
    """The blocks of Python in the description of the installed package."""
    text = importlib.metadata.metadata("arrow-quant-v2").get_payload()
    return [block.split("```")[0] for block in text.split("```python\n")[1:]]


def test_there_are_examples():
    assert len(examples()) == 2


@pytest.mark.parametrize("number", [0, 1])
def test_an_example_runs(number, capsys):
    exec(compile(examples()[number], f"example {number} of README.md", "exec"), {})
    if number == 0:
        assert capsys.readouterr().out.startswith("encoder.0.weight: 4.125 bits, ")
