"""The README's session is carried out as it stands there, and answers what stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)
TICKET = re.compile(r"tk_[0-9a-f]+")


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Iterator[str]:
    """Run the demo, and return what it prints."""
    environment = {
        **os.environ,
        "INTERLOCK_DATABASE_URL": database_url,
        "INTERLOCK_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "INTERLOCK_PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-c", "from api.cli.main import main; main()", "demo"]
    with subprocess.Popen(  # noqa: S603  # our own program
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        printed = []
        for line in server.stdout:
            printed.append(line)
            if line.startswith("README.md"):
                break
        yield "".join(printed)
        server.terminate()
        server.stdout.read()
    assert server.returncode == 0


def test_the_session_of_the_readme_works(served: str) -> None:
    address = re.search(r"http://127\.0\.0\.1:\d+", served)
    assert address is not None
    exports = re.findall(r"^ +(export \w+=\S+)$", served, re.MULTILINE)
    assert len(exports) == 2
    blocks = BLOCKS.findall(README.read_text("utf-8"))
    commands = "\n".join(text for kind, text in blocks if kind == "sh")
    script = "\n".join([*exports, commands]).replace("http://127.0.0.1:8080", address.group())
    done = subprocess.run(  # noqa: S603  # the README's own lines
        ["/bin/bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=True
    )
    promised = "".join(text for kind, text in blocks if kind == "json")
    assert TICKET.sub("tk_…", done.stdout) == promised
