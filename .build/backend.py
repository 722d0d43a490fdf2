"""The build backend (PEP 517, PEP 660): setuptools, which brings a C compiler along where the machine has none.

The compiler brought along is zig's (the package ziglang): clang and the C library's headers in a wheel.
"""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  (the hooks that are not below)
from setuptools.command import build_ext as setuptools_build_ext
from setuptools.command import sdist as setuptools_sdist

#: The compiler that setuptools takes by itself. On Windows, where it looks for MSVC, it has no name.
SETUPTOOLS_CC = sysconfig.get_config_var("CC") or ""

# zig compiles for the processor it runs on unless told otherwise.
ZIG = [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]


def get_requires_for_build_wheel(config_settings=None):
    """What pip installs for the build, besides ``build-system.requires``."""
    zig = ["ziglang"] if find_compiler() is None else []
    return build_meta.get_requires_for_build_wheel(config_settings) + zig


get_requires_for_build_editable = get_requires_for_build_wheel


def find_compiler():
    """The command of the C compiler: $CC as it is, else the first that works; None where none does."""
    if os.name == "nt":
        return SETUPTOOLS_CC
    return os.environ.get("CC") or next(filter(works, [SETUPTOOLS_CC, "cc", "gcc", "clang"]), None)


def works(command):
    """Whether a compiler is there and finds the C library (macOS has a ``cc`` that only offers to install one)."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "test.c")
        source.write_text("#include <math.h>\nint main(void) { return 0; }\n")
        try:
            test = [*shlex.split(command), str(source), "-o", str(source.with_suffix(""))]
            return subprocess.run(test, capture_output=True).returncode == 0
        except OSError:
            return False


class build_ext(setuptools_build_ext.build_ext):
    """Build the extension modules with the compiler found, or with zig."""

    def run(self):
        self.found = find_compiler()
        if self.found and self.found != SETUPTOOLS_CC:
            os.environ["CC"] = self.found
        super().run()

    def build_extensions(self):
        if self.found is None:
            # Without the options Python itself was compiled with: they are for another compiler.
            shared = ["-shared", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
            self.compiler.set_executables(compiler_so=[*ZIG, "-fPIC", "-fwrapv", "-DNDEBUG"], linker_so=[*ZIG, *shared])
        super().build_extensions()


class sdist(setuptools_sdist.sdist):
    """Build the source distribution with the whole repository: the tests, the documentation, and this file."""

    def make_distribution(self):
        for folder in (".build", ".ci", "docs", "examples", "tests"):
            self.filelist.graft(folder)
        self.filelist.global_exclude("*.py[cod]")
        super().make_distribution()
