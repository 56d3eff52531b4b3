"""The dry run of a values file, for admins. Nothing is applied."""
