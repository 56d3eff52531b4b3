"""Rendered log lines."""

import json
import logging
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from api.log_context import add_context, bind, start_context
from api.logging import decode, formatter_for, renderers_for
from api.settings import LogFormat


def rendered(form: LogFormat, **event: object) -> str:
    line: Any = dict(event)
    for renderer in renderers_for(form):
        line = renderer(structlog.get_logger(), "info", line)
    return decode(None, "info", line)


@pytest.mark.parametrize("form", LogFormat)
def test_a_traceback_has_no_local_variables(form: LogFormat) -> None:
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


def test_a_json_line_represents_any_value() -> None:
    line = json.loads(rendered(LogFormat.JSON, event="\ud800", number=10**30, thing={1}))
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo == UTC
    assert line == {"event": "\ud800", "number": 10**30, "thing": "{1}"}
    assert "\n" not in rendered(LogFormat.JSON, event="two\nlines")


@pytest.mark.parametrize("form", LogFormat)
def test_a_record_of_a_library_has_the_same_format(form: LogFormat) -> None:
    start_context(request_id="r1")
    record = logging.LogRecord("aiohttp", logging.WARNING, "", 1, "%s left", ("client",), None)
    line = formatter_for(renderers_for(form)).format(record)
    assert "client left" in line
    if form is LogFormat.JSON:
        fields = json.loads(line)
        assert datetime.fromisoformat(fields.pop("timestamp")).tzinfo == UTC
        assert fields == {
            "event": "client left",
            "level": "warning",
            "logger": "aiohttp",
            "request_id": "r1",
        }


def test_a_context_belongs_to_the_task_that_binds_it() -> None:
    start_context(request_id="r1")
    inside = copy_context()
    inside.run(bind, actor="anna")
    event = {"event": "seen", "request_id": "its own"}
    assert add_context(None, "info", {"event": "seen"}) == {"event": "seen", "request_id": "r1"}
    assert inside.run(add_context, None, "info", event) == event | {"actor": "anna"}
