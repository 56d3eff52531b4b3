"""The schema of the API, in GraphQL's own language."""
