"""Which interpreter is meant, and the environment that it gets."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from .errors import BridgeError, InterpreterNotFoundError

AnyPath = Union[str, "os.PathLike[str]"]

# What belongs to this interpreter or to the environment that it is in, and misleads another one: a
# leaked PYTHONPATH makes it import this one's numpy.
_MISLEADING = re.compile(
    r"PYTHON.*|CONDA_.*|_CE_.*|VIRTUAL_ENV.*|PYENV_VERSION|__PYVENV_LAUNCHER__|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_.*"
)

_PROGRAMS = "Scripts" if os.name == "nt" else "bin"


@dataclass(frozen=True)
class Found:
    """An interpreter, and the prefix of the conda environment that it is in, if it is in one."""

    executable: Path
    conda: Optional[Path] = None


def find(
    python: Optional[AnyPath], conda: Optional[AnyPath], venv: Optional[AnyPath], version: Optional[str]
) -> Found:
    """The one interpreter that is meant."""
    given = [
        name
        for name, value in (("python", python), ("conda", conda), ("venv", venv), ("version", version))
        if value is not None
    ]
    if len(given) != 1:
        said = " and ".join(given) if given else "nothing"
        raise BridgeError(
            f"{said} says which interpreter is meant: give exactly one of a path, conda=, venv= and version="
        )
    if python is not None:
        return by_path(os.fspath(python))
    if conda is not None:
        prefix = conda_prefix(os.fspath(conda))
        program = prefix / ("python.exe" if os.name == "nt" else "bin/python")
        return Found(
            usable(
                program,
                f"the conda environment {prefix} has no Python; install one: conda install --prefix {prefix} python numpy",
            ),
            prefix,
        )
    if venv is not None:
        prefix = Path(os.fspath(venv)).expanduser().absolute()
        if not prefix.is_dir():
            raise InterpreterNotFoundError(
                f"{prefix}: there is no such directory; make it with `python -m venv {prefix}`, or give the right venv="
            )
        name = "python.exe" if os.name == "nt" else "python"
        return Found(
            usable(
                prefix / _PROGRAMS / name,
                f"{prefix} is no virtual environment that works: it has no {_PROGRAMS}/{name}, or that leads to a Python that was removed; make it again with `python -m venv --clear {prefix}`",
            )
        )
    return by_version(str(version))


def by_path(text: str) -> Found:
    path = Path(text).expanduser()
    if os.sep not in text and not path.exists():
        on_path = shutil.which(text)
        if on_path is None:
            raise InterpreterNotFoundError(
                f"{text}: there is no such program on PATH; give the path of an interpreter, or conda=, venv= or version="
            )
        path = Path(on_path)
    path = path.absolute()
    if path.is_dir():
        if (path / "conda-meta").is_dir():
            raise InterpreterNotFoundError(
                f"{path} is a directory, a conda environment; say conda={str(path)!r}"
            )
        if (path / "pyvenv.cfg").is_file():
            raise InterpreterNotFoundError(
                f"{path} is a directory, a virtual environment; say venv={str(path)!r}"
            )
        raise InterpreterNotFoundError(
            f"{path} is a directory; give the interpreter in it, such as {path / _PROGRAMS / 'python'}"
        )
    advice = (
        "it leads to a file that was removed; make its environment again"
        if path.is_symlink()
        else "there is no such file; look with `cargo xtask envs` or `which -a python3`"
    )
    usable(path, f"{path}: {advice}")
    prefix = path.parent if os.name == "nt" else path.parent.parent
    return Found(path, prefix if (prefix / "conda-meta").is_dir() else None)


def usable(path: Path, otherwise: str) -> Path:
    if not path.is_file():
        raise InterpreterNotFoundError(otherwise)
    if not os.access(path, os.X_OK):
        raise InterpreterNotFoundError(f"{path} may not be executed by this user; see `ls -l {path}`")
    return path


def conda_prefix(text: str) -> Path:
    """The prefix of a conda environment, by its path or its name, from files alone."""
    if os.sep in text or text.startswith("~"):
        path = Path(text).expanduser().absolute()
        if not (path / "conda-meta").is_dir():
            raise InterpreterNotFoundError(
                f"{path} is no conda environment: it has no directory conda-meta; see `conda env list`"
            )
        return path
    names: dict[str, Path] = {}
    for prefix in _conda_environments():
        if (prefix / "conda-meta").is_dir():
            is_root = (prefix / "condabin").is_dir() or (prefix / "envs").is_dir()
            names.setdefault("base" if is_root and "base" not in names else prefix.name, prefix)
            names.setdefault(prefix.name, prefix)
    if text in names:
        return names[text]
    known = ", ".join(sorted(names)) or "none"
    raise InterpreterNotFoundError(
        f"there is no conda environment {text!r} (found: {known}); give the path of its prefix, which `conda env list` shows"
    )


def _conda_environments() -> Iterator[Path]:
    variables, home = os.environ, Path.home()
    roots = [Path(variables[name]) for name in ("MAMBA_ROOT_PREFIX", "CONDA_ROOT") if variables.get(name)]
    if variables.get("CONDA_EXE"):
        roots.append(Path(variables["CONDA_EXE"]).parent.parent)
    if variables.get("CONDA_PREFIX"):
        active = Path(variables["CONDA_PREFIX"])
        yield active
        roots.append(active.parent.parent if active.parent.name == "envs" else active)
    names = (
        "miniconda3",
        "anaconda3",
        "miniforge3",
        "mambaforge",
        "micromamba",
        "miniconda",
        "anaconda",
        "conda",
    )
    roots += [place / name for place in (home, home / ".local/share", Path("/opt")) for name in names]
    folders = [
        Path(part)
        for name in ("CONDA_ENVS_PATH", "CONDA_ENVS_DIRS")
        for part in variables.get(name, "").split(os.pathsep)
        if part
    ]
    for root in roots:
        yield root
        folders.append(root / "envs")
    folders.append(home / ".conda/envs")
    try:
        with open(home / ".conda/environments.txt", encoding="utf-8") as listed:
            yield from (Path(line.strip()) for line in listed.read(1 << 20).splitlines() if line.strip())
    except (OSError, ValueError):
        pass  # conda was never run by this user.
    for folder in folders:
        try:
            yield from sorted(entry for entry in folder.iterdir() if entry.is_dir())
        except OSError:
            continue


def by_version(version: str) -> Found:
    """An interpreter of a version such as 3.12 or 3.12.1; one with numpy before one without."""
    if not re.fullmatch(r"3\.\d+(\.\d+)?", version):
        raise BridgeError(f"version={version!r} is no version of Python; write it as in version='3.12'")
    found = [path for path in _installed(version) if path.is_file() and os.access(path, os.X_OK)]
    if not found:
        raise InterpreterNotFoundError(
            f"there is no Python {version} on PATH, under pyenv or under uv; install it, or give its path"
        )
    found.sort(key=lambda path: not _has_numpy(path))
    return by_path(str(found[0]))


def _has_numpy(python: Path) -> bool:
    prefix = python.resolve().parent.parent
    return (
        any(prefix.glob("lib/python3.*/*-packages/numpy/__init__.py"))
        or (prefix / "Lib/site-packages/numpy").is_dir()
    )


def _installed(version: str) -> Iterator[Path]:
    minor, is_whole = ".".join(version.split(".")[:2]), version.count(".") == 2
    home, program = Path.home(), "python.exe" if os.name == "nt" else "bin/python3"

    def newest(folder: Path, pattern: str) -> list[Path]:
        try:
            entries = [entry for entry in folder.iterdir() if re.match(pattern, entry.name)]
        except OSError:
            return []
        return sorted(
            entries, key=lambda entry: [int(part) for part in re.findall(r"\d+", entry.name)], reverse=True
        )

    numbers = re.escape(version) + (r"($|[^\d])" if is_whole else r"\.\d+($|[^\d])")
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    if not is_whole:
        for part in os.environ.get("PATH", "").split(os.pathsep):
            # A shim's answer depends on the directory that it is asked in.
            if part and Path(part).name != "shims":
                yield Path(part) / (f"python{minor}.exe" if os.name == "nt" else f"python{minor}")
    for folder in (*newest(pyenv, numbers), *newest(uv, "cpython-" + numbers)):
        yield folder / program
    if os.name == "nt":
        yield (
            Path(os.environ.get("LOCALAPPDATA", home))
            / f"Programs/Python/Python{minor.replace('.', '')}/python.exe"
        )


def child_environment(found: Found, extra: dict[str, str]) -> dict[str, str]:
    """The variables of the other interpreter: this one's, without what misleads it."""
    variables = {name: value for name, value in os.environ.items() if not _MISLEADING.fullmatch(name)}
    ours = [os.environ.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    drop = {
        os.path.normpath(os.path.join(prefix, part))
        for prefix in [*ours, sys.prefix if sys.prefix != sys.base_prefix else None]
        if prefix
        for part in ("bin", "Scripts", "condabin")
    }
    folders = [
        part
        for part in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if os.path.normpath(part) not in drop
    ]
    if found.conda is not None:
        # Programs and, on Windows, libraries of a conda environment are found by PATH alone.
        parts = (
            ("", "Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin")
            if os.name == "nt"
            else ("bin",)
        )
        folders[:0] = [str(found.conda / part) for part in parts]
        variables["CONDA_PREFIX"] = str(found.conda)
    else:
        folders.insert(0, str(found.executable.parent))
    variables["PATH"] = os.pathsep.join(folders)
    variables.update(extra)
    return variables
