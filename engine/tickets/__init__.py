"""The life of a ticket: creation, transition, assignment, comment, edit, history."""
