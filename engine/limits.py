"""Every named upper bound of the engine, units last. The doors' own bounds stand in `api`."""

from typing import Final

# The text of a declaration (design section 9).
DOCUMENT_BYTES: Final = 4 * 1024 * 1024
DOCUMENT_DEPTH: Final = 64
DOCUMENT_NODES: Final = 1_000_000
DOCUMENT_ALIAS_WEIGHT_NODES: Final = 100_000
DOCUMENT_ANCHORS: Final = 1_000
DOCUMENT_FINDINGS: Final = 100

# What a declaration may hold.
NAME_CHARACTERS: Final = 63
DISPLAY_NAME_CHARACTERS: Final = 120
DESCRIPTION_CHARACTERS: Final = 4_000
WORKFLOWS: Final = 20_000
CATALOG_ITEMS: Final = 50_000
SERVICES: Final = 50_000

# A ticket.
TITLE_CHARACTERS: Final = 200
TICKET_DESCRIPTION_CHARACTERS: Final = 20_000
COMMENT_CHARACTERS: Final = 20_000
GROUP_CHARACTERS: Final = 120
USER_ID_CHARACTERS: Final = 120
USER_NAME_CHARACTERS: Final = 200
USER_GROUPS: Final = 200
IDEMPOTENCY_KEY_CHARACTERS: Final = 120
PAGE_TICKETS: Final = 100
