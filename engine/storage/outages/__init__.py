"""Health reports of services, and the tickets of their outages."""
