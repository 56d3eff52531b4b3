"""The history log: appended, read in order, audited and renumbered."""
