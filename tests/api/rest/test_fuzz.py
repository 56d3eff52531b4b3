"""A running server behaves as its OpenAPI document describes, for generated requests."""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, Scope
from api.limits import HttpLimits, Limits
from api.settings import Settings
from engine.vocabulary import Assignees
from tests.support.api_client import KEY, SECRET, TOKENS, Client
from tests.support.personas import ADA
from tests.support.values_mount import Mount

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = "1000" if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else "10"
DETERMINISTIC = ("--generation-deterministic",) if "CI" in os.environ else ()
UNLIMITED = HttpLimits(viewer_rate=0, address_rate=0)
DECLARED = """
ticketing:
  services:
    - {path: acme/shop/payment-api, slaGroup: payment-team, autoTicket: true}
"""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    mount = Mount(tmp_path)
    mount.put(DECLARED)
    return Settings(
        database_url=SecretStr(database_url), jwt_secret=SECRET, values_file=mount.file
    ).model_copy(
        update={
            "api_keys": (ApiKeyEntry.for_key(KEY, Scope),),
            "limits": Limits(http=UNLIMITED),
            "people": Assignees.ANY,  # prose: ignore
        }
    )


async def run_schemathesis(
    client: Client, token: str, key: str, *options: str
) -> tuple[int | None, str]:
    """Return the exit code and the output of schemathesis with these credentials."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
        *("run", *options, *DETERMINISTIC),
        str(client.make_url("/api/v1/openapi.json")),
        env=os.environ | {"TOKEN": token, "KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def token() -> str:
    return TOKENS.issue(ADA, timedelta(hours=1))


async def test_the_server_behaves_as_documented(client: Client) -> None:
    code, output = await run_schemathesis(client, token(), KEY, "--max-examples", EXAMPLES)
    assert code == 0, output


@pytest.mark.parametrize(
    ("token", "key", "operation"),
    [("invalid", KEY, "listTickets"), (token(), "invalid", "reportHealth")],
    ids=["token", "key"],
)
async def test_a_run_with_invalid_credentials_fails(
    client: Client, token: str, key: str, operation: str
) -> None:
    options = ("--max-examples", "1", "--phases", "fuzzing", "--include-operation-id", operation)
    code, output = await run_schemathesis(client, token, key, *options)
    assert code == 1, output
    assert "401" in output
