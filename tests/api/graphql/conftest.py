"""What every test of the GraphQL layer shares."""

import warnings
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

with warnings.catch_warnings():  # Tartiflette's reader of schemas imports deprecated modules
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import tartiflette  # noqa: F401  # imported first here, where it may warn


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """Return what the layer logs while a test runs; faults that a test provokes aren't printed."""
    with capture_logs() as entries:
        yield entries
