"""The schema is complete and described, and its deprecations follow docs/graphql.md."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    is_introspection_type,
    is_specified_scalar_type,
    print_schema,
)

from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.interlock import interlock_executor
from api.graphql.resolvers.scalars import DateTimeScalar, DurationScalar
from tests.support.api_client import Client, bearer
from tests.support.personas import ANNA

Element = Any
"""An element that can have a description and a deprecation."""

INTROSPECTION = get_introspection_query(
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def executor() -> GraphQLExecutor:
    return await interlock_executor()


def own_types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    return [
        each
        for each in schema.type_map.values()
        if not is_introspection_type(each) and not is_specified_scalar_type(each)
    ]


def elements(schema: GraphQLSchema) -> Iterator[tuple[str, Element]]:
    """Yield every type, field, argument, input field, enum value and directive by coordinate."""
    for directive in schema.directives:
        yield f"@{directive.name}", directive
        arguments = directive.args
        yield from ((f"@{directive.name}({a}:)", arguments[a]) for a in arguments)
    for each in own_types(schema):
        yield each.name, each
        if isinstance(each, GraphQLEnumType):
            yield from ((f"{each.name}.{name}", value) for name, value in each.values.items())
        if isinstance(each, GraphQLObjectType | GraphQLInputObjectType):
            for name, field in each.fields.items():
                yield f"{each.name}.{name}", field
                arguments = getattr(field, "args", {})
                yield from ((f"{each.name}.{name}({a}:)", arguments[a]) for a in arguments)


async def test_introspection_returns_the_whole_schema(executor: GraphQLExecutor) -> None:
    answer = await executor.execute(GraphQLRequest(INTROSPECTION), None)
    data: Any = answer.body["data"]
    assert f"{print_schema(build_client_schema(data))}\n" == executor.sdl
    assert "@specifiedBy" in executor.sdl


async def test_the_text_is_the_schema(executor: GraphQLExecutor) -> None:
    assert f"{print_schema(build_schema(executor.sdl))}\n" == executor.sdl


async def test_every_element_is_described_in_whole_sentences(executor: GraphQLExecutor) -> None:
    wrong = [
        where
        for where, each in elements(executor.schema)
        if not re.fullmatch(r"[A-Z`][^\0]+[.?]", (each.description or "").strip())
    ]
    assert wrong == []


async def test_every_custom_scalar_names_its_specification(executor: GraphQLExecutor) -> None:
    scalars = [each for each in own_types(executor.schema) if isinstance(each, GraphQLScalarType)]
    assert {each.name for each in scalars} == {"DateTime", "Duration", "Extensions"}
    assert all(each.specified_by_url for each in scalars)


async def test_every_mutation_has_its_own_payload(executor: GraphQLExecutor) -> None:
    mutation = executor.schema.mutation_type
    assert mutation
    for name, field in mutation.fields.items():
        assert str(field.type) == f"{name[0].upper()}{name[1:]}Payload"


REASON = re.compile(r"Use `(?P<other>[\w.]+)`; removed after (?P<day>\d{4}-\d\d-\d\d)\.")


def invalid_deprecations(schema: GraphQLSchema) -> list[str]:
    """Return the elements whose deprecation does not follow docs/graphql.md."""
    known = dict(elements(schema))
    wrong = []
    for where, each in known.items():
        reason = getattr(each, "deprecation_reason", None)
        found = REASON.fullmatch(reason or "")
        if reason is not None and not (found and found["other"] in known):
            wrong.append(where)
    return wrong


async def test_a_deprecation_names_the_replacement_and_the_date(
    executor: GraphQLExecutor,
) -> None:
    assert invalid_deprecations(executor.schema) == []


DEPRECATED = {
    "valid": ("Use `Query.new`; removed after 2027-06-30.", []),
    "without a reason": ("No longer supported", ["Query.old"]),
    "without a date": ("Use `Query.new`.", ["Query.old"]),
    "with an unknown replacement": ("Use `Query.newer`; removed after 2027-06-30.", ["Query.old"]),
}


@pytest.mark.parametrize(("reason", "wrong"), DEPRECATED.values(), ids=DEPRECATED)
def test_an_invalid_deprecation_is_detected(reason: str, wrong: list[str]) -> None:
    text = f'type Query {{ old: Int @deprecated(reason: "{reason}") new: Int }}'
    assert invalid_deprecations(build_schema(text)) == wrong


PATH = "/graphql/schema.graphql"


async def test_the_schema_can_be_downloaded(client: Client, executor: GraphQLExecutor) -> None:
    async with client.get(PATH, headers=bearer(ANNA)) as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert await response.text() == executor.sdl
    tag = response.headers["ETag"]
    for known, status in {tag: 304, f'"x", W/{tag}': 304, "*": 304, '"x"': 200}.items():
        headers = bearer(ANNA) | {"If-None-Match": known}
        async with client.get(PATH, headers=headers) as response:
            assert (response.status, response.headers["ETag"]) == (status, tag)
            assert bool(await response.text()) is (status == 200)


async def test_the_download_of_the_schema_requires_a_token(client: Client) -> None:
    async with client.get(PATH) as response:
        assert response.status == 401


TIMESTAMPS = {
    "in UTC": ("2026-04-28T14:03:00Z", "2026-04-28T14:03:00Z"),
    "with an offset": ("2026-04-28T16:03:00+02:00", "2026-04-28T14:03:00Z"),
    "with a fraction": ("2026-04-28T14:03:00.25Z", "2026-04-28T14:03:00Z"),
    "the first": ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
}


@pytest.mark.parametrize(("text", "serialized"), TIMESTAMPS.values(), ids=TIMESTAMPS)
def test_a_timestamp_is_parsed_and_serialized(text: str, serialized: str) -> None:
    scalar = DateTimeScalar()
    assert scalar.serialize(scalar.parse(text)) == serialized


INVALID_TIMESTAMPS: dict[str, object] = {
    "a day": "2026-04-28",
    "no offset": "2026-04-28T14:03:00",
    "no seconds": "2026-04-28T14:03Z",
    "a space": "2026-04-28 14:03:00Z",
    "the 31st of June": "2026-06-31T00:00:00Z",
    "a leap second": "2026-06-30T23:59:60Z",
    "hour 24": "2026-04-28T24:00:00Z",
    "an offset of days": "2026-04-28T14:03:00+48:00",
    "before year 1": "0001-01-01T00:00:00+14:00",
    "after year 9999": "9999-12-31T23:59:59-14:00",
    "nanoseconds": "2026-04-28T14:03:00.123456789Z",
    "other digits": "٢٠٢٦-04-28T14:03:00Z",
    "a number": 1_777_384_980,
    "empty": "",
    "a list": ["2026-04-28T14:03:00Z"],
    "true": True,
}


@pytest.mark.parametrize("value", INVALID_TIMESTAMPS.values(), ids=INVALID_TIMESTAMPS)
def test_an_invalid_timestamp_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match="2026-04-28T14:03:00Z"):
        DateTimeScalar().parse(value)


DURATIONS = {
    "ISO 8601": ("PT1H30M", "PT1H30M"),
    "the format of declarations": ("1h30m", "PT1H30M"),
    "days": ("3d", "P3D"),
    "more than 60 minutes": ("90m", "PT1H30M"),
    "days and hours": ("P1DT2H", "P1DT2H"),
    "a second": ("1s", "PT1S"),
}


@pytest.mark.parametrize(("text", "serialized"), DURATIONS.values(), ids=DURATIONS)
def test_a_duration_is_parsed_and_serialized(text: str, serialized: str) -> None:
    scalar = DurationScalar()
    assert scalar.serialize(scalar.parse(text)) == serialized


INVALID_DURATIONS: dict[str, object] = {
    "empty": "",
    "zero": "PT0S",
    "a number": 90,
    "true": True,
    "a number without a unit": "90",
    "months": "P1M",
    "weeks": "P2W",
    "a fraction": "PT1.5H",
    "negative": "-PT1H",
    "an incomplete duration": "P1DT",
    "the wrong order": "30m1h",
    "other digits": "٣h",
    "a space": "1h 30m",
    "too long": "99999d",
    "many digits": "1" * 1_000 + "s",
}


@pytest.mark.parametrize("value", INVALID_DURATIONS.values(), ids=INVALID_DURATIONS)
def test_an_invalid_duration_is_refused_with_an_example(value: object) -> None:
    with pytest.raises(ValueError, match="1h30m"):
        DurationScalar().parse(value)


def test_scalars_are_serialized_in_utc_and_invalid_values_are_refused() -> None:
    at = datetime(2026, 4, 28, 16, 3, 0, 999_999, timezone(timedelta(hours=2)))
    assert DateTimeScalar().serialize(at) == "2026-04-28T14:03:00Z"
    with pytest.raises(ValueError, match="no offset"):
        DateTimeScalar().serialize(at.replace(tzinfo=None))
    assert DurationScalar().serialize(timedelta()) == "PT0S"
    with pytest.raises(ValueError, match="negative"):
        DurationScalar().serialize(timedelta(seconds=-1))
    assert DateTimeScalar().serialize(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
