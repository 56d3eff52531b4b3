"""The five default workflows: data only, read by `engine.workflows.defaults`."""
