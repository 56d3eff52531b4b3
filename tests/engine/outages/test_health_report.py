"""Health reports are validated."""

import pytest

from engine.errors import InvalidInput
from engine.outages.health_report import HealthReport
from tests.support.monitored_services import (
    PATH,
)


@pytest.mark.parametrize(
    ("invalid", "field"),
    [
        ({"status": "BROKEN"}, "status"),
        ({"path": ""}, "path"),
        ({"message": "x" * 2_001}, "message"),
        ({"message": "\0"}, "message"),
        ({"source": " "}, "source"),
        ({"stats": "DOWN"}, "stats"),
    ],
)
def test_an_invalid_report_is_refused(invalid: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        HealthReport.parse(**{"path": PATH, "status": "DOWN"} | invalid)
    assert refused.value.message.startswith(f"{field}: ")
