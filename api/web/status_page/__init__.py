"""The public status page. It imports neither sessions nor the other screens."""
