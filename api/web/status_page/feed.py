"""The Atom feed of incidents and maintenance (RFC 4287). Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5
from xml.etree.ElementTree import Element, SubElement, tostring

from api.timestamps import format_timestamp
from api.web.status_page.wording import clock
from api.web.status_page.xml_text import xml_text
from engine.outages.status_page import PublicIncident, PublicWindow, StatusContent

ATOM: Final = "application/atom+xml"
PATH: Final = "/status/feed.atom"
_NAMESPACE: Final = "http://www.w3.org/2005/Atom"
_ENTRIES: Final = UUID("5b6a3c0e-7c0b-5d6e-9f3e-6d0f6a0c9b11")
"""The namespace of the ids of entries. An id depends only on what is public."""


def render_feed(content: StatusContent) -> str:
    """Return the feed; it changes only if an incident or a window does."""
    feed = Element("feed", xmlns=_NAMESPACE)
    entries = sorted(_entries(content), key=lambda each: each[0], reverse=True)
    _text(feed, "title", f"{content.company}: incidents and maintenance")
    _text(feed, "id", uuid5(_ENTRIES, content.company).urn)
    _text(feed, "updated", format_timestamp(entries[0][0] if entries else _EPOCH))
    SubElement(feed, "link", rel="self", type=ATOM, href=PATH)
    SubElement(feed, "link", rel="alternate", type="text/html", href="/status")
    _text(SubElement(feed, "author"), "name", content.company)
    feed.extend(entry for _, entry in entries)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(feed, encoding="unicode")


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _entries(content: StatusContent) -> Iterator[tuple[datetime, Element]]:
    """Yield each entry with the time of its last change."""
    for incident in content.incidents:
        yield _incident(incident)
    for window in content.windows:
        yield _window(window)


def _incident(incident: PublicIncident) -> tuple[datetime, Element]:
    times = [incident.since, *(each.at for each in incident.updates)]
    times += [incident.resolved_at] if incident.resolved_at else []
    lines = [incident.impact] if incident.impact else []
    if incident.resolved_at:
        lines.append(f"Resolved at {clock(incident.resolved_at)}.")
    lines += [f"{clock(each.at)}: {each.text}" for each in incident.updates]
    lines.append(f"{incident.group}, since {clock(incident.since)}.")
    name = f"incident {incident.group} {incident.since.isoformat()}"
    return max(times), _entry(name, incident.title, incident.since, max(times), lines)


def _window(window: PublicWindow) -> tuple[datetime, Element]:
    groups = ", ".join(window.groups)
    lines = [window.text, f"{groups}, from {clock(window.start)} to {clock(window.end)}."]
    name = f"maintenance {groups} {window.start.isoformat()} {window.text}"
    title = f"Maintenance: {groups}"
    return window.start, _entry(name, title, window.start, window.start, lines)


def _entry(
    name: str, title: str, published: datetime, updated: datetime, lines: list[str]
) -> Element:
    entry = Element("entry")
    _text(entry, "id", uuid5(_ENTRIES, name).urn)
    _text(entry, "title", title)
    _text(entry, "published", format_timestamp(published))
    _text(entry, "updated", format_timestamp(updated))
    SubElement(entry, "link", rel="alternate", type="text/html", href="/status")
    _text(entry, "content", "\n\n".join(lines))
    return entry


def _text(parent: Element, name: str, text: str) -> None:
    """Add an element with a text, without the characters that XML cannot contain."""
    SubElement(parent, name).text = xml_text(text)
