"""Log lines, as their renderers make them."""

import json
import logging
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from api.log_context import add_context, bind, start_context
from api.logging import as_text, formatter_of, renderers_of
from api.settings import LogFormat


def rendered(form: LogFormat, **event: object) -> str:
    line: Any = dict(event)
    for renderer in renderers_of(form):
        line = renderer(structlog.get_logger(), "info", line)
    return as_text(None, "info", line)


@pytest.mark.parametrize("form", LogFormat)
def test_a_failure_is_told_without_local_variables(form: LogFormat) -> None:
    def fail() -> None:
        password = "hunter" + "2"
        raise RuntimeError(len(password))

    try:
        fail()
    except RuntimeError as error:
        line = rendered(form, event="failed", exc_info=error)
    assert "RuntimeError" in line
    assert "fail" in line
    assert "hunter2" not in line


def test_a_line_of_json_holds_whatever_it_is_given() -> None:
    line = json.loads(rendered(LogFormat.JSON, event="\ud800", number=10**30, thing={1}))
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {"event": "\ud800", "number": 10**30, "thing": "{1}"}
    assert "\n" not in rendered(LogFormat.JSON, event="two\nlines")


@pytest.mark.parametrize("form", LogFormat)
def test_what_a_library_logs_is_a_line_of_the_same_form(form: LogFormat) -> None:
    start_context(request_id="r1")
    record = logging.LogRecord("aiohttp", logging.WARNING, "", 1, "%s left", ("somebody",), None)
    line = formatter_of(renderers_of(form)).format(record)
    assert "somebody left" in line
    if form is LogFormat.JSON:
        told = json.loads(line)
        assert datetime.fromisoformat(told.pop("timestamp")).tzinfo == UTC
        assert told == {
            "event": "somebody left",
            "level": "warning",
            "logger": "aiohttp",
            "request_id": "r1",
        }


def test_notes_are_of_the_task_that_makes_them() -> None:
    start_context(request_id="r1")
    inside = copy_context()
    inside.run(bind, actor="anna")
    event = {"event": "seen", "request_id": "its own"}
    assert add_context(None, "info", {"event": "seen"}) == {"event": "seen", "request_id": "r1"}
    assert inside.run(add_context, None, "info", event) == event | {"actor": "anna"}
