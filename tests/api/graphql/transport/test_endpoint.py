"""GraphQL over HTTP (September 2026): well-formed and malformed requests, and their responses.

The audits of graphql-http are in `test_http_audits.py`.
"""

import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from api.limits import HTTP_LIMITS, HttpLimits
from engine.errors import Unavailable
from engine.tickets.actor import Actor
from tests.support.graphql_client import ANNA, GRAPHQL, JSON, Client, Sent, opened, post, touched

ME = b'{"query": "{ me }"}'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    async with opened() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def batching() -> AsyncIterator[Client]:
    async with opened(batch=3) as client:
        yield client


def get(query: str, accept: str | None = GRAPHQL, method: str = "GET") -> Sent:
    return Sent(None, accept, method, query, {})


def with_type(content_type: str) -> Sent:
    return Sent(ME, headers={"Content-Type": content_type})


WELL_FORMED = {
    "a query": (Sent(ME), "Anna K."),
    "declared UTF-8": (with_type("application/json; charset=UTF-8"), "Anna K."),
    "UTF-8 in quotes": (with_type('Application/JSON;charset="utf-8"'), "Anna K."),
    "another parameter of the type": (with_type("application/json; profile=x"), "Anna K."),
    "unknown parameters": (Sent(b'{"query": "{ me }", "id": 7, "doc": null}'), "Anna K."),
    "an empty operationName": (Sent(b'{"query": "{ me }", "operationName": ""}'), "Anna K."),
    "surrounding white space": (Sent(b" \n" + ME + b"\t"), "Anna K."),
    "GET": (get("?query={me}"), "Anna K."),
    "GET, empty optional parameters": (
        get("?query={me}&variables=&operationName=&extensions="),
        "Anna K.",
    ),
    "GET, null for maps": (get("?query={me}&variables=null&extensions=null"), "Anna K."),
    "GET, an operation called null": (
        get("?query=query+null{me}query+other{other:me}&operationName=null"),
        "Anna K.",
    ),
    "GET, a plus for a space": (get("?query=query+Q{me}"), "Anna K."),
    "GET with a body": (
        Sent(b"{", method="GET", query="?query={me}", headers={}),
        "Anna K.",
    ),
}


@pytest.mark.parametrize(("sent", "name"), WELL_FORMED.values(), ids=WELL_FORMED)
async def test_a_well_formed_request_is_answered(sent: Sent, name: str, client: Client) -> None:
    answer = await sent.to(client)
    assert (answer.status, answer.body) == (200, {"data": {"me": name}})
    assert answer.media_type == f"{GRAPHQL}; charset=utf-8"


async def test_both_methods_transmit_variables_unchanged(client: Client) -> None:
    name = 'Ödön "🦉" & Co. + 100 %'
    document = "query Q($name: String!) { hello(name: $name) }"
    variables = json.dumps({"name": name})
    by_post = post(query=document, variables={"name": name})
    by_get = get(f"?query={quote(document)}&variables={quote(variables)}&operationName=Q")
    for sent in (by_post, by_get):
        assert (await sent.to(client)).body == {"data": {"hello": f"Hello {name}"}}


async def test_head_is_answered_like_get_without_the_body(client: Client) -> None:
    answer = await get("?query={me}", method="HEAD").to(client)
    assert (answer.status, answer.media_type, answer.text) == (
        200,
        f"{GRAPHQL}; charset=utf-8",
        "",
    )


