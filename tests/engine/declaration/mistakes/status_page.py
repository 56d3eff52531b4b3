"""Mistakes in uptime targets, the status page and maintenance windows."""

from typing import Final

from tests.engine.declaration.mistakes.texts import Mistake

SERVICE: Final = "ticketing:\n  services: [{path: acme/api, slaGroup: shop}]\n"
TARGET: Final = "displayName: Shop, uptimeTarget: 99.9"

STATUS_PAGE: Final[dict[str, Mistake]] = {
    "an accent that is too light": (
        "ticketing: {statusPage: {accentColor: '#74cdb2'}}\n",
        [("low_contrast", 1, 39)],
        "many readers cannot read it. The nearest colour is #498170.",
    ),
    "no colour": (
        "ticketing: {statusPage: {accentColor: red}}\n",
        [("wrong_color", 1, 39)],
        "must be a colour of six hexadecimal digits, such as #1b6a57 (found 'red')",
    ),
    "a logo that is not loaded over TLS": (
        "ticketing: {statusPage: {logoUrl: 'http://example.com/logo.svg'}}\n",
        [("wrong_url", 1, 35)],
        "must be an https URL",
    ),
    "a target of a group without services": (
        SERVICE + f"  slaTargets: [{{slaGroup: shops, {TARGET}}}]\n",
        [("unknown_group", 3, 27)],
        "There is no group 'shops'. Declare it or use another one. Did you mean 'shop'?",
    ),
    "two targets of a group": (
        SERVICE + f"  slaTargets: [{{slaGroup: shop, {TARGET}}}, {{slaGroup: shop, {TARGET}}}]\n",
        [("duplicate_name", 3, 84)],
        "'shop' is already declared",
    ),
    "targets out of bounds, in an unknown calendar": (
        SERVICE
        + "  slaTargets:\n    - {slaGroup: shop, displayName: S, uptimeTarget: 100.1}\n"
        + "    - {slaGroup: shop2, displayName: S, uptimeTarget: 0, calendar: office}\n",
        [
            ("wrong_type", 4, 54),
            ("unknown_group", 5, 18),
            ("wrong_type", 5, 55),
            ("unknown_calendar", 5, 68),
        ],
        "must be at most 100",
    ),
    "windows with wrong times, without a scope, and with an unknown service": (
        SERVICE
        + "  maintenance:\n    - name: one\n      start: 2026-05-01 22:00\n      end: tomorrow\n"
        + "      text: Work\n    - name: two\n      start: 2026-05-01T22:00Z\n"
        + "      end: 2026-05-01T22:00Z\n      services: [acme/ap]\n      text: Work\n",
        [
            ("no_scope", 4, 7),
            ("wrong_time", 5, 14),
            ("wrong_time", 6, 12),
            ("wrong_window", 10, 12),
            ("unknown_service", 11, 18),
        ],
        "must be a time with its offset from UTC, such as 2026-05-01T22:00+02:00",
    ),
}
