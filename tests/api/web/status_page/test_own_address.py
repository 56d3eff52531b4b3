"""With a host or a port of its own, the status page is only there, and nothing else is."""

import os

import aiohttp
import pytest
from pydantic import SecretStr

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.bootstrap.options import server_options
from api.http.server import listening
from api.settings import Settings
from engine.errors import Misconfigured
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
        (HOST, "/metrics", 404),
        ("desk.example.com", "/metrics", 200),
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


@pytest.mark.usefixtures("declared")
async def test_the_port_decides(engine: EngineHandle, settings: Settings) -> None:
    port = 20_000 + os.getpid() % 10_000  # below the ports that the system gives to connections
    ports = {"port": 0, "status_page_host": None, "status_page_port": port}
    options = settings.model_copy(update=ports)
    own = f"http://127.0.0.1:{port}"
    async with (
        open_application_on(engine, options) as application,
        listening(application, server_options(options)) as main,
        aiohttp.ClientSession() as client,
    ):
        for url, path, status in (
            (own, "/", 302),
            (own, "/status", 200),
            (own, "/status/feed.atom", 200),
            (own, "/api/v1/status", 200),
            (own, "/livez", 200),
            (own, "/metrics", 404),
            (main, "/metrics", 200),
            (own, "/tickets", 404),
            (own, "/graphql", 404),
            (own, "/api/v1/tickets", 404),
            (main, "/status", 404),
            (main, "/api/v1/status", 404),
            (main, "/api/v1/tickets", 401),
            (main, "/livez", 200),
        ):
            async with client.get(f"{url}{path}", allow_redirects=False) as response:
                assert response.status == status, (url, path)
        with pytest.raises(Misconfigured, match="INTERLOCK_STATUS_PAGE_PORT"):
            async with listening(application, server_options(options)):
                pass


def test_the_page_and_everything_else_cannot_have_the_same_port() -> None:
    settings = Settings(jwt_secret=SECRET).model_copy(
        update={"port": 8081, "status_page_port": 8081}
    )
    with pytest.raises(Misconfigured, match="are both 8081"):
        server_options(settings)
