"""``python -m truewheel``: the same program, for whoever has its directory not on PATH."""

import os
import subprocess
import sys
import sysconfig


def find():
    """The program that was installed with this package."""
    name = "truewheel" + (sysconfig.get_config_var("EXE") or "")
    schemes = [sysconfig.get_path("scripts")]
    user = "nt_user" if os.name == "nt" else "posix_user"
    if sys.platform == "darwin" and sys._framework:
        user = "osx_framework_user"
    schemes.append(sysconfig.get_path("scripts", scheme=user))
    # `pip install --target DIRECTORY` puts programs into its `bin`.
    above = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    schemes.append(os.path.join(above, "bin"))
    for directory in schemes:
        path = os.path.join(directory, name)
        if os.path.isfile(path):
            return path
    sys.exit("error: the program truewheel is not where its package was installed: "
             "looked into " + ", ".join(schemes) + "\n\nhint: install truewheel again")


def main():
    program = find()
    arguments = [program, *sys.argv[1:]]
    if os.name == "nt":
        # Windows has no exec that the caller would wait for.
        sys.exit(subprocess.run(arguments).returncode)
    os.execv(program, arguments)


if __name__ == "__main__":
    main()
