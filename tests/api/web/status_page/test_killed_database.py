"""The page outlives its database: a PostgreSQL server whose processes are killed."""

import json
from xml.etree.ElementTree import fromstring

import pytest

from engine.errors import Unavailable
from engine.storage.postgres.database import open_database
from tests.api.web.status_page.conftest import StatusServer, serving_status
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import declare_service, record, report
from tests.support.own_postgres import prepared_postgres
from tests.support.resources import sla_targets, status_page

PATHS = ("/status", "/status/feed.atom", "/status/badges/payment-team.svg", "/api/v1/status")
CURRENT = "public, max-age=30, stale-if-error=86400"
STALE = "public, max-age=5, stale-if-error=86400"


async def cache_headers(server: StatusServer) -> set[str]:
    """Return the different cache headers of all documents, each of which must be served."""
    answers = [await server.get(path) for path in PATHS]
    assert [status for status, _, _ in answers] == [200] * len(PATHS)
    return {headers["Cache-Control"] for _, _, headers in answers}


async def shown_status(server: StatusServer) -> tuple[str, bool]:
    """Return the status in the JSON, and whether it says that it is not current."""
    _, text, _ = await server.get("/api/v1/status")
    content = json.loads(text)
    return content["status"], content["isStale"]


async def test_a_killed_database_leaves_the_last_state_until_it_is_back() -> None:
    async with (
        prepared_postgres() as postgres,
        open_database(postgres.url) as database,
        serving_status(database) as server,
        serving_status(database) as started_late,
    ):
        await declare_service(database)
        settings = status_page(enabled=True, companyName="Acme")
        await put_resources(database, [settings, sla_targets("payment-team")])
        await record(database, "OPERATIONAL")
        await server.state.refresh()
        assert await cache_headers(server) == {CURRENT}
        await postgres.kill()
        with pytest.raises(Unavailable):
            await server.state.refresh()
        assert await shown_status(server) == ("OPERATIONAL", False)
        server.seconds[0] += 31
        assert await cache_headers(server) == {STALE}
        assert await shown_status(server) == ("OPERATIONAL", True)
        _, page, _ = await server.get("/status")
        assert "This is the last known state, as of <time" in page
        _, feed, _ = await server.get("/status/feed.atom")
        assert fromstring(feed).tag.endswith("feed")  # noqa: S314  # our own text
        with pytest.raises(Unavailable):
            await started_late.state.refresh()
        for path in PATHS:
            status, _, headers = await started_late.get(path)
            assert (status, headers["Cache-Control"]) == (503, "no-store")
        await postgres.start()
        assert (await report(database, "DOWN")).ticket
        for each in (server, started_late):
            await each.state.refresh()
            assert await cache_headers(each) == {CURRENT}
            assert await shown_status(each) == ("DOWN", False)
