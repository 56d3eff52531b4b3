"""The JSON document of a plan: written, verified and read back (see `docs/plan-format.md`)."""
