"""The web UI: pages that the server renders. Every route works without JavaScript."""
