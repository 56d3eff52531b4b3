"""Declared resources as comparable values, and the service catalog."""
