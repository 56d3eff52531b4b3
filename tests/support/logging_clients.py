"""Clients that change tickets through faults, and log each change and its acknowledgement."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import aiohttp

from engine.vocabulary import Status
from tests.support.api_client import bearer
from tests.support.personas import MARTON

WORKFLOW: Final = "service_request"
_PATIENCE_SECONDS: Final = 3
"""Clients that send a change again so early meet the database before the end of the fail-over."""
_PAUSE_SECONDS: Final = 0.02

_CREATE: Final = """mutation ($text: String!, $key: String!) {
  change: createTicket(title: $text, workflow: "service_request", idempotencyKey: $key) {
    ticket { id version } } }"""
_COMMENT: Final = """mutation ($id: ID!, $text: String!, $key: String!) {
  change: commentTicket(id: $id, text: $text, idempotencyKey: $key) { ticket { id version } } }"""
_START: Final = """mutation ($id: ID!, $text: String!, $key: String!) {
  change: startTicket(id: $id, comment: $text, idempotencyKey: $key) {
    ticket { id version } } }"""
_TRANSITION: Final = """mutation ($id: ID!, $to: Status!, $text: String!, $key: String!) {
  change: transitionTicket(id: $id, to: $to, comment: $text, idempotencyKey: $key) {
    ticket { id version } } }"""


@dataclass
class LoggedChange:
    """A change that a client has requested, once or several times with one idempotency key.

    Attributes:
        text: the title of the new ticket, or the comment of the change; no other change has it.
        target: the status that the change sets; None if it keeps the status.
        ticket, version: what the acknowledgement said; None without an acknowledgement.
        acknowledged_at: on the monotonic clock of the clients.
        requests: how often it was sent.

    """

    text: str
    target: Status | None = None
    ticket: str | None = None
    version: int | None = None
    acknowledged_at: float | None = None
    requests: int = 0


class Refused(Exception):
    """The server refused a change for good."""


@dataclass
class LoggingClients:
    """Clients that work on tickets of their own and comment one shared ticket.

    Attributes:
        url: where they send requests.
        log: all changes, in the order in which they were first sent.
        refusals: how often which error ended the work on a ticket.

    """

    url: str
    log: list[LoggedChange] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    _stopping: bool = False
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def acknowledged(self) -> list[LoggedChange]:
        return [each for each in self.log if each.acknowledged_at is not None]

    def longest_gap_seconds(self, since: float) -> float:
        """Return the longest time without an acknowledged change since some time."""
        times = sorted(each.acknowledged_at or 0 for each in self.acknowledged)
        later_times = (since, *(each for each in times if each > since))
        return max(later - earlier for earlier, later in pairwise(later_times))

    async def wait_for_acknowledged(self, count: int, timeout_seconds: float) -> None:
        """Wait until this many more changes are acknowledged."""
        goal = len(self.acknowledged) + count
        async with asyncio.timeout(timeout_seconds), self._progress:
            await self._progress.wait_for(lambda: len(self.acknowledged) >= goal)

    def stop(self) -> None:
        """Let each client finish its ticket, and end."""
        self._stopping = True

    async def run(self, client: int, shared: str) -> None:
        """Bring one ticket after the other from OPEN to CLOSED, until the clients stop."""
        number = 0
        async with _session() as session:
            while not self._stopping:
                number += 1
                try:
                    await self._work_on_ticket(session, f"client {client} ticket {number}", shared)
                except Refused as error:
                    self.refusals[str(error)] += 1

    async def _work_on_ticket(self, session: aiohttp.ClientSession, name: str, shared: str) -> None:
        own = await self.change(session, _CREATE, name)
        await self.change(session, _START, f"{name} start", Status.IN_PROGRESS, id=own)
        await self.change(session, _COMMENT, f"{name} comment", id=own)
        await self.change(session, _COMMENT, f"{name} on the shared ticket", id=shared)
        for to in (Status.RESOLVED, Status.CLOSED):
            await self.change(session, _TRANSITION, f"{name} {to.value}", to, id=own, to=to.name)

    async def change(
        self,
        session: aiohttp.ClientSession,
        mutation: str,
        text: str,
        target: Status | None = None,
        **variables: str,
    ) -> str:
        """Request a change until it is acknowledged; return the id of its ticket."""
        change = LoggedChange(text, target)
        self.log.append(change)
        key = text.replace(" ", "-")
        body = {"query": mutation, "variables": {"text": text, "key": key, **variables}}
        while change.ticket is None:
            change.requests += 1
            await asyncio.sleep(_PAUSE_SECONDS)
            if (ticket := await self._request(session, body)) is not None:
                change.acknowledged_at = time.monotonic()
                change.ticket, change.version = ticket
        async with self._progress:
            self._progress.notify_all()
        return change.ticket

    async def _request(
        self, session: aiohttp.ClientSession, body: Mapping[str, object]
    ) -> tuple[str, int] | None:
        """Return the id and the version in the acknowledgement; None without an acknowledgement."""
        try:
            async with session.post(self.url, json=body) as response:
                if response.content_type == "text/html":  # HAProxy has no server that is ready
                    return None
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError):
            return None
        if "errors" in answer:
            error = answer["errors"][0]
            if "retryAfter" in error["extensions"]:
                return None
            raise Refused(f"{error['extensions']['code']}: {error['message']}")
        ticket = answer["data"]["change"]["ticket"]
        return ticket["id"], ticket["version"]


def _session() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(_PATIENCE_SECONDS)
    return aiohttp.ClientSession(headers=bearer(MARTON), timeout=timeout)


@asynccontextmanager
async def logging_clients(url: str, count: int) -> AsyncIterator[LoggingClients]:
    """Run clients during the block; at the end each of them finishes its ticket."""
    clients = LoggingClients(url)
    async with _session() as session:
        shared = await clients.change(session, _CREATE, "the shared ticket")
    async with asyncio.TaskGroup() as running:
        for client in range(count):
            running.create_task(clients.run(client, shared))
        try:
            yield clients
        finally:
            clients.stop()
