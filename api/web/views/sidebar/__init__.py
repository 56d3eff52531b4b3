"""The sidebar, and the switch of ticketing in it."""
