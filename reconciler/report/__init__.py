"""Reports of a plan: text for a terminal, Markdown for a pull request."""

from reconciler.report.markdown import as_markdown
from reconciler.report.text import as_text, print_plan

__all__ = ["as_markdown", "as_text", "print_plan"]
