"""The documents of the status page: small, escaped, well formed, and rendered once."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, fromstring

from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from syrupy.assertion import SnapshotAssertion

from api.rest.status import StatusResponse
from api.web.status_page.badge import render_badge
from api.web.status_page.feed import render_feed
from api.web.status_page.rendering import StatusDocuments
from api.web.status_page.wording import bars, budget, measured_time, percent
from engine.limits import STATUS_PAGE_INCIDENTS
from engine.outages.status_page import PublicGroup, PublicIncident, StatusContent
from engine.vocabulary import ServiceStatus
from tests.support.status_contents import (
    CONTENTS,
    GROUPS,
    NOW,
    days_with,
    example_content,
    example_group,
)

ATOM = "{http://www.w3.org/2005/Atom}"
PAGE_BYTES = 30_000
JSON_SCHEMA = StatusResponse.model_json_schema(mode="serialization")


class _Elements(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


def page(content: StatusContent, *, is_stale: bool = False) -> str:
    return StatusDocuments().page(content, is_stale=is_stale).body.decode()


def test_the_page(snapshot: SnapshotAssertion) -> None:
    html = page(example_content())
    assert html.partition("<body>")[2] == snapshot


def test_the_feed(snapshot: SnapshotAssertion) -> None:
    assert render_feed(example_content()) == snapshot


def test_a_badge(snapshot: SnapshotAssertion) -> None:
    assert render_badge(example_group("Payments", ServiceStatus.DOWN)) == snapshot


def test_a_page_with_ten_groups_and_thirty_outages_of_each_is_small() -> None:
    content = example_content(10)
    days = days_with({3 * number: ServiceStatus.DOWN for number in range(30)})
    outages = [
        PublicIncident(
            group.name,
            f"{group.name} is affected",
            "",
            NOW - timedelta(days=3 * number, hours=1),
            NOW - timedelta(days=3 * number) if number else None,
            (),
        )
        for number in range(30)
        for group in content.groups
    ]
    content = replace(
        content,
        groups=tuple(replace(each, days=days) for each in content.groups),
        incidents=tuple(outages[:STATUS_PAGE_INCIDENTS]),
    )
    document = StatusDocuments().page(content, is_stale=False)
    assert len(document.body) < PAGE_BYTES
    assert len(document.gzipped) < PAGE_BYTES / 4
    html = document.body.decode()
    assert html.count("is affected") == 10 + 10, "all open ones, and some that were resolved"
    assert 'Earlier incidents are in the <a href="/status/feed.atom">feed</a>' in html
    assert html.count("<td>Down for 1 h") == 300


def test_a_stale_page_says_since_when_and_is_cached_for_a_shorter_time() -> None:
    documents = StatusDocuments()
    fresh = documents.page(example_content(), is_stale=False)
    stale = documents.page(example_content(), is_stale=True)
    assert "last known state, as of" in stale.body.decode()
    assert "last known state" not in fresh.body.decode()
    assert "14:03 UTC on 31 March 2030" in stale.body.decode()
    assert fresh.headers["Cache-Control"] == "public, max-age=30, stale-if-error=86400"
    assert stale.headers["Cache-Control"] == "public, max-age=5, stale-if-error=86400"


def test_a_document_is_rendered_again_only_if_it_changes() -> None:
    documents, content = StatusDocuments(), example_content()
    first = documents.page(content, is_stale=False)
    later = replace(content, as_of=NOW + timedelta(seconds=30))
    assert documents.page(later, is_stale=False) is first
    next_minute = documents.page(replace(content, as_of=NOW + timedelta(minutes=1)), is_stale=False)
    assert next_minute.etag != first.etag
    feed = documents.feed(content, is_stale=False)
    assert documents.feed(replace(content, groups=()), is_stale=False).etag == feed.etag


@given(CONTENTS)
def test_public_texts_are_only_text(content: StatusContent) -> None:
    elements = _Elements(page(content))
    assert elements.names.count("script") == 1  # our own
    assert not {*elements.names} & {"iframe", "form", "object"}
    assert not any(name.startswith("on") or name == "style" for name in elements.attributes)


@given(CONTENTS)
def test_the_feed_is_well_formed(content: StatusContent) -> None:
    feed = fromstring(render_feed(content))  # noqa: S314  # our own text
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == len(content.incidents) + len(content.windows)
    for each in (feed, *entries):
        assert text_of(each, "id").startswith("urn:uuid:")
        assert text_of(each, "title")
        datetime.fromisoformat(text_of(each, "updated"))
    updated = [text_of(each, "updated") for each in entries]
    assert updated == sorted(updated, reverse=True)


def text_of(element: Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}") or ""


@given(CONTENTS, st.booleans())
def test_the_json_is_valid_and_has_the_same_contents(content: StatusContent, stale: bool) -> None:  # noqa: FBT001  # generated
    text = StatusResponse.of(content, is_stale=stale).model_dump_json()
    document = json.loads(text)
    OAS31Validator(JSON_SCHEMA, format_checker=oas31_format_checker).validate(document)
    incidents, windows = document["incidents"], document["windows"]
    assert [each["title"] for each in incidents] == [each.title for each in content.incidents]
    assert [each["text"] for each in windows] == [each.text for each in content.windows]
    names = [each["name"] for each in document["groups"]]
    assert names == [each.name for each in content.groups]
    html = page(content, is_stale=stale)
    shown = [*names, *(each["title"] for each in incidents if each["resolvedAt"] is None)]
    assert all(str(escape(each)) in html for each in shown)


@given(GROUPS)
@example(example_group("a\ufffeb"))
def test_a_badge_is_well_formed(group: PublicGroup) -> None:
    root = fromstring(render_badge(group))  # noqa: S314  # our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_wording() -> None:
    assert [percent(each) for each in (None, 0.0, 99.95, 99.999, 100.0)] == [
        "Not measured",
        "0 %",
        "99.95 %",
        "99.999 %",
        "100 %",
    ]
    assert measured_time(days_with({})) == "in 90 days"
    assert measured_time(days_with({1: ServiceStatus.DOWN})) == "in 90 days"
    new = days_with(dict.fromkeys(range(2, 90), ServiceStatus.UNKNOWN))
    assert measured_time(new) == "since 30 March 2030"
    assert measured_time(days_with(dict.fromkeys(range(90), ServiceStatus.UNKNOWN))) == "in 90 days"
    hours = example_group(
        "A",
        budget=timedelta(hours=4, minutes=23),
        remaining=timedelta(hours=3, minutes=12, seconds=59),
    )
    assert budget(hours) == "3 h 12 min left of the 4 h 23 min budget of this month"
    assert budget(replace(hours, remaining=timedelta(minutes=-5))) == (
        "5 min more than the 4 h 23 min budget of this month"
    )
    assert budget(replace(hours, budget=timedelta(0))) == "The target allows no downtime."


def test_operational_days_continue_behind_outages() -> None:
    found = bars(days_with({0: ServiceStatus.DOWN, 2: ServiceStatus.DOWN}))
    assert found == {
        ServiceStatus.OPERATIONAL: "M0 2h90v6h-90",
        ServiceStatus.DOWN: "M87 0h1v8h-1M89 0h1v8h-1",
    }


def test_days_without_data_have_no_operational_bar() -> None:
    found = bars(days_with(dict.fromkeys(range(80, 90), ServiceStatus.UNKNOWN)))
    assert found == {
        ServiceStatus.OPERATIONAL: "M10 2h80v6h-80",
        ServiceStatus.UNKNOWN: "M0 2h10v6h-10",
    }
