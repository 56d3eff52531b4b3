"""The wheel, built once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.pythons import UV


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built in a copy of the repository without what other builds left."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for each in ("pyproject.toml", "README.md", "api", "default_workflows", "engine", "reconciler"):
        subprocess.run(["cp", "-r", ROOT / each, source], check=True)  # noqa: S603, S607 - no input
    build = (UV, "build", "-q", "--wheel", "--no-build-isolation", "--python", sys.executable)
    subprocess.run([*build, "-o", built, source], check=True)  # noqa: S603 - no input
    [file] = built.glob("*.whl")
    return file
