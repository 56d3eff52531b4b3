"""Prepares the database for servers that wait for it, and waits until they use the declaration.

All of it can be repeated at any time, and by several processes at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.bootstrap.engine import open_current, open_engine
from api.files import layers_digest, read_layer
from api.settings import Settings
from engine.errors import RefusedByGuard, StalePlan, Unavailable
from engine.resources.declaration_digest import declaration_digest
from engine.storage.postgres.database import Database
from engine.storage.postgres.grants import grant_rights
from engine.storage.resources.live_declaration import read_live_declaration
from engine.storage.servers import ServerReport, read_running_servers
from reconciler.allowances import NO_ALLOWANCES
from reconciler.apply import ApplyRequest, apply_plan
from reconciler.desired import Desired, read_desired
from reconciler.hazards import plan_approval, unacknowledged
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.plural import plural
from reconciler.values import ValuesInput

_PAUSE_SECONDS: Final = 1
_ATTEMPTS: Final = 5
"""How often a plan is made again that became stale before it was applied."""
_REPLACED: Final = "Another reconciliation has replaced the declaration meanwhile. Deploy again."


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to deploy.

    Attributes:
        files: values files and folders of them; later ones override earlier ones.
        key: the dotted key of the chart in the files; empty if `ticketing:` is at the top level.
        content: `sha256:` and the digest that the texts of the files must have; empty for any.
        by: who deploys.
        source: where the declaration came from; empty for the names of the files.
        grant_to: the role that gets the rights of a server; empty for none.
        servers: how many servers must at least use the declaration.
        seconds: how long to wait for the files, the database and the servers together.

    """

    files: Sequence[Path]
    by: str
    key: str = ""
    content: str = ""
    source: str = ""
    grant_to: str = ""
    servers: int = 0
    seconds: float = 300


class _Patience:
    """How long to wait for others.

    Args:
        seconds: in total.
        announce: called with each new reason for waiting.

    """

    def __init__(self, seconds: float, announce: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._announce = announce
        self._reason = ""

    async def wait(self, reason: str) -> None:
        """Wait a little; raise Unavailable with the reason if that was too long in total."""
        if time.monotonic() >= self._deadline:
            raise Unavailable(f"{reason} This did not change within {self._seconds:g} seconds.")
        if reason != self._reason:
            self._announce(f"Waiting: {reason}")
        self._reason = reason
        await asyncio.sleep(_PAUSE_SECONDS)


async def deploy(
    settings: Settings,
    deployment: Deployment,
    show_plan: Callable[[Plan], None],
    announce: Callable[[str], None],
) -> Sequence[ServerReport]:
    """Migrate the database, reconcile it with the files, and return the servers that follow.

    Args:
        settings: with the address of the database, for the role that owns the tables.
        deployment: what to deploy.
        show_plan: called with each plan before it is judged and applied.
        announce: called with each step in words.

    Raises:
        InvalidInput: the files cannot be read, or (InvalidDeclaration) have errors. Then nothing is
            changed.
        Misconfigured: the database cannot be migrated.
        RefusedByGuard: the plan has hazards, and the files do not approve it.
        StalePlan: other reconciliations interfere again and again.
        Unavailable: the files, the database or the servers are not as required for too long.

    """
    patience = _Patience(deployment.seconds, announce)
    desired = await _read_files(deployment, patience)
    await _migrate(settings, deployment, patience)
    announce("The database has the schema of this version.")
    async with open_current(settings) as engine:
        await _reconcile(engine.database, desired, deployment, show_plan)
        digest = declaration_digest(desired.resources)
        announce(f"The declaration sha256:{digest} is active.")
        return await _wait_for_servers(engine.database, digest, deployment.servers, patience)


async def _read_files(deployment: Deployment, patience: _Patience) -> Desired:
    """Return the resources in the files, as soon as these have the required content."""
    while True:
        layers = list(map(read_layer, deployment.files))
        content = f"sha256:{layers_digest(layers)}"
        if deployment.content in {"", content}:
            return read_desired(ValuesInput(layers, key=deployment.key))
        await patience.wait(f"The files have the content {content}, not {deployment.content}.")


async def _migrate(settings: Settings, deployment: Deployment, patience: _Patience) -> None:
    """Migrate the database and grant rights, as soon as the database responds."""
    while True:
        try:
            async with open_engine(settings) as engine:
                if deployment.grant_to:
                    await grant_rights(engine.database, deployment.grant_to)
                return
        except Unavailable as error:
            reason = error.message
        await patience.wait(reason)


async def _reconcile(
    database: Database,
    desired: Desired,
    deployment: Deployment,
    show_plan: Callable[[Plan], None],
) -> None:
    """Apply exactly the plan that is shown; make it again if it is stale by then."""
    source = deployment.source or ", ".join(desired.files)
    for attempt in range(1, _ATTEMPTS + 1):
        async with database.snapshot() as session:
            plan = await make_plan(session, desired, source)
        show_plan(plan)
        _check_guards(plan)
        if plan.is_empty:
            return
        try:
            await apply_plan(database, plan, ApplyRequest(deployment.by, wait=True))
        except StalePlan:
            if attempt == _ATTEMPTS:
                raise
        else:
            return


def _check_guards(plan: Plan) -> None:
    if refused := unacknowledged(plan, NO_ALLOWANCES):
        lines = [
            "The plan has hazards, and the values do not approve it.",
            *(f"{each.code}: {each.message}" for each in refused),
            f"To let this plan through, set ticketing.approvedPlan: {plan_approval(plan)}",
        ]
        raise RefusedByGuard("\n".join(lines))


async def _wait_for_servers(
    database: Database, digest: str, least: int, patience: _Patience
) -> Sequence[ServerReport]:
    """Return the servers as soon as all of them, and at least so many, use a declaration."""
    while True:
        async with database.snapshot() as session:
            live = await read_live_declaration(session)
            servers = await read_running_servers(session)
        if live.digest != digest:
            raise StalePlan(_REPLACED)
        behind = [each.name for each in servers if each.declaration != digest]
        if behind:
            await patience.wait(
                f"{plural(len(behind), 'server')} of {len(servers)} still use another declaration:"
                f" {', '.join(behind)}."
            )
        elif len(servers) < least:
            await patience.wait(f"{len(servers)} of {plural(least, 'server')} report.")
        else:
            return servers
