"""Compiled workflows: evaluate, explain, check and draw them. No I/O and no SQL."""
