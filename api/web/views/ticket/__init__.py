"""One ticket: its timeline, and everything that the reader can do with it."""
