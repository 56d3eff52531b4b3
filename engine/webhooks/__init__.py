"""Webhooks: which events are sent, how they are signed and retried, and which hosts they reach.

Pure.
"""
