"""The demo: a declaration, users and tickets that show every part of the product."""
