"""Checks whether a server can run with some settings: what works, what does not, what to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from api.auth.key_sources import RefreshedKeys
from api.bootstrap.anchors import scheduled_anchors
from api.bootstrap.auth import key_source
from api.bootstrap.engine import EngineHandle, open_current, require_notifications
from api.bootstrap.tracing import open_tracing
from api.bootstrap.web import sign_in_methods
from api.licence import read_licence
from api.runtime.clock_watch import measure_clock_difference
from api.runtime.values_file import ValuesFile
from api.settings import Settings
from api.webhooks.call_context import read_call_context
from api.webhooks.secrets import BlockReason
from engine.errors import InterlockError, Misconfigured, Unavailable
from engine.plugins import OFF_MESSAGES, Plugin
from engine.storage.postgres.durability import read_durability_risks
from engine.storage.postgres.rights_audit import find_excess_rights, find_missing_rights
from engine.storage.resources.plugins import read_off_reasons
from engine.storage.resources.reconciliations import latest_reconciliation
from engine.storage.webhooks.status import count_deliveries
from reconciler.plural import plural

_LICENCE_WARNING: Final = timedelta(days=30)
"""How long before the end of a licence the check warns."""
_BLOCKS: Final = {
    BlockReason.HOST_NOT_ALLOWED: "INTERLOCK_WEBHOOK_HOSTS does not contain its host",
    BlockReason.SECRET_MISSING: "INTERLOCK_WEBHOOK_SECRETS_DIR has no file of its secret",
    BlockReason.SECRET_INVALID: "the file of its secret is invalid",
}


class CheckSeverity(StrEnum):
    """The result of a check: only `fail` means that a server does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    Attributes:
        message: what was found, in a sentence.
        advice: what to do, in a sentence; empty if there is nothing to do.

    """

    check: str
    severity: CheckSeverity
    message: str
    advice: str = ""


_Finding = tuple[CheckSeverity, str, str]
"""A result without the name of its check."""
_Check = Callable[[EngineHandle, Settings], Awaitable[_Finding]]


def _ok(message: str) -> _Finding:
    return CheckSeverity.OK, message, ""


def _warn(message: str, advice: str) -> _Finding:
    return CheckSeverity.WARN, message, advice


def _fail(message: str, advice: str) -> _Finding:
    return CheckSeverity.FAIL, message, advice


async def diagnose(env: Mapping[str, str]) -> AsyncIterator[CheckResult]:
    """Yield the result of each check of the settings in an environment; nothing is changed.

    A check that cannot run, because an earlier one failed, yields nothing.
    """
    try:
        settings = Settings.from_env(env)
        settings.require_key_source()
    except Misconfigured as error:
        for line in error.message.splitlines():
            yield CheckResult("settings", *_fail(line, "See docs/configuration.md."))
        return
    count = plural(len(settings.model_fields_set), "setting is set", "settings are set")
    yield CheckResult("settings", *_ok(f"{count}, without a mistake."))
    yield CheckResult("keys", *await _check_keys(settings))
    yield CheckResult("licence", *_check_licence(settings, datetime.now(UTC)))
    async for result in _check_database(settings):
        yield result


async def _check_keys(settings: Settings) -> _Finding:
    try:
        keys = key_source(settings)
        await keys.start()
        keys.check()
    except (Misconfigured, Unavailable) as error:
        return _fail(error.message, "See docs/authentication.md.")
    if isinstance(keys, RefreshedKeys):
        return _ok("The keys that verify tokens can be read.")
    return _ok("INTERLOCK_JWT_SECRET verifies tokens.")


def _check_licence(settings: Settings, now: datetime) -> _Finding:
    licence = read_licence(settings.license_public_key, settings.license_key)
    for refusal in filter(None, (licence.refusal(plugin, now) for plugin in Plugin)):
        return _fail(refusal.message, "Set a valid INTERLOCK_LICENSE_KEY.")
    if licence.expires_at is None:
        return _ok("This is the open edition, which needs no licence.")
    message = f"The licence of {licence.customer} ends at {licence.expires_at:%Y-%m-%d %H:%M} UTC."
    if licence.expires_at - now < _LICENCE_WARNING:
        return _warn(message, "Set a new INTERLOCK_LICENSE_KEY, and restart the servers.")
    return _ok(message)


async def _check_database(settings: Settings) -> AsyncIterator[CheckResult]:
    """Yield the results of all checks that need the database."""
    try:
        async with open_current(settings) as engine:
            yield CheckResult("database", *await _check_connection(engine, settings))
            yield CheckResult("migrations", *_ok("The database has the schema of this version."))
            for name, check in _DATABASE_CHECKS.items():
                try:
                    yield CheckResult(name, *await check(engine, settings))
                except InterlockError as error:
                    yield CheckResult(name, *_fail(error.message, "See docs/configuration.md."))
    except Unavailable as error:
        advice = "Check INTERLOCK_DATABASE_URL, and whether the database runs."
        yield CheckResult("database", *_fail(error.message, advice))
    except Misconfigured as error:
        is_embedded = settings.database_url is None
        yield CheckResult(
            "database" if is_embedded else "migrations",
            *_fail(error.message, "See docs/operations.md#two-database-roles."),
        )


async def _check_connection(engine: EngineHandle, settings: Settings) -> _Finding:
    try:
        await require_notifications(engine, settings)
    except Misconfigured as error:
        return _fail(error.message, "See docs/operations.md#connection-poolers.")
    async with engine.database.pool.acquire() as connection:
        version = connection.get_server_version()
        most = int(await connection.fetchval("SHOW max_connections"))
    message = f"PostgreSQL {version.major}.{version.minor} responds."
    if most <= settings.database_connections + settings.limits.server.exports:
        return _warn(
            f"{message} It accepts {most} connections, and one server can use"
            f" {settings.database_connections + settings.limits.server.exports + 1}.",
            "Raise max_connections, or lower INTERLOCK_DATABASE_CONNECTIONS.",
        )
    return _ok(message)


async def _check_rights(engine: EngineHandle, _settings: Settings) -> _Finding:
    async with engine.database.snapshot() as session:
        missing = await find_missing_rights(session)
        excess = await find_excess_rights(session)
    if missing:
        return _fail(
            f"The database role lacks rights: {', '.join(missing)}.",
            "Run the SQL that `interlock db grants` prints for the role.",
        )
    if excess:
        advice = "Use two database roles: docs/operations.md#two-database-roles."
        return _warn(f"{'; '.join(excess)}.", advice)
    return _ok("The database role has exactly the rights of a server.")


async def _check_durability(engine: EngineHandle, _settings: Settings) -> _Finding:
    risks = await read_durability_risks(engine.database)
    if risks:
        found = "; ".join(f"{each.setting}: {each.loss}" for each in risks)
        return _warn(f"{found}.", "See docs/durability.md.")
    return _ok("No setting of the database lets it lose acknowledged changes.")


async def _check_clocks(engine: EngineHandle, _settings: Settings) -> _Finding:
    difference = await measure_clock_difference(engine.database)
    if difference.is_too_large:
        message = f"The clock here is {difference.seconds:+.1f} s ahead of that of the database."
        return _warn(message, "Synchronise both with NTP.")
    return _ok("The clocks of this machine and of the database agree.")


async def _check_registry(engine: EngineHandle, settings: Settings) -> _Finding:
    position = await latest_reconciliation(engine.database)
    if settings.values_file is None:
        if position.number == 0:
            return _ok("Nothing was applied yet; the first server applies the default workflows.")
        return _ok(f"The last reconciliation is number {position.number}; no values file is set.")
    plan = await ValuesFile(engine.database, settings.values_file, settings.values_key).plan()
    if plan.is_empty:
        return _ok(f"{settings.values_file} is applied.")
    return _warn(
        f"{settings.values_file} is not applied: {plural(len(plan.changes), 'resource')} differ.",
        f"Run `interlock plan -f {settings.values_file}`.",
    )


async def _check_ticketing(engine: EngineHandle, _settings: Settings) -> _Finding:
    reasons = await read_off_reasons(engine.database)
    for plugin, reason in reasons.items():
        if reason is not None:
            advice = "See docs/operations.md#switch-ticketing-off."
            return _warn(f"{plugin} is off: {OFF_MESSAGES[reason]}.", advice)
    return _ok("Ticketing is on.")


async def _check_webhooks(engine: EngineHandle, settings: Settings) -> _Finding:
    declared = [
        each.declaration
        for each in await count_deliveries(engine.database)
        if each.declaration is not None
    ]
    if not declared:
        return _ok("No webhook is declared.")
    contexts = [
        await asyncio.to_thread(
            read_call_context, webhook, settings.webhook_hosts, settings.webhook_secrets_dir
        )
        for webhook in declared
    ]
    blocked = [
        f"{webhook.name}: {_BLOCKS[context]}"
        for webhook, context in zip(declared, contexts, strict=True)
        if isinstance(context, BlockReason)
    ]
    if blocked:
        advice = "See docs/webhooks.md."
        return _fail(f"This server cannot call webhooks ({'; '.join(blocked)}).", advice)
    return _ok(f"This server can call {plural(len(declared), 'declared webhook')}.")


async def _check_anchors(engine: EngineHandle, settings: Settings) -> _Finding:
    if scheduled_anchors(engine.database, settings) is None:
        return _ok("Anchors are not published: the settings name no destination.")
    return _ok("Anchors are published.")


async def _check_sign_in(engine: EngineHandle, settings: Settings) -> _Finding:
    sign_in_methods(settings, engine.database, key_source(settings), None)
    if settings.oidc_client_id is None:
        return _ok("No user can sign in to the web UI: the settings name no OpenID client.")
    return _ok("Users sign in to the web UI at the OpenID provider.")


async def _check_traces(_engine: EngineHandle, settings: Settings) -> _Finding:
    async with open_tracing(settings) as tracing:
        if tracing is None:
            return _ok("Requests are not traced: the settings name no receiver.")
    return _ok("Requests are traced.")


_DATABASE_CHECKS: Final[Mapping[str, _Check]] = {
    "rights": _check_rights,
    "durability": _check_durability,
    "clocks": _check_clocks,
    "registry": _check_registry,
    "ticketing": _check_ticketing,
    "webhooks": _check_webhooks,
    "anchors": _check_anchors,
    "sign-in": _check_sign_in,
    "traces": _check_traces,
}
"""The checks that need an open database, by name."""
CHECKS: Final = ["settings", "keys", "licence", "database", "migrations", *_DATABASE_CHECKS]
"""The names of all checks, in order."""
