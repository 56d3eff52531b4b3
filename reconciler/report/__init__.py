"""Reports of a plan: text for a terminal, Markdown for a pull request."""
