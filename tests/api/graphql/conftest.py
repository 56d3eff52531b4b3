"""Fixtures of the tests of the GraphQL API."""

import warnings
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

with warnings.catch_warnings():  # Tartiflette's schema parser imports deprecated modules
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import tartiflette  # noqa: F401  # imported here first, where it can warn


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """Return the log entries of a test, so that expected errors are not printed."""
    with capture_logs() as entries:
        yield entries
