"""The explorer's page: static files without any dependency, and the routes that answer them."""
