"""The server audits of graphql-http 1.23.1, by their ids.

They were written for drafts of GraphQL over HTTP. Where the first edition (September 2026) differs,
Interlock follows the edition, and the row says why.
"""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from tests.support.graphql_client import GRAPHQL, JSON, Answer, Client, Sent, opened, post

TYPENAME = "{ __typename }"
NAMED = "query Query { __typename }"
OF_TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
SOME_TYPE = {"name": "sometype"}
NOT_TEXT: list[object] = [{"obj": "ect"}, 0, False, ["array"]]
NOT_A_MAP: list[object] = ["string", 0, False, ["array"]]
NO_SUCH_FIELD = "{ f8f31403dfe404bccbb0e835f2629c6a7 }"
OPTIONAL = ("variables", "operationName", "extensions")


def get(accept: str | None = None, **parameters: str) -> Sent:
    return Sent(None, accept, "GET", f"?{urlencode(parameters)}", {})


def answered(status: int, media_type: str = "") -> Callable[[Answer], bool]:
    return lambda answer: answer.status == status and answer.media_type.startswith(media_type)


def executed(media_type: str = "") -> Callable[[Answer], bool]:
    return lambda answer: (
        answered(200, media_type)(answer) and "errors" not in answer.body and "data" in answer.body
    )


