"""Broken machines and hostile clients: real processes on a real PostgreSQL."""
