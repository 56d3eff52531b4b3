"""Declared webhooks, and their deliveries in the database."""

import asyncio

from sqlalchemy import text

from engine.declaration.models import Ticketing
from engine.resources.resource import Kind, Resource, declared_resources
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.statements import Statement
from engine.storage.webhooks.fan_out import DeclaredWebhook, fan_out, find_webhooks_with_work
from tests.support.lock_gates import TIMEOUT_SECONDS


def webhook(name: str, **fields: object) -> Resource:
    declared = {"name": name, "url": "https://hooks.example.com/", "secretName": "s"} | fields
    resources = declared_resources(Ticketing.model_validate({"webhooks": [declared]}))
    return next(each for key, each in resources.items() if key.kind is Kind.WEBHOOK)


async def run_sql(database: Database, statement: str) -> list[Row]:
    return await database.rows(Statement.of(text(statement)))


async def deliveries(database: Database) -> list[Row]:
    return await run_sql(database, "SELECT * FROM webhook_deliveries ORDER BY webhook, ticket, seq")


async def enqueued(database: Database, name: str = "chat") -> list[tuple[str, int]]:
    """Return the ticket and seq of all deliveries of a webhook."""
    rows = await deliveries(database)
    return [(row["ticket"], row["seq"]) for row in rows if row["webhook"] == name]


async def webhook_with_work(database: Database, name: str = "chat") -> DeclaredWebhook:
    """Return a webhook as soon as it has work: new changes appear in the log with a delay."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            found = {
                each.declaration.name: each for each in await find_webhooks_with_work(database)
            }
            if name in found:
                return found[name]


async def enqueue(database: Database, count: int, name: str = "chat") -> None:
    """Fan out until a webhook has this number of deliveries."""
    found = await webhook_with_work(database, name)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(await enqueued(database, name)) < count:
            await fan_out(database, found.declaration)
