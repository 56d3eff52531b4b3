"""A running server keeps what its OpenAPI document promises, whatever it is asked."""

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
from tests.support.api_client import KEY, SECRET, TOKENS, Client
from tests.support.personas import ADA
from tests.support.values_mount import Mount

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = "30"
ALWAYS_THE_SAME = ("--generation-deterministic",) if "CI" in os.environ else ()
UNBOUNDED = HttpLimits(viewer_rate=0, address_rate=0)
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
        update={"api_keys": (ApiKeyEntry.for_key(KEY, Scope),), "limits": Limits(http=UNBOUNDED)}
    )


async def fuzzed(client: Client, token: str, key: str, *options: str) -> tuple[int | None, str]:
    """Return how schemathesis ended that had these credentials, and what it told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", str(CONFIGURATION)),
        *("run", *options, *ALWAYS_THE_SAME),
        str(client.make_url("/api/v1/openapi.json")),
        env=os.environ | {"TOKEN": token, "KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()


def token() -> str:
    return TOKENS.issue(ADA, timedelta(hours=1))


async def test_the_server_does_as_its_document_says(client: Client) -> None:
    code, told = await fuzzed(client, token(), KEY, "--max-examples", EXAMPLES)
    assert code == 0, told


@pytest.mark.parametrize(
    ("token", "key"), [("worthless", KEY), (token(), "worthless")], ids=["token", "key"]
)
async def test_nothing_is_held_by_asking_with_worthless_credentials(
    client: Client, token: str, key: str
) -> None:
    code, told = await fuzzed(client, token, key, "--max-examples", "1", "--phases", "fuzzing")
    assert code == 1, told
    assert "401" in told
