"""Mistakes in durations, calendars and SLA targets."""

from typing import Final

from tests.engine.declaration.mistakes.texts import CALENDAR, ITEM, OFFICE, Mistake

SERVICE_LEVELS: Final[dict[str, Mistake]] = {
    "a duration that is a number": (
        "ticketing: {autoClose: {afterResolved: 5}}\n",
        [("wrong_duration", 1, 40)],
        "must be a duration such as 30m, 4h, 1d or 1h30m (found 5)",
    ),
    "a response target longer than the resolution target": (
        "ticketing: {sla: {HIGH: {response: 9h}, LOW: {resolution: 23h}}}\n",
        [("response_after_resolution", 1, 25), ("response_after_resolution", 1, 46)],
        "The response target 9h is longer than the resolution target 8h",
    ),
    "an invalid duration": (
        "ticketing: {autoClose: {afterResolved: soon}}\n",
        [("wrong_duration", 1, 40)],
        "30m, 4h",
    ),
    "durations out of bounds": (
        (
            "ticketing:\n  catalog:\n    categories: [{name: c, displayName: C}]\n"
            "    items:\n      - name: i\n        category: c\n"
            "        displayName: I\n        workflow: access_request\n"
            f"        sla: {{response: 0m, resolution: {'9' * 39}d}}\n"
        ),
        [("wrong_duration", 9, 25), ("wrong_duration", 9, 41)],
        "must be longer than 0s and at most 3650d",
    ),
    "invalid time zones, shifts and holidays": (
        CALENDAR
        + "      timeZone: Europe/Budapst\n"
        + "      hours: {monday: ['22:00-06:00', 9-17], tuesday: ['09:60-10:00', '24:00-24:00']}\n"
        + "      holidays: [2026-02-30, 1, 20261225]\n",
        [
            ("unknown_time_zone", 4, 17),
            *(("wrong_hours", 5, column) for column in (24, 39, 56, 71)),
            *(("wrong_date", 6, column) for column in (18, 30, 33)),
        ],
        "22:00-24:00 and 00:00-06:00 of the next day (found '22:00-06:00')",
    ),
    "overlapping shifts": (
        CALENDAR
        + "      timeZone: UTC\n      hours:\n"
        + "        monday: ['09:00-12:00', '12:00-13:00', '11:00-14:00']\n"
        + "        friday: ['22:00-24:00', '23:00-23:30']\n",
        [("overlapping_hours", 6, 48), ("overlapping_hours", 7, 33)],
        "11:00-14:00 starts before 12:00-13:00 ends",
    ),
    "a calendar without hours": (
        CALENDAR + "      timeZone: UTC\n      hours: {monday: []}\n",
        [("no_hours", 5, 14)],
        "at least one weekday",
    ),
    "the name of the built-in calendar": (
        CALENDAR.replace("office", "always") + OFFICE,
        [("reserved_name", 3, 13)],
        "use another name",
    ),
    "unknown calendars": (
        ITEM
        + "category, workflow: hotfix, sla: {response: 1m, resolution: P1D, calendar: offise}}]\n"
        + "  sla: {LOW: {calendar: ofice}, HIGH: {calendar: always}}\n"
        + CALENDAR.removeprefix("ticketing:\n")
        + OFFICE,
        [("unknown_calendar", 5, 124), ("unknown_calendar", 6, 25)],
        "There is no calendar 'ofice'. Declare it or use another one. Did you mean 'office'?",
    ),
    "an unknown priority and invalid SLA targets": (
        "ticketing: {sla: {URGENT: {}, LOW: {response: 0s, resolution: PT, calendar: 1}}}\n",
        [
            ("unknown_key", 1, 19),
            ("wrong_duration", 1, 47),
            ("wrong_duration", 1, 63),
            ("wrong_type", 1, 77),
        ],
        "Known keys: CRITICAL, HIGH, MEDIUM, LOW",
    ),
}
