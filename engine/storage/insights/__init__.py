"""What happened to tickets in a period, in numbers."""
