"""What becomes of pickles between two numpys: the kinds and rules of `crates/numpy-rules/rules.toml`.

That file says how they were measured, and a test holds this one against it.
"""

from __future__ import annotations

# Kinds of objects that some numpy treats differently: id, name, the first numpy that has them.
KINDS: list[tuple[str, str, str]] = [
    ("array", "arrays in one piece", ""),
    ("non-contiguous", "slices with steps", ""),
    ("datetime", "arrays of dates and durations", ""),
    ("object", "arrays of Python objects", ""),
    ("aligned", "arrays of aligned structures", ""),
    ("aligned-dtype", "types of aligned structures", ""),
    ("string", "arrays of StringDType", "2.0"),
    ("scalar", "single values", ""),
    ("matrix", "matrices", ""),
    ("recarray", "record arrays", ""),
    ("chararray", "character arrays", ""),
    ("poly1d", "polynomials of class poly1d", ""),
    ("generator", "random generators", ""),
    ("bit-generator", "random bit generators", ""),
    ("random-state", "random states", ""),
    ("ufunc", "universal functions", ""),
    ("masked", "masked arrays", ""),
    ("dtype", "types of elements", ""),
    ("type", "types of single values", ""),
]

# The first rule that fits holds: kinds, protocols (none for all), the writer's and the reader's numpy
# (from one release on, before another one), what happens, and the message.
RULES: list[tuple[str, tuple[int, ...], tuple[str, str], tuple[str, str], str, str]] = [
    ("array non-contiguous datetime object aligned string scalar matrix recarray chararray poly1d", (), ("2.0", ""), ("", "1.26.1"), "fails", "ModuleNotFoundError: No module named 'numpy._core'"),
    ("ufunc", (), ("2.0", "2.2"), ("", "1.26.1"), "fails", "ModuleNotFoundError: No module named 'numpy._core'"),
    ("array aligned poly1d", (5,), ("2.0", ""), ("1.26.1", "2.0"), "fails", "ModuleNotFoundError: No module named 'numpy._core.numeric'"),
    ("aligned", (), ("2.0", ""), ("1.26.1", "2.0"), "fails", "ValueError: incorrect value for flags variable (overflow)"),
    ("aligned-dtype", (), ("2.0", ""), ("", "2.0"), "fails", "ValueError: incorrect value for flags variable (overflow)"),
    ("recarray", (), ("2.0", ""), ("1.26.1", "2.0"), "fails", "ModuleNotFoundError: No module named 'numpy.rec'"),
    ("chararray", (), ("2.0", ""), ("1.26.1", "2.0"), "fails", "ModuleNotFoundError: No module named 'numpy.char'"),
    ("string", (), ("2.0", ""), ("1.26.1", "2.0"), "fails", "AttributeError: Can't get attribute '_convert_to_stringdtype_kwargs' on <module 'numpy.core._internal'"),
    ("generator bit-generator", (), ("2.0", ""), ("", "1.18"), "fails", "ModuleNotFoundError: No module named 'numpy.random._pcg64'"),
    ("random-state", (), ("2.0", ""), ("", "1.18"), "fails", "ModuleNotFoundError: No module named 'numpy.random._mt19937'"),
    ("generator bit-generator", (), ("2.0", ""), ("", "2.0"), "fails", "ValueError: <class 'numpy.random._pcg64.PCG64'> is not a known BitGenerator module."),
    ("random-state", (), ("2.0", ""), ("", "2.0"), "fails", "ValueError: <class 'numpy.random._mt19937.MT19937'> is not a known BitGenerator module."),
    ("generator", (), ("1.24", "2.0"), ("", "1.24"), "fails", "TypeError: __generator_ctor() takes from 0 to 1 positional arguments but 2 were given"),
    ("random-state", (), ("1.24", "2.0"), ("", "1.24"), "fails", "TypeError: __randomstate_ctor() takes from 0 to 1 positional arguments but 2 were given"),
    ("aligned aligned-dtype", (), ("", "2.0"), ("2.0", ""), "alters", "aligned is False, not True"),
    ("datetime", (), ("2.3.3", ""), ("1.26.1", "2.3.3"), "alters", "its metadata cannot be read: TypeError: mappingproxy() argument must be a mapping"),
    ("array poly1d random-state", (5,), ("", "2.0"), ("2.0", ""), "warns", "DeprecationWarning: numpy.core.numeric is deprecated"),
    ("array non-contiguous datetime object aligned aligned-dtype scalar matrix recarray poly1d random-state masked dtype", (), ("", "1.19"), ("2.4", "2.4.5"), "warns", "VisibleDeprecationWarning: dtype(): align should be passed as Python or NumPy boolean"),
    ("chararray", (), ("", "2.0"), ("2.5", ""), "fails", "AttributeError: Can't get attribute 'chararray' on <module 'numpy'"),
    ("chararray", (), ("", "2.0"), ("2.0", ""), "warns", "DeprecationWarning: `np.chararray` is deprecated"),
    ("chararray", (), ("2.0", ""), ("2.5", ""), "warns", "DeprecationWarning: The chararray class is deprecated"),
]
