"""Writes texts for the fuzz targets to start from, as the tools write them: `seeds.py DIRECTORY`."""

import os
import sys

SEEDS = {
    "conda": [
        "envs_dirs:\n  - ~/elsewhere/envs\n  - /data/envs # more\n",
        "envs_path: [/a, '/b c']\nchannels:\n  - conda-forge\n",
        "/opt/conda\n/home/ann/miniforge3/envs/x\n",
    ],
    "packages": [
        "Metadata-Version: 2.1\nName: core\nVersion: 1.0\nRequires-Dist: numpy>=1.24; extra == 'x'\n\nText\n",
        'core/__init__.py,sha256=abc,12\ncore/core.so,sha256=def,300\n"a,b",,\n',
        '{"dir_info": {"editable": true}, "url": "file:///home/ann/work"}',
        '{"archive_info": {"hash": "sha256=ab"}, "url": "https://example.org/core-1.0.zip"}',
    ],
    "program": ['#define PY_VERSION "3.11.7+"\n', "#!/bin/sh\nexec python\n", "\x7fELF\x02\x01\x01"],
    "project": [
        "3.11.7\n",
        "# old\ncpython-3.12\npypy3.10-7.3\n/usr/bin/python3\n",
        "[project]\nname = 'core'\nrequires-python = '>=3.9,<4'\n[tool.uv]\npython-preference = 'system'\n",
        "3.12.1:3.11.7\nsystem\n",
    ],
    "pth": ["/home/ann/work/python\n", "import _core_hook\n../src\n# nothing\n"],
    "pyvenv_cfg": [
        "home = /opt/python/bin\ninclude-system-site-packages = true\nversion = 3.11.7\n",
        "home = C:\\Python311\nuv = 0.5.1\nversion_info = 3.11.7.final.0\nprompt = 'x'\n",
        "home = /opt/python/bin\nimplementation = CPython\nbase-prefix = /opt/python\nvirtualenv = 20\n",
    ],
    "scripts": [
        'VIRTUAL_ENV="/home/ann/work/.venv"\nexport VIRTUAL_ENV\n',
        "export VIRTUAL_ENV=$(cygpath '/c/work/.venv')\n",
        "@set \"VIRTUAL_ENV=C:\\work\\.venv\"\r\n",
        "#!/home/ann/work/.venv/bin/python\nimport sys\n",
        "#!/bin/sh\n'''exec' \"/home/a b/bin/python\" \"$0\" \"$@\"\n' '''\n",
        "#!/usr/bin/env python3\n",
    ],
}

for target, texts in SEEDS.items():
    directory = os.path.join(sys.argv[1], target)
    os.makedirs(directory, exist_ok=True)
    for number, text in enumerate(texts):
        for system in range(2):
            with open(os.path.join(directory, f"{number}-{system}"), "wb") as file:
                file.write(bytes([system]) + text.encode("latin-1"))
