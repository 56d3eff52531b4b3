"""The states and boundaries of maintenance windows, and the checks of new ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.declaration.status_page_models import PlannedMaintenance
from engine.errors import InvalidInput
from engine.outages.maintenance import (
    MaintenanceWindow,
    NewWindow,
    WindowState,
    check_known,
    declared_window,
    is_in_maintenance,
    last_boundary,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = MaintenanceWindow(NOON, NOON + HOUR, "mw_1", ("shop",), ("acme/api",), "Upgrade")


@pytest.mark.parametrize(
    ("after_noon", "state"),
    [
        (-timedelta(microseconds=1), WindowState.UPCOMING),
        (0 * HOUR, WindowState.ACTIVE),
        (HOUR - timedelta(microseconds=1), WindowState.ACTIVE),
        (HOUR, WindowState.PAST),
    ],
)
def test_the_state_of_a_window(after_noon: timedelta, state: WindowState) -> None:
    at = NOON + after_noon
    assert WINDOW.state_at(at) is state
    assert is_in_maintenance([WINDOW], at) == (state is WindowState.ACTIVE)


def test_a_window_that_was_cancelled_before_its_start_is_past_and_has_no_boundary() -> None:
    cancelled = replace(WINDOW, end=NOON - HOUR)
    assert cancelled.state_at(NOON - 2 * HOUR) is WindowState.PAST
    assert last_boundary([cancelled], NOON - 3 * HOUR, NOON + 3 * HOUR) is None


@pytest.mark.parametrize(
    ("since", "until", "boundary"),
    [(-2, -1, None), (-1, 0, 0), (0.1, 0.5, None), (-1, 2, 1), (0, 0.5, 0), (1.1, 2, None)],
)
def test_the_last_boundary(since: float, until: float, boundary: float | None) -> None:
    found = last_boundary([WINDOW], NOON + since * HOUR, NOON + until * HOUR)
    assert found == (None if boundary is None else NOON + boundary * HOUR)


@pytest.mark.parametrize(
    ("path", "group", "is_affected"),
    [("acme/api", "other", True), ("acme/web", "shop", True), ("acme/web", "other", False)],
)
def test_the_affected_services(path: str, group: str, *, is_affected: bool) -> None:
    assert WINDOW.affects(path, group) == is_affected


@pytest.mark.parametrize(
    ("applied", "start"), [("10:00", "11:00"), ("11:30", "11:30"), ("13:00", "12:00")]
)
def test_a_declared_window_changes_nothing_before_it_was_applied(applied: str, start: str) -> None:
    declared = PlannedMaintenance.model_validate(
        {
            "name": "upgrade",
            "start": "2030-01-01T12:00+01:00",
            "end": "2030-01-01T12:00Z",
            "groups": ["shop"],
            "text": "Upgrade",
        }
    )
    window = declared_window(declared, datetime.fromisoformat(f"2030-01-01T{applied}Z"))
    assert window.start == datetime.fromisoformat(f"2030-01-01T{start}Z")
    assert (window.end, window.declared) == (NOON, True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"groups": [], "services": []}, "must name at least one group or service"),
        ({"end": NOON.isoformat()}, "must end after it starts"),
        ({"start": "2030-01-01T12:00"}, "start: must be a timestamp"),
        ({"text": " "}, "text: must not be empty"),
        ({"text": "a\nb"}, "text: "),
    ],
)
def test_an_invalid_window_is_refused(changed: dict[str, object], message: str) -> None:
    valid = {"start": NOON, "end": NOON + HOUR, "groups": ["shop"], "text": "Upgrade"}
    NewWindow.parse(**valid)
    with pytest.raises(InvalidInput) as refused:
        NewWindow.parse(**valid | changed)
    assert message in refused.value.message


def test_a_window_names_only_what_is_declared() -> None:
    new = NewWindow.parse(start=NOON, end=NOON + HOUR, groups=["a", "b"], services=["x"], text="U")
    check_known(new, ["a", "b"], ["x"])
    with pytest.raises(InvalidInput, match="No declared group is named 'b'"):
        check_known(new, ["a"], ["x"])
