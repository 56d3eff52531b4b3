"""The GraphQL API against a bare handler with the same SQL, and against Strawberry and Ariadne."""