MALFORMED: dict[str, tuple[Sent, int, str]] = {
    "an empty body": (Sent(b""), 400, "invalid_input"),
    "not JSON": (Sent(b"NONSENSE"), 400, "invalid_input"),
    "broken JSON": (Sent(b'{"query":'), 400, "invalid_input"),
    "JSON twice": (Sent(ME + ME), 400, "invalid_input"),
    "a byte order mark": (Sent(b"\xef\xbb\xbf" + ME), 400, "invalid_input"),
    "invalid UTF-8": (Sent(b'{"query": "{ me } #\xff"}'), 400, "invalid_input"),
    "a surrogate in UTF-8": (Sent(b'{"query": "{ me } #\xed\xa0\x80"}'), 400, "invalid_input"),
    "half a surrogate pair": (Sent(b'{"query": "{ me } #\\ud800"}'), 400, "invalid_input"),
    "UTF-16": (Sent(ME.decode().encode("utf-16")), 400, "invalid_input"),
    "not a number": (Sent(b'{"query": "{ me }", "variables": NaN}'), 400, "invalid_input"),
    "unclosed brackets": (Sent(b"[" * 200_000), 400, "invalid_input"),
    "a compressed body": (
        Sent(gzip.compress(ME), headers={"Content-Type": JSON, "Content-Encoding": "gzip"}),
        415,
        "unsupported_content_encoding",
    ),
    "a text": (Sent(b'"{ me }"'), 422, "malformed_request"),
    "null": (Sent(b"null"), 422, "malformed_request"),
    "a number": (Sent(b"1"), 422, "malformed_request"),
    "an empty object": (Sent(b"{}"), 422, "malformed_request"),
    "a list": (Sent(b'[{"query": "{ me }"}]'), 422, "malformed_request"),
    "null for query": (post(query=None), 422, "malformed_request"),
    "a number for query": (post(query=7), 422, "malformed_request"),
    "text for variables": (post(query="{me}", variables="{}"), 422, "malformed_request"),
    "a list for variables": (post(query="{me}", variables=[7]), 422, "malformed_request"),
    "true for operationName": (
        post(query="{me}", operationName=True),
        422,
        "malformed_request",
    ),
    "a number for extensions": (post(query="{me}", extensions=1), 422, "malformed_request"),
    "an invalid document": (post(query="{"), 400, "graphql_parse_failed"),
    "an empty document": (post(query=""), 400, "graphql_parse_failed"),
    "an unknown field": (post(query="{ you }"), 422, "graphql_validation_failed"),
    "an unknown operation": (
        post(query="query A { me }", operationName="B"),
        422,
        "unknown_operation",
    ),
    "no name for one of two operations": (
        post(query="query A { me } query B { me }"),
        422,
        "unknown_operation",
    ),
    "missing variables": (
        post(query="query ($name: String!) { hello(name: $name) }"),
        422,
        "invalid_variables",
    ),
    "a document that is too large": (post(query="{ me }" + " " * 200_000), 422, "limit_exceeded"),
    "a body that is too large": (Sent(b" " * (HTTP_LIMITS.body_bytes + 1)), 413, "body_too_large"),
    "no content type": (Sent(ME, headers={}), 415, "unsupported_media_type"),
    "a form": (
        Sent(b"query={me}", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        415,
        "unsupported_media_type",
    ),
    "another type": (with_type("text/plain"), 415, "unsupported_media_type"),
    "GraphQL's own type": (with_type("application/graphql"), 415, "unsupported_media_type"),
    "a multipart form": (with_type("multipart/form-data"), 415, "unsupported_media_type"),
    "two types": (with_type("text/plain, application/json"), 415, "unsupported_media_type"),
    "another encoding": (
        with_type("application/json; charset=iso-8859-1"),
        415,
        "unsupported_media_type",
    ),
    "declared UTF-16": (
        with_type("application/json; charset=utf-16"),
        415,
        "unsupported_media_type",
    ),
    "PUT": (Sent(ME, method="PUT"), 405, "method_not_allowed"),
    "DELETE": (Sent(method="DELETE"), 405, "method_not_allowed"),
    "OPTIONS": (Sent(method="OPTIONS"), 405, "method_not_allowed"),
    "QUERY": (Sent(ME, method="QUERY"), 405, "method_not_allowed"),
    "GET without a query": (get(""), 422, "malformed_request"),
    "GET with a repeated query": (get("?query={me}&query={me}"), 422, "malformed_request"),
    "GET with repeated variables": (
        get("?query={me}&variables={}&variables={}"),
        422,
        "malformed_request",
    ),
    "GET with variables that are not JSON": (get("?query={me}&variables=x"), 400, "invalid_input"),
    "GET with a list for variables": (
        get("?query={me}&variables=[]"),
        422,
        "malformed_request",
    ),
    "GET with text for extensions": (
        get('?query={me}&extensions="x"'),
        422,
        "malformed_request",
    ),
    "GET that is not UTF-8": (get("?query={me}%23%ff"), 400, "invalid_input"),
    "GET with an invalid document": (get("?query={"), 400, "graphql_parse_failed"),
    "GET with a mutation": (get("?query=mutation{touch}"), 405, "mutation_by_get"),
    "only HTML accepted": (post("text/html", query="{ me }"), 406, "not_acceptable"),
    "only another encoding accepted": (
        post(f"{JSON};charset=utf-16", query="{ me }"),
        406,
        "not_acceptable",
    ),
}


@pytest.mark.parametrize("accept", [GRAPHQL, JSON, "*/*", None])
@pytest.mark.parametrize(("sent", "status", "code"), MALFORMED.values(), ids=MALFORMED)
async def test_a_refused_request_gets_an_error_in_the_graphql_format(
    sent: Sent, status: int, code: str, accept: str | None, client: Client
) -> None:
    accepted = sent.accept if status == 406 else accept
    answer = await Sent(sent.body, accepted, sent.method, sent.query, sent.headers).to(client)
    assert answer.status == status, answer
    assert answer.media_type == f"{GRAPHQL}; charset=utf-8"
    assert list(answer.body) == ["errors"]
    assert answer.codes == {code}
    assert {error["extensions"]["status"] for error in answer.body["errors"]} == {status}
    assert all(error["message"] for error in answer.body["errors"])
    assert touched == []


ALLOWED = {
    "another method": (Sent(ME, method="PATCH"), "GET,HEAD,POST"),
    "a mutation by GET": (get("?query=mutation{touch}"), "POST"),
    "a mutation by HEAD": (get("?query=mutation{touch}", method="HEAD"), "POST"),
    "a mutation of a document with other operations": (
        get("?query=query+A{me}mutation+B{touch}&operationName=B"),
        "POST",
    ),
}


@pytest.mark.parametrize(("sent", "allowed"), ALLOWED.values(), ids=ALLOWED)
async def test_the_error_for_a_method_names_the_allowed_methods(
    sent: Sent, allowed: str, client: Client
) -> None:
    answer = await sent.to(client)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert touched == []


async def test_a_query_can_be_sent_by_get_although_its_document_has_a_mutation(
    client: Client,
) -> None:
    sent = get("?query=query+A{me}mutation+B{touch}&operationName=A")
    assert (await sent.to(client)).body == {"data": {"me": ANNA.name}}


EXECUTED: dict[str, tuple[str, object]] = {
    "errors and data": ("{ me refused }", {"me": ANNA.name, "refused": None}),
    "errors and null for data": ("{ me needed }", None),
}


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 294), (JSON, 200), ("*/*", 200)])
@pytest.mark.parametrize(("document", "data"), EXECUTED.values(), ids=EXECUTED)
async def test_errors_of_fields_do_not_refuse_the_request(
    document: str, data: object, accept: str, status: int, client: Client
) -> None:
    answer = await post(accept, query=document).to(client)
    assert (answer.status, answer.body["data"], answer.codes) == (status, data, {"forbidden"})
    assert answer.media_type == f"{GRAPHQL if status == 294 else JSON}; charset=utf-8"


