"""The format of server-sent events."""

import pytest

from api.http.event_stream import encode_event

EVENTS = {
    "a name only": (("complete",), b"event: complete\ndata: \n\n"),
    "data": (("next", b'{"data":{}}'), b'event: next\ndata: {"data":{}}\n\n'),
    "an id": (("ticket", b"tk_1", "7-a"), b"event: ticket\nid: 7-a\ndata: tk_1\n\n"),
    "an id that resets the last one": (("reset", b"", ""), b"event: reset\nid: \ndata: \n\n"),
}


@pytest.mark.parametrize(("arguments", "encoded"), EVENTS.values(), ids=EVENTS)
def test_an_event_has_its_fields_in_lines(
    arguments: tuple[str, bytes, str], encoded: bytes
) -> None:
    assert encode_event(*arguments) == encoded
