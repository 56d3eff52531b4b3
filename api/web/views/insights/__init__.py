"""What happened to tickets in a period, in numbers, for users who can read every ticket."""
