"""Background work on timers: SLA breaches and automatic closing."""
