"""What the tests of the storage share."""

from collections.abc import AsyncIterator

import pytest

from tests.engine.storage.gates import Observer, observing


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[Observer]:
    async with observing(database_url) as looking_on:
        yield looking_on
