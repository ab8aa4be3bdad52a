"""Make a real conda prefix without any channel on the network.

The packages are made from an installed CPython and from wheels of PyPI, put into a channel in a
local folder, and installed from there by rattler, which writes real `conda-meta` records. Packages
are made once and kept; every prefix of a later call only links them.

Usage: make_prefix.py PREFIX CHANNEL PYTHON [NAME=VERSION | NAME=VERSION@DIRECTORY ...]

PYTHON is the interpreter that becomes the package `python`. NAME=VERSION names a wheel;
NAME=VERSION@DIRECTORY makes a package of the files in DIRECTORY, laid out as in the prefix.
"""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import rattler
from conda_package_streaming.create import conda_builder
from rattler.index import index_fs

SUBDIR = "linux-64"
UNWANTED = {"test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "site-packages", "__pycache__"}


def main() -> None:
    prefix, channel, python = (Path(argument).absolute() for argument in sys.argv[1:4])
    version = describe(python)
    packages = channel / SUBDIR
    packages.mkdir(parents=True, exist_ok=True)
    with (channel / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = [ensure_python(packages, python, version)]
        for spec in sys.argv[4:]:
            name, _, number = spec.partition("=")
            number, _, directory = number.partition("@")
            if directory:
                wanted.append(ensure_directory(packages, Path(directory), name, number))
            else:
                wanted.append(ensure_wheel(packages, python, version, name, number))
        asyncio.run(install(channel, prefix, wanted))


def describe(python: Path) -> dict:
    """What the interpreter says about itself."""
    script = (
        "import json, sys, sysconfig; print(json.dumps({"
        "'base': sys.base_prefix, 'version': '%d.%d.%d' % sys.version_info[:3],"
        "'short': '%d.%d' % sys.version_info[:2]}))"
    )
    output = subprocess.run([python, "-I", "-c", script], check=True, capture_output=True)
    return json.loads(output.stdout)


def ensure_python(packages: Path, python: Path, version: dict) -> str:
    """The package `python`: the interpreter, its library, headers and standard library."""
    build = "0"
    if not (packages / f"python-{version['version']}-{build}.conda").exists():
        base, short = Path(version["base"]), version["short"]
        with tempfile.TemporaryDirectory(dir=packages.parent) as scratch:
            root = Path(scratch)
            (root / "bin").mkdir()
            shutil.copy2(base / "bin" / f"python{short}", root / "bin" / f"python{short}")
            for name in ("python", "python3"):
                (root / "bin" / name).symlink_to(f"python{short}")
            stdlib = base / "lib" / f"python{short}"
            target = root / "lib" / f"python{short}"
            shutil.copytree(stdlib, target, symlinks=True, ignore=ignored)
            (target / "site-packages").mkdir()
            (target / "site-packages" / "README.txt").write_text("Installed packages go here.\n")
            shutil.copytree(base / "include" / f"python{short}", root / "include" / f"python{short}")
            for library in base.glob("lib/libpython3*.so*"):
                shutil.copy2(library, root / "lib" / library.name, follow_symlinks=False)
            pack(packages, root, "python", version["version"], build, [])
    return f"python=={version['version']}"


def ignored(directory: str, names: list) -> set:
    """What a conda package leaves out: tests, caches, the static library."""
    return {name for name in names if name in UNWANTED or name.startswith("config-")}


def ensure_wheel(packages: Path, python: Path, version: dict, name: str, number: str) -> str:
    """A package made of a wheel, as conda-build makes it: unpacked, INSTALLER says conda."""
    short = version["short"]
    build = "py" + short.replace(".", "")
    if not (packages / f"{name}-{number}-{build}.conda").exists():
        with tempfile.TemporaryDirectory(dir=packages.parent) as scratch:
            wheels, root = Path(scratch) / "wheels", Path(scratch) / "root"
            download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            download += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", wheels]
            download += ["--python-version", short, f"{name}=={number}"]
            subprocess.run(download, check=True)
            site = root / "lib" / f"python{short}" / "site-packages"
            site.mkdir(parents=True)
            (wheel,) = wheels.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
            (info,) = site.glob("*.dist-info")
            (info / "INSTALLER").write_text("conda\n")
            pack(packages, root, name, number, build, [f"python {short}.*"])
    return f"{name} =={number} {build}"


def ensure_directory(packages: Path, directory: Path, name: str, number: str) -> str:
    """A package of the files in a directory."""
    digest = sha256()
    for path in sorted(directory.rglob("*")):
        digest.update(path.relative_to(directory).as_posix().encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    build = "h" + digest.hexdigest()[:12]
    if not (packages / f"{name}-{number}-{build}.conda").exists():
        with tempfile.TemporaryDirectory(dir=packages.parent) as scratch:
            root = Path(scratch) / "root"
            shutil.copytree(directory, root, symlinks=True)
            pack(packages, root, name, number, build, [])
    return f"{name} =={number} {build}"


def pack(packages: Path, root: Path, name: str, version: str, build: str, depends: list) -> None:
    """Write `root` as a `.conda` file with the records that rattler reads."""
    info = root / "info"
    info.mkdir()
    files = sorted(path for path in root.rglob("*") if info not in path.parents and path != info)
    files = [path for path in files if path.is_symlink() or path.is_file()]
    paths = [entry(root, path) for path in files]
    index = {
        "arch": "x86_64",
        "build": build,
        "build_number": 0,
        "depends": depends,
        "name": name,
        "platform": "linux",
        "subdir": SUBDIR,
        "timestamp": 1700000000000,
        "version": version,
    }
    (info / "index.json").write_text(json.dumps(index, indent=2, sort_keys=True))
    (info / "paths.json").write_text(json.dumps({"paths": paths, "paths_version": 1}))
    (info / "files").write_text("".join(f"{item['_path']}\n" for item in paths))
    (info / "about.json").write_text("{}")
    stem = f"{name}-{version}-{build}"
    with conda_builder(stem, packages, compression_level=1) as builder:
        for path in [*files, *sorted(info.iterdir())]:
            builder.add(path, arcname=path.relative_to(root).as_posix(), recursive=False)


def entry(root: Path, path: Path) -> dict:
    """One file of `paths.json`."""
    kind = "softlink" if path.is_symlink() else "hardlink"
    content = path.read_bytes() if path.is_file() else b""
    return {
        "_path": path.relative_to(root).as_posix(),
        "path_type": kind,
        "sha256": sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }


async def install(channel: Path, prefix: Path, wanted: list) -> None:
    """Solve against the local channel and install."""
    await index_fs(channel, force=True)
    local = rattler.Channel(channel.as_uri())
    records = await rattler.solve([local], wanted, platforms=[SUBDIR, "noarch"])
    cache = channel.parent / "conda-cache"
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # Rattler's threads outlive the event loop, and now and then the interpreter's own end meets
    # them and dies. All is written by now, so the end is skipped.
    os._exit(0)
