"""The commands in pages run, and print the output on the page."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from tests.support.command import COMMAND, interlock, on
from tests.support.databases import EMPTY, new_database
from tests.support.page_sessions import run_session
from tests.support.paths import ROOT

PAGES = ("docs/quickstart.md", "docs/rest.md")
KEY = generate_api_key()


@pytest.fixture
async def empty_database_url(server: str) -> AsyncIterator[str]:
    async with new_database(server, EMPTY) as url:
        yield url


@pytest.fixture
def environment(
    tmp_path_factory: pytest.TempPathFactory, empty_database_url: str
) -> Mapping[str, str]:
    """Return the environment of an activated shell, with the settings of an empty database."""
    return {
        **os.environ,
        "PATH": f"{COMMAND.parent}:{os.environ['PATH']}",
        "INTERLOCK_DATABASE_URL": empty_database_url,
        "INTERLOCK_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_API_KEYS": str(ApiKeyEntry.for_key(KEY, Scope)),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def served(environment: Mapping[str, str]) -> Iterator[str]:
    """Run the demo on an empty database, and return its output."""
    command = [sys.executable, "-c", "from api.cli.main import main; main()", "demo"]
    with subprocess.Popen(  # noqa: S603  # our own program
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        printed = []
        for line in server.stdout:
            printed.append(line)
            if "quickstart.md" in line:
                break
        yield "".join(printed)
        server.terminate()
        server.stdout.read()
    assert server.returncode == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_session_of_a_page_works(
    page: str, served: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    address = re.search(r"http://127\.0\.0\.1:\d+", served)
    assert address is not None
    exports = re.findall(r"^ +(export \w+=\S+)$", served, re.MULTILINE)
    assert len(exports) == 3
    text = (ROOT / page).read_text("utf-8")
    given = [*exports, f"export KEY={KEY}"]
    printed, expected = run_session(text, address.group(), given, tmp_path, environment)
    assert printed == expected


def test_the_commands_of_the_readme_work(tmp_path: Path, database_url: str) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [declaration] = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    (tmp_path / "hotfix.yaml").write_text(declaration, "utf-8")
    commands = re.findall(r"^    interlock (.*?) +#", readme, re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        words, _, file = command.partition(" > ")
        done = interlock(*shlex.split(words), folder=tmp_path, env=on(database_url))
        assert done.returncode == 0, done.stderr
        if file:
            (tmp_path / file).write_text(done.stdout, "utf-8")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 100
