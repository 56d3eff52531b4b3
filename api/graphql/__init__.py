"""The GraphQL door (design section 8)."""
