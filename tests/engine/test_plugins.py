"""A plugin is off because of the licence, the declaration or an admin."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Forbidden, NotFound, PluginDisabled
from engine.plugins import (
    OFF_MESSAGES,
    OPEN_EDITION,
    Licence,
    OffReason,
    Plugin,
    check_switch,
    plugin_off,
)
from tests.support.personas import ADA, ALL_USERS

NOON = datetime(2026, 4, 28, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICKETING = frozenset({"ticketing", "not_made_yet"})

ON = {
    "the open edition": OPEN_EDITION,
    "a licence that expires later": Licence("ACME", TICKETING, NOON + SECOND),
    "a licence that begins now": Licence("ACME", TICKETING, NOON + SECOND, NOON),
    "a licence that does not expire": Licence("ACME", TICKETING),
}
OFF: dict[str, tuple[Licence, OffReason, str]] = {
    "a licence for another plugin": (
        Licence("ACME", frozenset({"reports"}), NOON + SECOND),
        OffReason.NOT_LICENSED,
        "ticketing is off: the licence of ACME does not include it.",
    ),
    "an expired licence for another plugin": (
        Licence("ACME", frozenset(), NOON),
        OffReason.NOT_LICENSED,
        "ticketing is off: the licence of ACME does not include it.",
    ),
    "an invalid licence": (
        Licence(error="there is no licence"),
        OffReason.NOT_LICENSED,
        "ticketing is off: there is no licence.",
    ),
    "a licence that begins later": (
        Licence("ACME", TICKETING, NOON + 2 * SECOND, NOON + SECOND),
        OffReason.LICENCE_NOT_YET_VALID,
        "ticketing is off: the licence of ACME begins at 2026-04-28T12:00:01+00:00.",
    ),
    "a licence that expires now": (
        Licence("ACME", TICKETING, NOON),
        OffReason.LICENCE_EXPIRED,
        "ticketing is off: the licence of ACME expired at 2026-04-28T12:00:00+00:00.",
    ),
}


@pytest.mark.parametrize("licence", ON.values(), ids=ON)
def test_ticketing_can_be_on_with(licence: Licence) -> None:
    assert licence.refusal(Plugin.TICKETING, NOON) is None


@pytest.mark.parametrize(("licence", "reason", "message"), OFF.values(), ids=OFF)
def test_ticketing_is_off_with(licence: Licence, reason: OffReason, message: str) -> None:
    refusal = licence.refusal(Plugin.TICKETING, NOON)
    assert refusal is not None
    assert refusal.details == {"reason": reason, "plugin": "ticketing"}
    assert refusal.message == message


@pytest.mark.parametrize("enabled", [True, False])
def test_only_admins_can_switch_plugins(*, enabled: bool) -> None:
    for actor in ALL_USERS:
        if actor.is_admin:
            check_switch(actor, Plugin.TICKETING, OPEN_EDITION, NOON, enabled=enabled)
            continue
        for licence in (OPEN_EDITION, Licence("ACME", TICKETING, NOON)):
            with pytest.raises(Forbidden) as refused:
                check_switch(actor, Plugin.TICKETING, licence, NOON, enabled=enabled)
            assert refused.value.details == {"reason": "admin_required"}


def test_an_unlicensed_plugin_can_only_be_switched_off() -> None:
    expired = Licence("ACME", TICKETING, NOON)
    check_switch(ADA, Plugin.TICKETING, expired, NOON, enabled=False)
    with pytest.raises(PluginDisabled) as refused:
        check_switch(ADA, Plugin.TICKETING, expired, NOON, enabled=True)
    assert refused.value.details["reason"] == OffReason.LICENCE_EXPIRED


@pytest.mark.parametrize("reason", OFF_MESSAGES)
def test_the_message_says_whether_an_admin_or_the_declaration_switched_it_off(
    reason: OffReason,
) -> None:
    refusal = plugin_off(Plugin.TICKETING, reason)
    assert refusal.details == {"reason": reason, "plugin": "ticketing"}
    assert refusal.message == f"ticketing is off: {OFF_MESSAGES[reason]}."


def test_an_unknown_plugin_is_not_found() -> None:
    with pytest.raises(NotFound, match="Did you mean 'ticketing'"):
        Plugin.named("tickets")