async def test_a_request_without_a_token_gets_an_error_in_the_graphql_format(
    client: Client,
) -> None:
    async with client.post("/graphql", json={"query": "{ me }"}) as response:
        answer = await response.json()
    assert (response.status, response.content_type) == (401, GRAPHQL)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="interlock"'
    [error] = answer["errors"]
    assert error["extensions"] == {
        "code": "unauthenticated",
        "status": 401,
        "reason": "missing",
        "requestId": response.headers["X-Request-ID"],
    }


ONE_REQUEST = {
    "viewer": HttpLimits(viewer_rate=0.001, viewer_burst=1),
    "address": HttpLimits(address_rate=0.001, address_burst=1),
}


@pytest.mark.parametrize(("name", "limits"), ONE_REQUEST.items(), ids=ONE_REQUEST)
async def test_too_many_requests_get_an_error_in_the_graphql_format(
    name: str, limits: HttpLimits
) -> None:
    async with opened(limits=limits) as client:
        assert (await Sent(ME).to(client)).status == 200
        answer = await Sent(ME).to(client)
    assert (answer.status, answer.codes) == (429, {"too_many_requests"})
    assert answer.media_type == f"{GRAPHQL}; charset=utf-8"
    assert int(answer.headers["Retry-After"]) > 0
    assert f'"{name}";q=1;w=1000' in answer.headers["RateLimit-Policy"]
    assert f'"{name}";r=0;t=' in answer.headers["RateLimit"]


