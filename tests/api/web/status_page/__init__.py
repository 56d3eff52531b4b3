"""Tests of the public status page."""
