"""Webhook delivery: the worker, its HTTP client, secrets and metrics."""
