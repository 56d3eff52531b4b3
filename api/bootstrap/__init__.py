"""The only package that wires settings to concrete components."""
