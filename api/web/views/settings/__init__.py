"""My settings: how the web UI is for one user."""
