"""YAML text to checked models, with the position of every finding."""
