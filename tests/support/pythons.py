"""The releases of Python on this machine, and clean environments with the wheel in them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

_RELEASES: Final = ((3, 11), (3, 12), (3, 13))
"""The releases that Interlock supports."""
UV: Final = Path(sys.executable).with_name("uv")
_OPTIONS: Final = (
    *("-q", "--system-certs", "--no-deps", "--no-build-isolation"),
    "--compile-bytecode",  # else the first start of a server compiles everything
)
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.\d+")


def supported_pythons() -> dict[str, Path]:
    """Return the interpreters of supported releases on this machine, by release."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = {running: Path(sys.executable).resolve()}
    for release in (f"{major}.{minor}" for major, minor in _RELEASES):
        for interpreter in _candidates(release):
            if _release_of(interpreter) == release:
                found.setdefault(release, interpreter)
    return dict(sorted(found.items()))


def _candidates(release: str) -> Iterator[Path]:
    """Yield what can be an interpreter of a release: in the search path, or of pyenv."""
    if command := shutil.which(f"python{release}"):
        yield Path(command)
    if pyenv := shutil.which("pyenv"):
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True)  # noqa: S603 - found above
        yield from sorted(Path(root.stdout.strip()).glob(f"versions/{release}.*/bin/python"))


def _release_of(interpreter: Path) -> str | None:
    """Return the release of an interpreter; None if it does not run."""
    done = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    version = _VERSION.search(done.stdout)
    return f"{version[1]}.{version[2]}" if version else None


def install(interpreter: Path, wheel: Path, folder: Path) -> Path:
    """Install a wheel as docs/installation.md describes; return the folder of its commands.

    Args:
        interpreter: runs the environment.
        wheel: of Interlock.
        folder: will contain the environment.

    """
    subprocess.run([UV, "venv", "-q", "--python", interpreter, folder], check=True)  # noqa: S603 - found above
    commands = folder / "bin"
    for requirements in (
        ("--require-hashes", "-r", ROOT / "constraints-build.txt"),
        ("--require-hashes", "-r", ROOT / "constraints.txt"),
        (wheel,),
    ):
        subprocess.run(  # noqa: S603 - our own environment
            [UV, "pip", "install", *_OPTIONS, "--python", folder, *requirements],
            env=os.environ | {"PATH": f"{commands}:{os.environ['PATH']}"},
            check=True,
        )
    return commands
