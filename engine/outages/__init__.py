"""Health reports, and the rules by which outages open and close tickets. Pure."""
