"""Background work on the SLA timers: recording breaches, and closing resolved tickets."""
