"""The pages that sign users in and out."""
