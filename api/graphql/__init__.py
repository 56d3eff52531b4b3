"""The GraphQL API (design section 8)."""
