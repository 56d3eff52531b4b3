"""What mistakes are made in: the beginnings of declarations that are right so far."""

Mistake = tuple[str, list[tuple[str, int, int]], str]
"""A text; all that is told of it, by code, line and column; and some of the words."""

HEAD = "ticketing:\n  workflows:\n    - name: hotfix\n      transitions:\n"
OPENING = "        - {from: OPEN, to: IN_PROGRESS, role: assignee}\n"

ITEM = (
    "ticketing:\n"
    "  workflows: [{name: hotfix, transitions: [{from: OPEN, to: CLOSED, role: any}]}]\n"
    "  catalog:\n"
    "    categories: [{name: category, displayName: C}]\n"
    "    items: [{name: i, displayName: I, category: "
)

CALENDAR = "ticketing:\n  calendars:\n    - name: office\n"
OFFICE = "      timeZone: Europe/Budapest\n      hours: {monday: ['09:00-17:00']}\n"

WEBHOOK = "ticketing:\n  webhooks:\n    - name: chat\n      secretName: chat-webhook\n"
