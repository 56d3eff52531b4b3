"""Mistakes in webhooks."""

from typing import Final

from tests.engine.declaration.mistakes.texts import WEBHOOK, Mistake

WEBHOOKS: Final[dict[str, Mistake]] = {
    "a URL without a scheme": (
        WEBHOOK + "      url: hooks.example.com\n",
        [("wrong_url", 5, 12)],
        "ticketing.webhooks[0].url: must be a URL in ASCII, such as https://",
    ),
    "a password in a URL": (
        WEBHOOK + "      url: https://me:word@hooks.example.com/\n",
        [("wrong_url", 5, 12)],
        "must not contain a user or password",
    ),
    "a number as the host": (
        WEBHOOK + "      url: https://2130706433/\n",
        [("wrong_url", 5, 12)],
        "'2130706433' is neither",
    ),
    "an unknown event": (
        WEBHOOK + "      url: https://a.example/\n      events: [ticket.opened, ticket.created]\n",
        [("unknown_event", 6, 16)],
        "must be one of ticket.created, ticket.transitioned,",
    ),
    "a webhook without events": (
        WEBHOOK + "      url: https://a.example/\n      events: []\n",
        [("no_events", 6, 15)],
        "to receive all, omit `events`",
    ),
    "a path as the name of a secret": (
        WEBHOOK.replace("chat-webhook", "../jwt") + "      url: https://a.example/\n",
        [("wrong_form", 4, 19)],
        "lower-case letters and digits, separated by . or -",
    ),
    "a webhook without a secret, and a duplicate name": (
        (
            "ticketing:\n  webhooks:\n"
            "    - {name: chat, url: 'https://a.example/'}\n"
            "    - {name: chat, url: 'https://b.example/', secretName: b}\n"
        ),
        [("missing_field", 3, 7), ("duplicate_name", 4, 14)],
        "webhooks[0]: the required key 'secretName' is missing.",
    ),
}
