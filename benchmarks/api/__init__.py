"""The GraphQL API, compared with a bare handler with the same SQL, Strawberry and Ariadne."""
