"""PostgreSQL computes the digest of the active declaration as Python does."""

from dataclasses import replace

from engine.resources.declaration_digest import declaration_digest
from engine.resources.resource import Resource
from engine.storage.postgres.database import Database
from engine.storage.resources.live_declaration import LiveDeclaration, read_live_declaration
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.resources import category, item, service, snapshot, webhook

ALL_KINDS = (
    *DEFAULTS,
    category("z", "Z"),
    category("a", "\N{GRINNING FACE} É"),
    item("a1", DEFAULTS[0].key.name, "a"),
    service("Z/a", "payment-team"),
    service("a/a", "payment-team"),
    webhook("chat", "https://hooks.example.com"),
)


def digest_of(*resources: Resource) -> str:
    return declaration_digest(snapshot(*resources))


async def test_both_digests_of_all_kinds_are_equal(database: Database) -> None:
    defaults = await read_live_declaration(database)
    assert defaults.digest == digest_of(*DEFAULTS)
    await put_resources(database, ALL_KINDS)
    live = await read_live_declaration(database, defaults)
    assert live.digest == digest_of(*ALL_KINDS) != defaults.digest
    assert live.position.number > defaults.position.number


async def test_a_retired_resource_does_not_count(database: Database) -> None:
    retired = replace(DEFAULTS[0], retired=True)
    await put_resources(database, [retired])
    assert (await read_live_declaration(database)).digest == digest_of(*DEFAULTS[1:])
    assert digest_of(retired, *DEFAULTS[1:]) == digest_of(*DEFAULTS[1:])


async def test_the_digest_is_read_again_only_after_a_reconciliation(database: Database) -> None:
    live = await read_live_declaration(database)
    known = LiveDeclaration(live.position, "known")
    assert await read_live_declaration(database, known) is known
    await put_resources(database, [category("new", "New")])
    assert (await read_live_declaration(database, known)).digest != "known"
