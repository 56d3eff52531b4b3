"""Webhook deliveries: fan-out, attempts, dead letters and status."""
