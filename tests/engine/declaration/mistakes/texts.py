"""The valid beginnings of declarations with mistakes."""

Mistake = tuple[str, list[tuple[str, int, int]], str]
"""A text; the code, line and column of each finding; and a part of the messages."""

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
