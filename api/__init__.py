"""The interfaces of Interlock: HTTP (GraphQL, REST, web), webhooks, and the command line."""
