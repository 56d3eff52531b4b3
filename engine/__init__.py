"""The rules of Interlock (declarations, workflows, tickets, SLA targets) and their storage."""
