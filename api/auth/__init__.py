"""Authentication: bearer tokens, the keys that verify them, and API keys."""
