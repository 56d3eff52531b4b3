"""The GraphQL schema of the API, in the schema definition language."""
