"""Lists of users and groups for those who can assign tickets of others."""

import pytest
from sqlalchemy import text

from engine.errors import Forbidden, InvalidInput
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.directory_lists import list_groups, list_users
from engine.storage.tickets.users import ensure_users
from engine.tickets.actor import Actor
from engine.tickets.directory import DirectoryFilter, UserFilter
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA, MARTON, sign_in

USERS = (
    Actor("u_1", "Ödön Kiss", frozenset({"network-team", "on-call"})),
    Actor("u_2", "Anna Kiss", frozenset({"network-team"})),
    Actor("kiss@example.com", "Zsolt Nagy"),
    Actor("u_4", "100% _real_ \\ name"),
)


@pytest.fixture(autouse=True)
async def signed_in(database: Database) -> None:
    await sign_in(database, *USERS)
    await declare(database, groups=["Storage", "on-call"])
    async with database.transaction() as session:
        await ensure_users(session, "u_invited")


MANY_USERS = Statement.of(
    text(
        "INSERT INTO users (id, name, groups)"
        " SELECT 'x_' || n, 'Common ' || n, CASE n % 2 WHEN 1 THEN ARRAY['odd'] ELSE '{}' END"
        " FROM generate_series(1, CAST(:many AS int)) n"
    )
)
SEARCHES: dict[str, tuple[dict[str, str], list[str]]] = {
    "all users, by name": ({}, ["u_4", "u_2", "kiss@example.com", "u_1"]),
    "an empty text": ({"search": " "}, ["u_4", "u_2", "kiss@example.com", "u_1"]),
    "only separators": ({"search": "% \\ '"}, ["u_4", "u_2", "kiss@example.com", "u_1"]),
    "a beginning of a name or an id": ({"search": "kis"}, ["u_2", "kiss@example.com", "u_1"]),
    "a part of an address": ({"search": "example"}, ["kiss@example.com"]),
    "a part that begins no word": ({"search": "iss"}, []),
    "beginnings in any order": ({"search": "kiss AN"}, ["u_2"]),
    "a beginning of a name and of an id": ({"search": "u_ kiss"}, ["u_2", "u_1"]),
    "another case of a non-ASCII letter": ({"search": "ödön"}, ["u_1"]),
    "characters with a meaning in SQL": ({"search": "'% _r:* \\ & !"}, ["u_4"]),
    "members of a group": ({"group": "network-team"}, ["u_2", "u_1"]),
    "members of a group with a part": ({"group": "network-team", "search": "öd"}, ["u_1"]),
    "a group without members": ({"group": "Storage"}, []),
    "an unknown part": ({"search": "no-such-name"}, []),
}


@pytest.mark.parametrize(("condition", "expected"), SEARCHES.values(), ids=SEARCHES)
async def test_users_are_found(
    condition: dict[str, str], expected: list[str], database: Database
) -> None:
    found = await list_users(database, ADA, UserFilter.parse(**condition), 100)
    assert sorted(each.id for each in found) == sorted(expected)


async def test_users_are_ordered_by_name_and_bounded(database: Database) -> None:
    every = await list_users(database, MARTON, UserFilter(), 100)
    assert [each.name for each in every[:2]] == ["100% _real_ \\ name", "Anna Kiss"]
    assert await list_users(database, MARTON, UserFilter(), 2) == every[:2]


async def test_users_are_found_among_many(database: Database) -> None:
    async with database.transaction() as session:
        await session.run(MANY_USERS, many=2_000)
    for search, group, found in [
        ("zsolt", None, ["kiss@example.com"]),
        ("common", None, ["x_1", "x_10"]),
        ("common", "odd", ["x_1", "x_1001"]),
        ("1999", "odd", ["x_1999"]),
        ("1999", "network-team", []),
    ]:
        condition = UserFilter.parse(search=search, group=group)
        users = await list_users(database, ADA, condition, 2)
        assert [each.id for each in users] == found


async def test_groups_of_tokens_and_declarations_are_found(database: Database) -> None:
    groups = await list_groups(database, MARTON, DirectoryFilter(), 100)
    assert groups == ["Storage", "network-team", "on-call"]
    assert await list_groups(database, ADA, DirectoryFilter.parse(search="STOR"), 100) == [
        "Storage"
    ]
    assert await list_groups(database, ADA, DirectoryFilter(), 1) == ["Storage"]


async def test_a_user_without_a_group_cannot_list_them(database: Database) -> None:
    with pytest.raises(Forbidden, match="Only admins and members of a group"):
        await list_users(database, ANNA, UserFilter(), 1)
    with pytest.raises(Forbidden, match="Only admins and members of a group"):
        await list_groups(database, ANNA, DirectoryFilter(), 1)


def test_a_search_must_be_printable_and_short() -> None:
    for search in ("\x00", "x" * 201):
        with pytest.raises(InvalidInput):
            DirectoryFilter.parse(search=search)
