"""The five default workflows: data only, read by `engine.declaration.defaults`."""
