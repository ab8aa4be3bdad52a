"""What the tests of the wheel share; they run on the installed package."""

import pytest
from support import Lent


@pytest.fixture
def numbers():
    """Numbers that look like weights, the same every time, without numpy."""

    def make(count, seed=1):
        state, found = seed * 2654435761 % 2**32, []
        for _ in range(count):
            state = (state * 1664525 + 1013904223) % 2**32
            found.append((state / 2**32 - 0.5) * 0.1)
        return found

    return make


@pytest.fixture
def lent(numbers):
    """An array of float32 that is not numpy's."""
    return Lent.floats(numbers(512), (4, 128))
