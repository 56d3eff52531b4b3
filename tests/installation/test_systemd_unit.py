"""systemd accepts the unit, and the unit keeps the server away from what it does not need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.settings import Settings
from tests.support.paths import ROOT

UNIT = ROOT / "systemd" / "interlock.service"
PROGRAM = "/opt/interlock/bin/interlock"
EXPOSURE_MAX = 15
"""In tenths: systemd calls less than 2 `OK`; most services have more than 90."""


@pytest.fixture
def analyze() -> str:
    """Return the tool that analyses units."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("systemd-analyze is missing.")
    return tool


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return a copy whose program exists on this machine."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace(PROGRAM, "/bin/true"), "utf-8")
    return copy


def test_systemd_accepts_the_unit(analyze: str, unit: Path) -> None:
    verified = subprocess.run(  # noqa: S603 - found above
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_exposes_little(analyze: str, unit: Path) -> None:
    limit = f"--threshold={EXPOSURE_MAX}"
    rated = subprocess.run(  # noqa: S603 - found above
        [analyze, "security", "--offline=true", "--no-pager", limit, unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout


def test_a_server_is_stopped_only_after_its_drain() -> None:
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert int(seconds) >= Settings().drain_seconds + 20
