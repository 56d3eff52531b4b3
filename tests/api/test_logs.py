"""Log lines, as their renderers make them."""

import json
from typing import Any

import pytest
import structlog

from api.logs import renderers_of
from api.settings import LogFormat


def rendered(form: LogFormat, **event: object) -> str:
    line: Any = dict(event)
    for renderer in renderers_of(form):
        line = renderer(structlog.get_logger(), "info", line)
    assert isinstance(line, str)
    return line


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
    line = rendered(LogFormat.JSON, event="\ud800", number=10**30, thing={1})
    assert json.loads(line) == {"event": "\ud800", "number": 10**30, "thing": "{1}"}
    assert "\n" not in rendered(LogFormat.JSON, event="two\nlines")
