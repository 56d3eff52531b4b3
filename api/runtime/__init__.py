"""What one server process holds in memory and does in the background."""
