"""Write many virtual environments, quickly: what the discovery reads, and nothing that runs.

Usage: make_environments.py DIRECTORY COUNT

Each has a `pyvenv.cfg`, a link to the interpreter that runs this, scripts, and records of ten
installed packages, as they lie in an environment of a small project.
"""

import os
import sys
from pathlib import Path

PACKAGES = {
    "numpy": "2.2.6",
    "packaging": "24.2",
    "pip": "25.0",
    "pluggy": "1.5.0",
    "pyarrow": "19.0.0",
    "pytest": "8.3.4",
    "pyyaml": "6.0.2",
    "requests": "2.32.3",
    "safetensors": "0.5.2",
    "tqdm": "4.67.1",
}


def main() -> None:
    directory, count = Path(sys.argv[1]), int(sys.argv[2])
    python = Path(os.path.realpath(sys.executable))
    version = "{}.{}".format(*sys.version_info)
    for number in range(count):
        make(directory / f"environment-{number}", python, version)


def make(prefix: Path, python: Path, version: str) -> None:
    """One environment."""
    programs = prefix / "bin"
    programs.mkdir(parents=True)
    site = prefix / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    config = f"home = {python.parent}\ninclude-system-site-packages = false\n"
    config += f"version = {version}.0\ncommand = {python} -m venv {prefix}\n"
    (prefix / "pyvenv.cfg").write_text(config)
    os.symlink(python, programs / "python")
    for name in ("python3", f"python{version}"):
        os.symlink("python", programs / name)
    (programs / "activate").write_text(f"VIRTUAL_ENV={prefix}\nexport VIRTUAL_ENV\n")
    for name in ("pip", "pytest"):
        script = programs / name
        script.write_text(f"#!{programs}/python\nimport sys\n")
        script.chmod(0o755)
    for name, number in PACKAGES.items():
        info = site / f"{name}-{number}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n\n{'Words. ' * 300}\n"
        (info / "METADATA").write_text(text)
        (info / "INSTALLER").write_text("pip\n")
        lines = (f"{name}/module{line}.py,sha256=0,100\n" for line in range(100))
        (info / "RECORD").write_text("".join(lines))


if __name__ == "__main__":
    main()