def refused(status: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status == status and list(answer.body) == ["errors"]


AUDITS: dict[str, tuple[Sent, Callable[[Answer], bool]]] = {
    "22EB accepts the media type": (post(query=TYPENAME), executed(GRAPHQL)),
    "4655 accepts application/json": (post(JSON, query=TYPENAME), executed(JSON)),
    "47DE answers */* with application/json": (post("*/*", query=TYPENAME), executed(JSON)),
    "80D8 answers no Accept with application/json": (post(None, query=TYPENAME), executed(JSON)),
    "82A3 answers in UTF-8": (post(None, query=TYPENAME), executed(f"{JSON}; charset=utf-8")),
    "BF61 accepts UTF-8": (
        Sent(
            '{"query": "{ __type(name: \\"Run🏃Swim🏊\\") { name } }"}'.encode(),
            None,
            headers={"Content-Type": "application/json; charset=utf-8"},
        ),
        executed(),
    ),
    "78D5 assumes UTF-8": (post(None, query=TYPENAME), executed()),
    "2C94 accepts POST": (post(None, query=TYPENAME), executed()),
    "5A70 accepts GET": (get(query=TYPENAME), executed()),
    "9C48 refuses a mutation by GET": (get(GRAPHQL, query="mutation { __typename }"), refused(405)),
    "9ABE requires a Content-Type": (Sent(b"", headers={}), refused(415)),
    "03D4 accepts JSON by POST": (post(None, query=TYPENAME), executed()),
    "A5BF requires a body": (Sent(b""), refused(400)),
    "34A2 accepts query": (post(query=TYPENAME), executed()),
    "13EE accepts query": (post(JSON, query=TYPENAME), executed()),
    "8161 accepts operationName": (post(operationName="Query", query=NAMED), executed()),
    "B8B3 accepts operationName": (post(JSON, operationName="Query", query=NAMED), executed()),
    "2EA1 accepts variables": (post(query=OF_TYPE, variables=SOME_TYPE), executed()),
    "28B9 accepts variables": (post(JSON, query=OF_TYPE, variables=SOME_TYPE), executed()),
    "D6D5 accepts variables by GET": (
        get(GRAPHQL, query=OF_TYPE, variables='{"name": "sometype"}'),
        executed(),
    ),
    "6A70 accepts variables by GET": (
        get(JSON, query=OF_TYPE, variables='{"name": "sometype"}'),
        executed(),
    ),
    "428F accepts extensions": (post(query=TYPENAME, extensions={"some": "value"}), executed()),
    "1B7A accepts extensions": (
        post(JSON, query=TYPENAME, extensions={"some": "value"}),
        executed(),
    ),
    "B6DC answers text that is not JSON": (Sent(b'{ "not a JSON', JSON), refused(400)),
    "BCF8 answers text that is not JSON with 400": (Sent(b'{ "not a JSON', JSON), refused(400)),
    "B7N8 answers text that is not JSON with 400": (Sent(b'{ "not a JSON'), refused(400)),
    "8764 answers invalid parameters with 4xx": (post(None, qeury=TYPENAME), refused(422)),
    "865D answers a broken document with 4xx": (post(query="{"), refused(400)),
    "556A answers a broken document with 400": (post(query="{"), refused(400)),
    "D586 answers a broken document without data": (post(query="{"), refused(400)),
    "51FE answers an invalid document with 4xx": (post(query=NO_SUCH_FIELD), refused(422)),
    "5E5B answers an invalid document without data": (post(query=NO_SUCH_FIELD), refused(422)),
}
for number, name in enumerate(OPTIONAL):
    AUDITS[f"94B{number} accepts null for {name}"] = (
        post(query=TYPENAME, **{name: None}),
        executed(),
    )
    AUDITS[f"022{number} accepts null for {name}"] = (
        post(JSON, query=TYPENAME, **{name: None}),
        executed(),
    )

WITH_422 = "The edition requires 422 for a well-formed request that is not valid (6), not 400."
WITH_4XX = "The edition requires the same statuses for application/json (5.1), not 200."
DIFFERENT: dict[str, tuple[Sent, Callable[[Answer], bool], str]] = {
    "423L answers a missing query with 400": (post(notquery=TYPENAME), refused(422), WITH_422),
    "3E3A answers invalid parameters with 400": (
        post(None, qeury=TYPENAME),
        refused(422),
        WITH_422,
    ),
    "74FF answers an invalid document with 400": (
        post(query=NO_SUCH_FIELD),
        refused(422),
        WITH_422,
    ),
    "86EE answers invalid variables with 400": (
        post(query=OF_TYPE, variables={"name": None}),
        refused(422),
        WITH_422,
    ),
    "572B answers a broken document with 200": (post(JSON, query="{"), refused(400), WITH_4XX),
    "FDE2 answers an invalid document with 200": (
        post(JSON, query=NO_SUCH_FIELD),
        refused(422),
        WITH_4XX,
    ),
    "7B9B answers invalid variables with 200": (
        post(JSON, query=OF_TYPE, variables={"name": None}),
        refused(422),
        WITH_4XX,
    ),
}
for number, (text, value) in enumerate(zip(NOT_TEXT, NOT_A_MAP, strict=True)):
    DIFFERENT |= {
        f"LKJ{number} answers {text} for query with 400": (
            post(None, query=text),
            refused(422),
            WITH_422,
        ),
        f"6C0{number} answers {text} for operationName with 400": (
            post(None, query=TYPENAME, operationName=text),
            refused(422),
            WITH_422,
        ),
        f"476{number} answers {value} for variables with 400": (
            post(None, query=TYPENAME, variables=value),
            refused(422),
            WITH_422,
        ),
        f"58B{number} answers {value} for extensions with 400": (
            post(None, query=TYPENAME, extensions=value),
            refused(422),
            WITH_422,
        ),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    async with opened() as client:
        yield client


@pytest.mark.parametrize(("sent", "check"), AUDITS.values(), ids=AUDITS)
async def test_an_audit_passes(sent: Sent, check: Callable[[Answer], bool], client: Client) -> None:
    answer = await sent.to(client)
    assert check(answer), answer


@pytest.mark.parametrize(("sent", "check", "why"), DIFFERENT.values(), ids=DIFFERENT)
async def test_the_edition_differs_from_an_audit(
    sent: Sent, check: Callable[[Answer], bool], why: str, client: Client
) -> None:
    answer = await sent.to(client)
    assert check(answer), (why, answer)


def test_no_audit_is_missing() -> None:
    ids = [name.split()[0] for name in (*AUDITS, *DIFFERENT)]
    assert len(set(ids)) == len(ids) == 61