@pytest.mark.parametrize("operations", [1, 2], ids=["alone", "in a batch"])
async def test_a_client_learns_when_to_retry_after_the_database_failed(
    operations: int, batching: Client
) -> None:
    down = {"query": "{ me a: unavailable b: unavailable }"}
    answer = await (post(**down) if operations == 1 else batch_of(down, ONE, down)).to(batching)
    bodies = [answer.body] if operations == 1 else [answer.body[0], answer.body[2]]
    seconds = [error["extensions"]["retryAfter"] for body in bodies for error in body["errors"]]
    assert len(seconds) == 2 * operations
    assert answer.headers["Retry-After"] == str(max(seconds))


async def test_a_client_without_errors_is_not_asked_to_retry(client: Client) -> None:
    for document in ("{ me }", "{ me refused }"):
        assert "Retry-After" not in (await post(query=document).to(client)).headers


async def test_an_internal_error_has_the_graphql_format_and_no_details(client: Client) -> None:
    with capture_logs() as lines:
        answer = await post(query="{ broken }").to(client)
    assert answer.codes == {"internal"}
    assert "hunter2" not in answer.text
    assert "hunter2" in repr(lines)


def batch_of(*entries: object) -> Sent:
    return Sent(json.dumps(entries).encode())


ONE = {"query": "{ me }"}


async def test_a_batch_is_answered_with_a_list(batching: Client) -> None:
    hello = {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": "you"}}
    answer = await batch_of(hello, {"query": "{ me refused }"}, {"qeury": ""}).to(batching)
    assert (answer.status, answer.media_type) == (200, f"{GRAPHQL}; charset=utf-8")
    first, second, third = answer.body
    request_id = {"requestId": answer.headers["X-Request-ID"]}
    assert first == {"data": {"hello": "Hello you"}}
    assert second["data"] == {"me": ANNA.name, "refused": None}
    assert (
        third["errors"][0]["extensions"]
        == {"code": "malformed_request", "status": 422} | request_id
    )
    assert second["errors"][0]["extensions"].items() >= request_id.items()


async def test_the_operations_of_a_batch_are_executed_sequentially(batching: Client) -> None:
    touch = {"query": "mutation { touch }"}
    answer = await batch_of(touch, touch, touch).to(batching)
    assert [each["data"]["touch"] for each in answer.body] == [1, 2, 3]
    touched.clear()


async def test_an_operation_of_a_batch_that_cannot_begin_does_not_affect_the_others() -> None:
    actors = []

    async def second_fails(actor: Actor) -> Actor:
        actors.append(actor)
        if len(actors) == 2:
            raise Unavailable
        return actor

    async with opened(batch=3, contexts=second_fails) as client:
        answer = await batch_of(ONE, ONE, ONE).to(client)
    assert answer.status == 200
    assert ["data" in each for each in answer.body] == [True, False, True]
    assert answer.body[1]["errors"][0]["extensions"]["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0


async def test_every_operation_of_a_batch_takes_a_token_of_its_viewer() -> None:
    async with opened(batch=3, limits=HttpLimits(viewer_rate=0.001, viewer_burst=1)) as client:
        answer = await batch_of(ONE, ONE).to(client)
    assert answer.status == 200
    first, second = answer.body
    assert first == {"data": {"me": ANNA.name}}
    assert second["errors"][0]["extensions"]["code"] == "too_many_requests"
    assert answer.headers["RateLimit-Policy"].count('"viewer"') == 1
    assert '"viewer";r=0;t=' in answer.headers["RateLimit"]


async def test_a_single_request_is_answered_normally_if_batches_are_on(batching: Client) -> None:
    assert (await Sent(ME).to(batching)).body == {"data": {"me": ANNA.name}}


INVALID_BATCHES = {
    "empty": (batch_of(), "malformed_request"),
    "with text": (batch_of(ONE, "{ me }"), "malformed_request"),
    "with a list": (batch_of([ONE]), "malformed_request"),
    "too large": (batch_of(ONE, ONE, ONE, ONE), "limit_exceeded"),
}


@pytest.mark.parametrize(("sent", "code"), INVALID_BATCHES.values(), ids=INVALID_BATCHES)
async def test_an_invalid_batch_is_refused_as_a_whole(
    sent: Sent, code: str, batching: Client
) -> None:
    answer = await sent.to(batching)
    assert (answer.status, answer.codes) == (422, {code})


async def test_the_error_for_a_batch_names_the_setting(client: Client) -> None:
    answer = await batch_of(ONE).to(client)
    assert "INTERLOCK_GRAPHQL_BATCH" in answer.body["errors"][0]["message"]
