"""The fields `Query.service` and `Service.uptime`."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.storage.postgres.database import Database
from tests.support.api_client import Api
from tests.support.declared_resources import put_resources
from tests.support.monitored_services import PATH, declare_service, record
from tests.support.personas import ANNA
from tests.support.resources import sla_targets

UPTIME = """
query ($path: ID!, $from: DateTime!, $to: DateTime) {
  service(path: $path) {
    path status
    uptime(from: $from, to: $to) {
      percent agreedSeconds measuredSeconds downSeconds budgetSeconds remainingSeconds
      explanation { text from to seconds }
    }
  }
}
"""


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def test_the_uptime_of_a_service_that_was_never_reported_is_not_known(
    api: Api, database: Database
) -> None:
    await declare_service(database)
    found = await api.data(ANNA, UPTIME, path=PATH, **{"from": ago(hours=2), "to": ago(hours=1)})
    assert found["service"]["uptime"] == {
        "percent": None,
        "agreedSeconds": 3600,
        "measuredSeconds": 0,
        "downSeconds": 0,
        "budgetSeconds": None,
        "remainingSeconds": None,
        "explanation": [
            {
                "text": "the period; all time counts",
                "from": found["service"]["uptime"]["explanation"][0]["from"],
                "to": found["service"]["uptime"]["explanation"][0]["to"],
                "seconds": 3600,
            },
            {
                "text": "the status is not known; not measured",
                "from": None,
                "to": None,
                "seconds": -3600,
            },
            {"text": "the downtime", "from": None, "to": None, "seconds": 0},
        ],
    }


async def test_a_target_of_the_group_sets_the_budget(api: Api, database: Database) -> None:
    await declare_service(database)
    await put_resources(database, [sla_targets("payment-team")])
    found = await api.data(ANNA, UPTIME, path=PATH, **{"from": ago(hours=2), "to": ago(hours=1)})
    uptime = found["service"]["uptime"]
    assert (uptime["budgetSeconds"], uptime["remainingSeconds"]) == (4, 4), "0.1 % of an hour"


async def test_the_current_outage_counts_until_now(api: Api, database: Database) -> None:
    await declare_service(database)
    await record(database, "DOWN")
    found = await api.data(ANNA, UPTIME, path=PATH, **{"from": ago(hours=2)})
    assert (found["service"]["status"], found["service"]["uptime"]["percent"]) == ("DOWN", 0)


@pytest.mark.parametrize(
    ("period", "message"),
    [
        ({"from": ago(days=1), "to": ago(days=2)}, "must end after it starts"),
        ({"from": ago(days=401)}, "longer than 400 days"),
    ],
)
async def test_a_period_that_cannot_be_calculated_is_refused(
    api: Api, database: Database, period: dict[str, str], message: str
) -> None:
    await declare_service(database)
    answer = await api.ask(ANNA, UPTIME, path=PATH, **period)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "invalid_input"
    assert message in error["message"]


async def test_an_undeclared_service_is_not_found(api: Api, database: Database) -> None:
    await declare_service(database)
    refused = await api.refusal(ANNA, UPTIME, path="acme/shop/payment-apy", **{"from": ago(days=1)})
    assert refused["code"] == "not_found"
