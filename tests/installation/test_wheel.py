"""The wheel contains every file, and it installs and serves on each supported Python."""

import subprocess
import tomllib
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.paths import ROOT
from tests.support.pythons import install, supported_pythons
from tests.support.replicas import UNLIMITED, replica

pytestmark = pytest.mark.installation
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = ("api", "default_workflows", "engine", "reconciler")
DIAGRAM = ["graph", "hotfix", "-f", str(ROOT / "api/demo/values.yaml"), "--format", "svg"]


def test_the_wheel_contains_every_file_of_the_packages(wheel: Path) -> None:
    tracked = subprocess.run(  # noqa: S603 - no input
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES],  # noqa: S607 - the one that made the checkout
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    web_files = {str(file.relative_to(ROOT)) for file in (ROOT / "api/web/vendor").iterdir()}
    assert web_files
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {*tracked.stdout.splitlines(), *web_files}


def test_the_metadata_name_what_a_server_needs_and_no_tools(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith("/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    required = metadata.get_all("Requires-Dist", [])
    assert [each for each in required if "extra ==" not in each] == PROJECT["dependencies"]


@pytest.mark.parametrize(
    "interpreter", supported_pythons().values(), ids=supported_pythons().keys()
)
async def test_it_installs_and_serves_on_a_clean_python(
    interpreter: Path, wheel: Path, tmp_path: Path, database_url: str
) -> None:
    commands = install(interpreter, wheel, tmp_path / "environment")
    drawn = subprocess.run(  # noqa: S603, ASYNC221 - our own command
        [commands / "interlock", *DIAGRAM], capture_output=True, text=True, check=True
    )
    assert drawn.stdout.startswith("<svg")
    command = (str(commands / "interlock"), "serve")
    async with replica(database_url, UNLIMITED, command=command) as server:
        await server.wait_until_ready()
        assert server.problems == []
