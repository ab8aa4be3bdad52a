"""Arrays in files, for those who want files: no pickle, None is None, and no file is ever half written."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Optional, cast

import numpy as np

from .errors import ArrayFileError, CrossingError
from .find import AnyPath
from .trees import Refused, dtype_note, name_of

# The member that lists the names whose value is None; other readers see an array of text.
NONE = "__none__"


def save_npz(path: AnyPath, arrays: Mapping[str, Any], *, compress: bool = False) -> None:
    """Writes arrays, and None, into an .npz file that every numpy reads with `allow_pickle=False`.

    Numbers, truth values and text become arrays without axes. What only a pickle could hold is
    refused by name before anything is written. The file is written beside its place, brought to the
    disk and moved there, so `path` holds the old file or the new one, whole; what was written of a
    new one is removed if that fails.
    """
    members: dict[str, np.ndarray[Any, Any]] = {}
    missing = []
    for name, value in arrays.items():
        where = f"arrays[{name!r}]"
        if (
            not isinstance(name, str)
            or not name
            or name == NONE
            or name.startswith("/")
            or ".." in name.split("/")
        ):
            raise _refused(where, "a name that a file cannot have", "use text that is no path")
        if value is None:
            missing.append(name)
            continue
        if isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap):
            cure = (
                "save x.data and numpy.ma.getmaskarray(x) under two names"
                if isinstance(value, np.ma.MaskedArray)
                else "save numpy.asarray(...) of it"
            )
            raise _refused(where, f"a {name_of(type(value))}, which is more than an array", cure)
        if not isinstance(value, (np.ndarray, np.generic, bool, int, float, complex, str, bytes)):
            raise _refused(
                where, f"an object of type {name_of(type(value))}", "save arrays, numbers, text and None"
            )
        array = np.asarray(value)
        try:
            dtype_note(np, array.dtype, (where,), True)
            np.lib.format.dtype_to_descr(array.dtype)
        except Refused as error:
            raise _refused(error.where, error.what, error.cure) from None
        except ValueError as error:
            cure = "save it as numpy.lib.recfunctions.repack_fields(...) of it"
            raise _refused(where, f"a structure that .npy files cannot describe ({error})", cure) from None
        members[name] = array
    if missing:
        members[NONE] = np.array(missing)
    target = Path(os.fspath(path))
    _replace(target, lambda file: _write(file, members, compress))


def _refused(where: str, what: str, cure: str) -> CrossingError:
    error = CrossingError(f"{where} is {what}; {cure}")
    error.where = where
    return error


def _write(file: BinaryIO, members: Mapping[str, np.ndarray[Any, Any]], compress: bool) -> None:
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", how, allowZip64=True) as archive:
        for name, array in members.items():
            # A date of its own would make two files of the same arrays differ.
            member = zipfile.ZipInfo(name + ".npy")
            member.compress_type = how
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(cast(Any, stream), array, allow_pickle=False)


def _replace(target: Path, write: Any) -> None:
    """Writes a file beside its place and moves it there; a link is followed."""
    target = Path(os.path.realpath(target))
    aside = target.with_name(f".{target.name[:100]}.{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    unnamed = _unnamed(target.parent)
    file = os.open(aside, flags, 0o666) if unnamed is None else unnamed
    try:
        with os.fdopen(file, "wb") as stream:
            write(stream)
            stream.flush()
            if target.exists() and os.name == "posix":
                os.fchmod(stream.fileno(), stat.S_IMODE(target.stat().st_mode))
            os.fsync(stream.fileno())
            if unnamed is not None:
                # Only with a descriptor does it follow the link, which is an absolute one.
                here = stream.fileno()
                os.link(f"/proc/self/fd/{here}", aside, src_dir_fd=here, follow_symlinks=True)
        os.replace(aside, target)
    except BaseException:
        try:
            os.unlink(aside)
        except OSError:
            pass
        raise
    if os.name == "posix":
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        except OSError:
            pass  # Not every file system does that for directories.
        finally:
            os.close(directory)


def _unnamed(directory: Path) -> Optional[int]:
    """A file without a name, which goes with this process if that is killed meanwhile."""
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.open(directory, flag | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError:
        return None


def load_npz(path: AnyPath) -> dict[str, Any]:
    """Reads what `save_npz` wrote, or any other .npz file without pickles: a dict, None where it was.

    Nothing in the file is executed, whatever it is. Members that only a pickle could hold are refused
    by name, and an array takes no more memory than the file states for it.
    """
    text = os.fspath(path)
    found: dict[str, Any] = {}
    try:
        with zipfile.ZipFile(text) as archive:
            for member in archive.infolist():
                name = member.filename[:-4] if member.filename.endswith(".npy") else member.filename
                with archive.open(member) as stream:
                    found[name] = _read(cast(BinaryIO, stream), member, f"{text}, {name}")
    except zipfile.BadZipFile as error:
        with open(text, "rb") as stream:
            begin = stream.read(40)
        raise ArrayFileError(
            f"{text}: {_what_it_is(begin)} ({error}); write it again, with bridge.save_npz or numpy.savez"
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise ArrayFileError(f"{text}: {error}; write it with bridge.save_npz or numpy.savez") from error
    for name in found.pop(NONE, ()):
        found[str(name)] = None
    return found


def _read(stream: BinaryIO, member: zipfile.ZipInfo, where: str) -> Any:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            # Headers of version 3 are those of 2 with names in UTF-8, and numpy reads both.
            shape, _, dtype = cast(Any, np.lib.format)._read_array_header(stream, version)
    except (ValueError, EOFError, TypeError, SyntaxError) as error:
        raise ArrayFileError(f"{where} is no array: {error}; see what wrote it") from error
    if dtype.hasobject:
        raise ArrayFileError(
            f"{where} holds Python objects, which only a pickle can; write it again with a dtype of numbers, text or bytes"
        )
    count = 1
    for length in shape:
        count *= int(length)
    size = count * dtype.itemsize
    if count < 0 or size != member.file_size - stream.tell():
        raise ArrayFileError(
            f"{where} states {size} bytes of data and has {member.file_size - stream.tell()}; it is damaged, copy or write it again"
        )
    if member.compress_size * 1100 + 4096 < member.file_size:
        raise ArrayFileError(
            f"{where} states {member.file_size} bytes in {member.compress_size}, more than deflate can pack; it is damaged"
        )
    stream.seek(0)
    try:
        return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise ArrayFileError(f"{where} is damaged: {error}; copy or write it again") from error


def _what_it_is(begin: bytes) -> str:
    if not begin:
        return "it is empty"
    if begin.startswith(b"version https://git-lfs"):
        return "it is a pointer of git-lfs, not the file; run `git lfs pull`"
    if begin.startswith(b"PK"):
        return "it is a zip archive that was cut off"
    if begin.startswith(b"\x93NUMPY"):
        return "it is a single array (.npy); read it with numpy.load(..., allow_pickle=False)"
    if begin[:1] == b"\x80":
        return "it is a pickle"
    return f"it is no .npz file, it begins with {begin[:16]!r}"
