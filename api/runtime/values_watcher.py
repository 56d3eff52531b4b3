"""The watch over the mounted values file: whenever it changes, it is brought into force."""

import asyncio
from dataclasses import dataclass
from hashlib import file_digest
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from api.runtime.values_file import IN_FORCE, Outcome, ValuesFile, outcome_of
from engine.errors import InterlockError, RefusedByGuard

POLL_SECONDS: Final = 5
POLLS_PER_CHECK: Final = 12
"""To look at the file costs next to nothing, to look at the database a little."""
APPLY_BY_HAND: Final = "what is meant is added to `interlock apply -f FILE`"

log: Final = structlog.get_logger(component="values")


@dataclass(slots=True)
class ValuesWatcher:
    """Tries each content of the file once, and again only if something failed that may pass.

    A file that is refused or invalid changes nothing and ends nothing: the servers go on with what
    is in force, since a slip in a file must not take the tickets away from everybody.

    Attributes:
        settled: the fingerprint of the content that was tried last; empty before the first.
        refused: whether the guards refused it.

    """

    values: ValuesFile
    settled: str = ""
    refused: bool = False

    async def follow(self, every: float = POLL_SECONDS) -> None:
        """Look at the file every so many seconds, for ever.

        Kubernetes replaces a mounted file by swapping a symbolic link to its folder, of which a
        watch over the file itself would never hear.
        """
        for polls in count(1):
            await asyncio.sleep(every)
            await self.catch_up()
            if self.refused and polls % POLLS_PER_CHECK == 0:
                await self.check_again()

    async def catch_up(self) -> None:
        """Bring the file into force if its content was not tried yet; the log tells the rest."""
        fingerprint = await asyncio.to_thread(fingerprint_of, self.values.file)
        if fingerprint == self.settled:
            return
        outcome = await self._attempt(fingerprint)
        self.refused = outcome is Outcome.REFUSED
        if outcome in IN_FORCE:
            self.settled = fingerprint

    async def _attempt(self, fingerprint: str) -> Outcome:
        facts = log.bind(file=str(self.values.file), fingerprint=fingerprint)
        try:
            plan = await self.values.reload(wait=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, the watch goes on
            outcome = outcome_of(error)
            facts.error("the values file is not in force", outcome=outcome, **told(error))
            return outcome
        facts.info("the values file is in force", changes=len(plan.changes))
        return Outcome.UNCHANGED if plan.is_empty else Outcome.APPLIED

    async def check_again(self) -> None:
        """Notice that somebody applied what the guards refuse here."""
        try:
            self.refused = not await self.values.check()
        except Exception as error:  # noqa: BLE001  # whatever it is, the watch goes on
            log.warning("the values file could not be checked again", **told(error))
        if not self.refused:
            log.info("the values file is in force", file=str(self.values.file))


def fingerprint_of(file: Path) -> str:
    """Return the digest of what a file holds; of one that can't be read, why not."""
    try:
        with file.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return str(error.strerror)


def told(error: Exception) -> dict[str, object]:
    """Return what the log is told of an error: every complaint, or the traceback of a fault."""
    if not isinstance(error, InterlockError):
        return {"exc_info": error}
    hint = {"hint": APPLY_BY_HAND} if isinstance(error, RefusedByGuard) else {}
    return {"complaints": error.message.splitlines(), **hint}
