"""Stands for every build backend: says of a source distribution what its PKG-INFO says.

So pip downloads it without building or running anything of it.
"""

import email
import os
import shutil


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with open("PKG-INFO", encoding="utf-8", errors="replace") as file:
        told = email.message_from_file(file)
    name = told["Name"].replace("-", "_").replace(".", "_")
    directory = f"{name}-{told['Version']}.dist-info"
    os.mkdir(os.path.join(metadata_directory, directory))
    shutil.copy("PKG-INFO", os.path.join(metadata_directory, directory, "METADATA"))
    return directory


class __legacy__:
    get_requires_for_build_wheel = staticmethod(get_requires_for_build_wheel)
    prepare_metadata_for_build_wheel = staticmethod(prepare_metadata_for_build_wheel)
