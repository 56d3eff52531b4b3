"""A client that is generated from the OpenAPI document works on a ticket."""

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.api_client import TOKENS, SharedApplication
from tests.support.paths import ROOT
from tests.support.personas import ANNA, MARTON

ENVIRONMENT = ROOT / ".venv/client/bin"
CONFIGURATION = Path(__file__).with_name("generated_client.yaml")
SESSION = Path(__file__).with_name("generated_client_session.py")


@pytest.fixture
def environment() -> Path:
    """Return the environment of the generator; without it, skip the test, and fail it in CI."""
    if ENVIRONMENT.exists():
        return ENVIRONMENT
    missing = f"{ENVIRONMENT} does not exist: run `make .venv/client/ready`."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


async def output_of(*command: str | Path, folder: Path) -> str:
    """Return the output of a command that succeeds in a folder, which has its packages."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    assert process.returncode == 0, (printed + errors).decode()
    return printed.decode()


async def test_a_generated_client_opens_moves_and_reads_a_ticket(
    shared: SharedApplication, environment: Path, tmp_path: Path
) -> None:
    url = shared.client.make_url("/")
    await output_of(
        *(environment / "openapi-python-client", "generate", "--fail-on-warning"),
        *("--url", str(url / "api/v1/openapi.json"), "--config", CONFIGURATION),
        *("--meta", "none", "--output-path", "interlock_client"),
        folder=tmp_path,
    )
    tokens = [TOKENS.issue(each, timedelta(hours=1)) for each in (ANNA, MARTON)]
    arguments = (str(url).rstrip("/"), *tokens, MARTON.id)
    printed = await output_of(environment / "python", SESSION, *arguments, folder=tmp_path)
    assert json.loads(printed) == {
        "refusal": ["forbidden_transition", "role_required", ["OPEN", "IN_PROGRESS"]],
        "started": ["IN_PROGRESS", 3],
        "read": True,
        "page": [[True], 1],
    }
