"""Watches the mounted values file, and applies it when it changes."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from api.files import UnreadableFile, layers_digest, read_layer
from api.runtime.background_tasks import BackgroundTask, every
from api.runtime.values_file import FINAL_OUTCOMES, ApplyOutcome, ValuesFile, outcome_of
from engine.errors import InterlockError, LockHeld, RefusedByGuard

_POLL_SECONDS: Final = 5
_POLLS_PER_CHECK: Final = 12
"""A refused file is compared with the database less often, because that costs more than a poll."""
_HINT: Final = "to acknowledge the hazards, run `interlock apply -f FILE` with the listed flags"

log: Final = structlog.get_logger(component="values")


@dataclass(slots=True)
class ValuesWatcher:
    """Applies each content of the file once, and retries only after temporary failures.

    A refused or invalid file changes nothing: the server continues with the active declaration,
    because a mistake in a file must not make tickets unavailable.

    Attributes:
        fingerprint: of the content that was attempted last; empty before the first attempt.
        refused: whether the guards refused that content.
        polls: the number of polls so far.

    """

    values: ValuesFile
    fingerprint: str = ""
    refused: bool = False
    polls: int = 0

    def task(self, poll_seconds: float = _POLL_SECONDS) -> BackgroundTask:
        """Return the task that polls the file.

        Polling is necessary: Kubernetes replaces a mounted file by swapping a symbolic link to its
        folder, which file notifications do not report.
        """
        return BackgroundTask("values_file", self.poll, every(poll_seconds))

    async def poll(self) -> None:
        """Apply the file if it has changed; sometimes compare a refused one with the database."""
        await self.catch_up()
        self.polls += 1
        if self.refused and self.polls % _POLLS_PER_CHECK == 0:
            await self._check_again()

    async def catch_up(self, *, wait: bool = False) -> None:
        """Apply the file if its content was not attempted yet, and log the outcome.

        Args:
            wait: wait for another reconciliation to finish, instead of leaving the file to a later
                call. If several servers watch the file, one at a time tries to apply it.

        """
        fingerprint = await asyncio.to_thread(_fingerprint_of, self.values.file)
        if fingerprint == self.fingerprint:
            return
        outcome = await self._attempt(fingerprint, wait=wait)
        self.refused = outcome is ApplyOutcome.REFUSED
        if outcome in FINAL_OUTCOMES:
            self.fingerprint = fingerprint

    async def _attempt(self, fingerprint: str, *, wait: bool) -> ApplyOutcome:
        attempt_log = log.bind(file=str(self.values.file), fingerprint=fingerprint)
        try:
            plan = await self.values.reload(wait=wait)
        except LockHeld as error:
            attempt_log.info("values file waits for another reconciliation", reason=error.message)
            return ApplyOutcome.LOCKED
        except Exception as error:  # noqa: BLE001  # the watcher continues after any error
            outcome = outcome_of(error)
            attempt_log.error("values file not applied", outcome=outcome, **_log_fields(error))
            return outcome
        attempt_log.info("values file applied", changes=len(plan.changes))
        return ApplyOutcome.UNCHANGED if plan.is_empty else ApplyOutcome.APPLIED

    async def _check_again(self) -> None:
        """Log if a user has applied the file that the guards refused."""
        try:
            self.refused = not await self.values.is_applied()
        except Exception as error:  # noqa: BLE001  # the watcher continues after any error
            log.warning("values file could not be checked again", **_log_fields(error))
        if not self.refused:
            log.info("values file applied", file=str(self.values.file))


def _fingerprint_of(file: Path) -> str:
    """Return the digest of a file or a folder; if it can't be read, the reason."""
    try:
        return layers_digest([read_layer(file)])
    except UnreadableFile as error:
        return error.message


def _log_fields(error: Exception) -> dict[str, object]:
    """Return the messages of an error, or the traceback of an unexpected one."""
    if not isinstance(error, InterlockError):
        return {"exc_info": error}
    hint = {"hint": _HINT} if isinstance(error, RefusedByGuard) else {}
    return {"errors": error.message.splitlines(), **hint}
