"""The users of the tests."""

from engine.tickets.actor import Actor

ANNA = Actor("u_b1", "Anna K.")
MARTON = Actor("u_c4", "Marton P.", frozenset({"payment-team"}))
ADA = Actor("u_a0", "Ada L.", is_admin=True)
OUTSIDER = Actor("u_z9", "Zoe R.")
ALL_USERS = (ANNA, MARTON, ADA, OUTSIDER)
