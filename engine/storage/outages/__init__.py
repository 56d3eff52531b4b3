"""Service health reports and the tickets that outages open."""
