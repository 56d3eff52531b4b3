"""Opening a ticket: from the service catalog, or from the empty form."""
