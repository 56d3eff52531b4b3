"""Logs and counts GraphQL operations and their errors, which HTTP answers with status 200."""

from enum import StrEnum
from functools import cache
from typing import Final

import structlog
from graphql import OperationType
from prometheus_client import Counter

from api.graphql.errors import error_codes, error_statuses
from api.json_encoding import JsonObject
from api.log_context import bind

_NAME_CHARACTERS: Final = 100
_UNKNOWN: Final = "unknown"
_SERVER_ERRORS: Final = 500

log: Final = structlog.get_logger(component="graphql")


class OperationOutcome(StrEnum):
    """How an operation ended; if it has several errors, the last of these that applies."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class OperationLog:
    """Records the operations of one executor."""

    def __init__(self) -> None:
        self._errors = Counter(
            "interlock_graphql_errors",
            "Errors in the responses to GraphQL operations.",
            ["code"],
            registry=None,
        )
        operations = Counter(
            "interlock_graphql_operations",
            "GraphQL operations; a subscription counts when it begins.",
            ["type", "outcome"],
            registry=None,
        )
        self.collectors = (self._errors, operations)

        @cache  # `labels` takes a lock, and converts its arguments to text
        def counter_of(kind: OperationType | None, outcome: OperationOutcome) -> Counter:
            return operations.labels(kind.value if kind else _UNKNOWN, outcome)

        self._counter_of = counter_of

    def count(self, kind: OperationType | None, body: JsonObject) -> None:
        """Count an operation.

        Args:
            kind: of the operation; None if it is not known, because its document is not valid.
            body: the response.

        """
        self._counter_of(kind, _outcome_of(body)).inc()

    def record(self, name: str | None, body: JsonObject) -> None:
        """Count the errors of a response, and add its operation and first error to the log context.

        Args:
            name: the name of the operation, if it is known.
            body: the response.

        """
        codes = list(error_codes(body))
        for code in codes:
            self._errors.labels(code).inc()
        bind(
            **({"operation": name[:_NAME_CHARACTERS]} if name else {}),
            **({"code": codes[0]} if codes else {}),
        )

    def record_in_stream(self, name: str | None, body: JsonObject) -> None:
        """Do as `record` does, and log a response with errors, because its stream continues."""
        self.record(name, body)
        if "errors" in body:
            log.info("operation failed")


def _outcome_of(body: JsonObject) -> OperationOutcome:
    if "errors" not in body:
        return OperationOutcome.OK
    is_fault = any(status >= _SERVER_ERRORS for status in error_statuses(body))
    return OperationOutcome.FAILED if is_fault else OperationOutcome.REFUSED
