"""The upper bounds of the engine. Those of the interfaces are in `api.limits`."""

from typing import Final

RETRY_AFTER_SECONDS_MAX: Final = 5
"""How long clients are asked to wait if a service does not respond."""

DATABASE_CONNECTIONS_MIN: Final = 7
"""The connections of a server: at least one for each kind of work."""

# The text of a declaration.
DOCUMENT_BYTES: Final = 4 * 1024 * 1024
DOCUMENT_DEPTH: Final = 64
DOCUMENT_NODES: Final = 1_000_000
DOCUMENT_ALIAS_WEIGHT_NODES: Final = 100_000
DOCUMENT_ANCHORS: Final = 1_000
DOCUMENT_FINDINGS: Final = 100
HINT_NAMES: Final = 1_000

# Layered values files.
VALUES_FILES: Final = 20
VALUES_PIECES: Final = 500
"""The values files in one folder."""
VALUES_CHARACTERS: Final = 4 * DOCUMENT_BYTES
ARGUMENTS_CHARACTERS: Final = 100_000
ASSIGNMENT_DEPTH: Final = 30

# The status page.
PUBLIC_TITLE_CHARACTERS: Final = 120
PUBLIC_TEXT_CHARACTERS: Final = 500
GROUP_TARGETS: Final = 200
STATUS_PAGE_DAYS: Final = 90
"""The days that the status page shows, the current one included."""
STATUS_PAGE_INCIDENTS: Final = 50
INCIDENT_DAYS: Final = 14
"""How long the status page shows resolved incidents."""
MAINTENANCE_WINDOWS: Final = 500
WINDOW_SCOPES: Final = 200
"""The groups, and the services, that one maintenance window names."""

# The contents of a declaration.
NAME_CHARACTERS: Final = 63
DISPLAY_NAME_CHARACTERS: Final = 120
DESCRIPTION_CHARACTERS: Final = 4_000
ICON_CHARACTERS: Final = 63
ICON_HINTS: Final = 100
"""The unknown icons for which similar names are searched; a search takes 10 to 20 ms."""
SERVICE_PATH_CHARACTERS: Final = 500
WORKFLOWS: Final = 20_000
DRAWINGS: Final = 1_000
"""Drawings of workflows that a process keeps. An SVG has about 8 KB."""
WORKFLOW_TRANSITIONS: Final = 100
CATALOG_CATEGORIES: Final = 1_000
CATALOG_ITEMS: Final = 50_000
SERVICES: Final = 50_000
GROUPS: Final = 5_000
DURATION_DAYS: Final = 3_650

# Tickets.
TITLE_CHARACTERS: Final = 200
TICKET_DESCRIPTION_CHARACTERS: Final = 20_000
COMMENT_CHARACTERS: Final = 20_000
GROUP_CHARACTERS: Final = 120
USER_ID_CHARACTERS: Final = 120
USER_NAME_CHARACTERS: Final = 200
USER_GROUPS: Final = 200
IDEMPOTENCY_KEY_CHARACTERS: Final = 120
REFERENCE_CHARACTERS: Final = 120
BULK_TICKETS: Final = 100
COUNTED_REFUSALS: Final = 1_000
"""Different refused transitions that a server counts until it records them, within seconds."""
REFUSAL_DAYS: Final = 90
"""How long the numbers of refused transitions are kept."""
INSIGHT_ENTRIES: Final = 50_000
"""The newest entries of the log that insights into transitions read."""
INSIGHT_TICKETS: Final = 50_000
"""The newest tickets that insights into SLA targets read."""
INSIGHT_ROWS: Final = 100
"""The rows of a table of insights."""

# Searches.
FILTER_VALUES: Final = 100
SEARCH_CHARACTERS: Final = 500
DIRECTORY_SEARCH_CHARACTERS: Final = 200

# The web UI.
PAGE_PATH_CHARACTERS: Final = 2_000
VIEW_NAME_CHARACTERS: Final = 60
SAVED_VIEWS: Final = 50
"""The saved views of one user."""

# Health reports.
API_KEY_NAME_CHARACTERS: Final = 8
"""The part of a key's hash that names it in the log and in the history of tickets."""
HEALTH_MESSAGE_CHARACTERS: Final = 2_000
HEALTH_SOURCE_CHARACTERS: Final = 120
UPTIME_DAYS: Final = 400
"""The longest period for which an uptime is calculated."""
UPTIME_REASONS: Final = 50
"""Times with one status that the explanation of an uptime lists; the shortest are summed up."""

# Working time.
CALENDAR_DAYS: Final = 20 * 366
CALENDARS: Final = 1_000
CALENDAR_SHIFTS: Final = 10
CALENDAR_HOLIDAYS: Final = 2_000

# Webhooks.
WEBHOOKS: Final = 100
WEBHOOK_URL_CHARACTERS: Final = 2_000
HOST_NAME_CHARACTERS: Final = 253
SECRET_NAME_CHARACTERS: Final = 253
WEBHOOK_SECRETS: Final = 5
"""The secrets that sign one delivery. A rotation needs two; more are a mistake."""
WEBHOOK_SECRET_CHARACTERS: Final = 200
