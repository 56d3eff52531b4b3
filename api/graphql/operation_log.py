"""Logs and counts the errors of GraphQL operations, which HTTP answers with status 200."""

from typing import Final

import structlog
from prometheus_client import Counter

from api.graphql.errors import error_codes
from api.json_encoding import JsonObject
from api.log_context import bind

_NAME_CHARACTERS: Final = 100

log: Final = structlog.get_logger(component="graphql")


class OperationLog:
    """Records the operations of one executor."""

    def __init__(self) -> None:
        self._errors = Counter(
            "interlock_graphql_errors",
            "Errors in the responses to GraphQL operations.",
            ["code"],
            registry=None,
        )
        self.collectors = (self._errors,)

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
