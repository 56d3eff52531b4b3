"""Limits that can be set: documented with their bounds, and heeded by every door."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from api.configured_limits import read_limits
from api.limits import Limits
from api.settings import Settings
from tests.api.conftest import Api, bearer
from tests.api.graphql.test_tickets import opened
from tests.people import ANNA

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (\S+) \|", re.MULTILINE)


def test_the_page_on_limits_lists_every_limit_with_its_bound() -> None:
    groups = asdict(Limits()).values()
    bounds = {name: bound for group in groups for name, bound in group.items()}
    assert {name: float(bound) for name, bound in ROW.findall(PAGE)} == bounds


class TestWithOthers:
    """A server whose limits are set."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = read_limits(
            "depth_fields=4 page_tickets=3 page_services=1 page_history=2 body_bytes=2000"
        )
        return settings.model_copy(update={"limits": limits})

    @pytest.mark.parametrize(
        ("query", "limit"),
        [
            ("{ tickets { nodes { workflowDefinition { transitions { to } } } } }", "depth_fields"),
            ("{ tickets { totalCount } } # " + "x" * 2_000, "body_bytes"),
        ],
    )
    async def test_what_is_above_them_is_refused_by_their_names(
        self, api: Api, query: str, limit: str
    ) -> None:
        body = {"query": query}
        async with api.client.post("/graphql", json=body, headers=bearer(ANNA)) as answer:
            assert answer.status in {413, 422}
            assert f'"limit":"{limit}"' in (await answer.text()).replace(": ", ":")

    @pytest.mark.parametrize(
        ("page", "limit", "bound"),
        [
            ("tickets(first: 4) { totalCount }", "page_tickets", 3),
            ("tickets(last: 4) { totalCount }", "page_tickets", 3),
            ("services(first: 4) { path }", "page_services", 1),
            ('ticket(id: "ID") { history(first: 4) { nodes { seq } } }', "page_history", 2),
            ('ticket(id: "ID") { history(last: 4) { nodes { seq } } }', "page_history", 2),
        ],
    )
    async def test_a_page_is_no_larger(self, api: Api, page: str, limit: str, bound: int) -> None:
        query = "{ " + page.replace("ID", await opened(api)) + " }"
        [error] = (await api.ask(ANNA, query))["errors"]
        assert f"must be 1 to {bound}, not 4." in error["message"]
        refused = error["extensions"]
        assert (refused["code"], refused["status"]) == ("limit_exceeded", 422)
        assert (refused["limit"], refused["bound"], refused["found"]) == (limit, bound, 4)

    async def test_a_page_of_no_given_size_fits(self, api: Api) -> None:
        assert await api.data(ANNA, "{ tickets { totalCount } }") == {"tickets": {"totalCount": 0}}
