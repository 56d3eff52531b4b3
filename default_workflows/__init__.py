"""The default workflows as data, read by `engine.declaration.defaults`."""
