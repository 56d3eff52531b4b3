"""The front doors: GraphQL, the command line, and the one place that wires them to the engine."""
