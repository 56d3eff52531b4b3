"""The workflows: each one drawn and in words. No control changes a workflow."""
