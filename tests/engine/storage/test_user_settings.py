"""Settings and saved views are stored for each user."""

import asyncio

import pytest

from engine import limits
from engine.errors import InvalidInput
from engine.storage.postgres.database import Database
from engine.storage.user_settings import (
    delete_view,
    read_settings,
    read_views,
    save_settings,
    save_view,
)
from engine.user_settings import DEFAULT_SETTINGS, SavedView, UserSettings
from tests.support.personas import ANNA, MARTON, sign_in

DARK = UserSettings.parse(
    theme="dark", time_zone="Asia/Kathmandu", shortcuts=False, start_path="/new"
)


@pytest.fixture(autouse=True)
async def _known_users(database: Database) -> None:
    await sign_in(database, ANNA, MARTON)


def view(name: str, query: str = "status=OPEN") -> SavedView:
    return SavedView.parse(name=name, query=query)


async def test_each_user_has_their_own_settings(database: Database) -> None:
    assert await read_settings(database, ANNA.id) == DEFAULT_SETTINGS
    await save_settings(database, ANNA.id, DARK)
    assert await read_settings(database, ANNA.id) == DARK
    assert await read_settings(database, MARTON.id) == DEFAULT_SETTINGS
    await save_settings(database, ANNA.id, DEFAULT_SETTINGS)
    assert await read_settings(database, ANNA.id) == DEFAULT_SETTINGS


async def test_views_are_in_the_order_of_their_names(database: Database) -> None:
    for name in ("b", "a", "B", "A"):
        await save_view(database, ANNA.id, view(name))
    await save_view(database, ANNA.id, view("a", "text=x"))
    names = [each.name for each in await read_views(database, ANNA.id)]
    assert names == ["A", "a", "B", "b"]
    assert view("a", "text=x") in await read_views(database, ANNA.id)
    assert await read_views(database, MARTON.id) == ()


async def test_a_view_is_deleted_for_its_user_only(database: Database) -> None:
    for user in (ANNA, MARTON):
        await save_view(database, user.id, view("mine"))
    await delete_view(database, ANNA.id, "mine")
    await delete_view(database, ANNA.id, "mine")
    assert await read_views(database, ANNA.id) == ()
    assert await read_views(database, MARTON.id) == (view("mine"),)


async def test_the_number_of_views_is_limited(database: Database) -> None:
    saves = [
        save_view(database, ANNA.id, view(f"No. {number}"))
        for number in range(limits.SAVED_VIEWS + 5)
    ]
    results = await asyncio.gather(*saves, return_exceptions=True)
    errors = [each for each in results if each is not None]
    assert len(errors) == 5
    assert all(isinstance(each, InvalidInput) for each in errors)
    [first, *others] = await read_views(database, ANNA.id)
    assert len(others) == limits.SAVED_VIEWS - 1
    await save_view(database, ANNA.id, view(first.name, "text=other"))
    with pytest.raises(InvalidInput, match="You have 50 saved views"):
        await save_view(database, ANNA.id, view("new"))
    await save_view(database, MARTON.id, view("new"))
