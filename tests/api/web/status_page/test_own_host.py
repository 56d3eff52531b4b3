"""With a host of its own, the status page is on that host only, and nothing else is."""

import pytest
from pydantic import SecretStr

from api.settings import Settings
from engine.storage.postgres.database import Database
from tests.support.api_client import SECRET, Client
from tests.support.declared_resources import put_resources
from tests.support.resources import status_page

HOST = "status.example.com"


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=SecretStr(database_url), jwt_secret=SECRET, status_page_host=HOST)


@pytest.fixture
async def declared(database: Database) -> None:
    await put_resources(database, [status_page(enabled=True)])


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        (HOST, "/", 302),
        (HOST, "/status", 200),
        (f"{HOST.upper()}:8080", "/status", 200),
        (HOST, "/status/feed.atom", 200),
        (HOST, "/api/v1/status", 200),
        (HOST, "/livez", 200),
        (HOST, "/tickets", 404),
        (HOST, "/graphql", 404),
        (HOST, "/api/v1/tickets", 404),
        ("desk.example.com", "/status", 404),
        ("desk.example.com", "/api/v1/status", 404),
        ("desk.example.com", "/api/v1/tickets", 401),
        ("[::1]:8080", "/livez", 200),
    ],
)
@pytest.mark.usefixtures("declared")
async def test_the_host_decides(client: Client, host: str, path: str, status: int) -> None:
    async with client.get(path, headers={"Host": host}, allow_redirects=False) as response:
        assert response.status == status
        if status == 302:
            assert response.headers["Location"] == "/status"
