"""The one place that wires settings to concrete parts."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from api.background import in_background
from api.catalog import LiveCatalog
from api.changes import Changes
from api.following import follow
from api.graphql.context import Context
from api.graphql.interlock_schema import interlock_executor
from api.graphql.trusted import TrustedDocuments
from api.housekeeping import chores
from api.http.application import Guards, build_application
from api.http.events import events_routes
from api.http.explorer.routes import Explorer
from api.http.graphql import GraphQLDoor
from api.http.graphql_schema import schema_route
from api.http.lifetimes import Lifetimes
from api.http.monitoring import monitoring_routes
from api.http.openapi import openapi_route
from api.http.registry import registry_routes
from api.http.server import run_server
from api.http.templates import template_routes
from api.http.ticket_routes import ticket_routes
from api.http.websocket import socket_route
from api.identity import Tokens
from api.identity.configured import rules_of
from api.identity.opening import key_source
from api.keys import ApiKeys
from api.licences import licence_for
from api.logs import configure_logging
from api.monitoring import Monitoring
from api.mounted_values import MountedValues
from api.parts import Parts, open_parts
from api.people import People
from api.plugins import Clock, LivePlugins
from api.settings import Settings
from api.values_watch import ValuesWatch
from api.visibility import LiveVisibility
from api.webhooks.couriers import Couriers
from api.workflows import LiveWorkflows
from engine.storage.database import Database
from engine.storage.ticket_store import TicketStore
from engine.tickets.actor import Actor


def run_interlock(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve all doors until SIGTERM or SIGINT; `announce` is called with the URL.

    Raises:
        Misconfigured: a setting is missing or unusable.
        Unavailable: the database does not answer, or does not let us in.

    """
    settings.demand_key_source()
    configure_logging(settings.log_format, settings.log_level)
    run_server(open_application(settings), settings.host, settings.port, announce)


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[web.Application]:
    """Open what the server needs, and yield the application of all its doors."""
    async with open_parts(settings) as parts, application_on(parts, settings) as application:
        yield application


@asynccontextmanager
async def application_on(
    parts: Parts, settings: Settings, clock: Clock = time.time
) -> AsyncIterator[web.Application]:
    """Yield the application of all doors to an engine that is open already.

    `clock` tells whether the licence has expired.
    """
    values = mounted_values(parts.database, settings)
    people = People(parts.database)
    async with AsyncExitStack() as stack:
        if values is not None:
            await stack.enter_async_context(kept_in_force(values))
        workflows = await LiveWorkflows.read(parts.database)
        catalog = await LiveCatalog.read(parts.database)
        licence = licence_for(settings.license_public_key, settings.license_key)
        plugins = await LivePlugins.read(parts.database, licence, clock)
        plugins.tell()
        keys = key_source(settings)
        await keys.begin()
        visibility = await LiveVisibility.read(parts.database)
        refreshes = (plugins.refresh, workflows.refresh, catalog.refresh, visibility.refresh)
        changes = Changes(parts.database, settings.limits.stream.waiting_changes)
        couriers = Couriers(
            parts.database, plugins, settings.webhook_hosts, settings.webhook_secrets_dir
        )
        beside = [chore.repeat() for chore in (*chores(parts.database, plugins), couriers.counting)]
        followed = (follow(parts.url, *refreshes), keys.follow(), changes.follow())
        await stack.enter_async_context(in_background(*followed, couriers.go_on(), *beside))

        executor = await interlock_executor(settings.limits.graphql)
        if settings.trusted_documents is not None:
            executor.trust(TrustedDocuments.read(settings.trusted_documents))

        async def context_for(actor: Actor) -> Context:
            await people.remember(actor)
            viewer = visibility.viewer(actor)
            return Context(
                viewer,
                parts.database,
                TicketStore(parts.database, viewer.visibility),
                workflows,
                catalog,
                plugins,
                settings.limits.graphql,
                changes,
            )

        async def check_readiness() -> None:
            keys.check()
            await parts.database.check()

        rest = [
            *ticket_routes(context_for),
            *registry_routes(values),
            *template_routes(parts.database),
            *monitoring_routes(Monitoring(parts.database, plugins)),
        ]
        explorer = Explorer() if settings.explorer else None
        lifetimes = Lifetimes()
        application = build_application(
            [
                *GraphQLDoor(executor, context_for, settings.graphql_batch, explorer).routes,
                schema_route(executor.sdl),
                socket_route(executor, context_for, lifetimes, settings.limits.stream),
                *events_routes(executor, context_for, lifetimes, settings.limits.stream),
                *rest,
                openapi_route(rest),
            ],
            Guards(
                Tokens(keys, rules_of(settings)),
                ApiKeys(settings.api_keys),
                settings.limits.http,
                settings.trusted_proxies,
            ),
            check_readiness,
            [*(values.metrics.collectors if values else ()), *couriers.metrics.collectors],
        )
        application.on_shutdown.append(lifetimes.end_all)
        yield application


def mounted_values(database: Database, settings: Settings) -> MountedValues | None:
    """Return the values file of the settings, if there is one."""
    if settings.values_file is None:
        return None
    return MountedValues(database, settings.values_file, settings.values_key)


@asynccontextmanager
async def kept_in_force(values: MountedValues) -> AsyncIterator[None]:
    """Bring values into force before the block, and again when they change while it lasts."""
    watch = ValuesWatch(values)
    await watch.catch_up()
    async with in_background(watch.follow()):
        yield
