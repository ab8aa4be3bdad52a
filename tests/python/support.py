"""Helpers of the tests: packages that may be missing, and arrays without numpy."""

import ctypes
import importlib
import os

import pytest


def needs(name):
    """A package, or a skip of the module that needs it.

    `ARROW_QUANT_TEST_PACKAGES` names those that are installed on purpose: their absence is a failure.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if name.split(".")[0] in os.environ.get("ARROW_QUANT_TEST_PACKAGES", "").split():
            raise
        return pytest.skip(f"{name} is not installed: {error}", allow_module_level=True)


class Lent:
    """Memory that is lent by the array interface."""

    def __init__(self, memory, typestr, shape, strides=None, offset=0):
        self.memory = memory
        self.interface = {
            "version": 3,
            "typestr": typestr,
            "shape": shape,
            "strides": strides,
            "data": (ctypes.addressof(memory) + offset, False),
        }

    @classmethod
    def floats(cls, numbers, shape=None):
        memory = (ctypes.c_float * len(numbers))(*numbers)
        return cls(memory, "<f4", shape or (len(numbers),))

    @property
    def __array_interface__(self):
        return self.interface


def same_rows(left, right):
    """Whether two lists of rows hold the same values, bit for bit."""

    def plain(row):
        return {key: bytes(x) if hasattr(x, "nbytes") else x for key, x in row.items()}

    return [plain(row) for row in left] == [plain(row) for row in right]
