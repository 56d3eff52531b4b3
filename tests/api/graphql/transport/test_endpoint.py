"""GraphQL over HTTP (September 2026): what is well-formed, what is not, and what each is answered.

The audits of graphql-http stand in `test_graphql_audits.py`.
"""

import gzip
import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from api.limits import HTTP_LIMITS, HttpLimits
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


def of_type(content_type: str) -> Sent:
    return Sent(ME, headers={"Content-Type": content_type})


WELL_FORMED = {
    "a query": (Sent(ME), "Anna K."),
    "UTF-8 that is said": (of_type("application/json; charset=UTF-8"), "Anna K."),
    "UTF-8 in quotes": (of_type('Application/JSON;charset="utf-8"'), "Anna K."),
    "another parameter of the type": (of_type("application/json; profile=x"), "Anna K."),
    "a compressed body": (
        Sent(gzip.compress(ME), headers={"Content-Type": JSON, "Content-Encoding": "gzip"}),
        "Anna K.",
    ),
    "what it does not know": (Sent(b'{"query": "{ me }", "id": 7, "doc": null}'), "Anna K."),
    "an empty operationName": (Sent(b'{"query": "{ me }", "operationName": ""}'), "Anna K."),
    "blanks around": (Sent(b" \n" + ME + b"\t"), "Anna K."),
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
    "GET, a plus for a blank": (get("?query=query+Q{me}"), "Anna K."),
    "GET, whatever its body": (
        Sent(b"{", method="GET", query="?query={me}", headers={}),
        "Anna K.",
    ),
}


@pytest.mark.parametrize(("sent", "name"), WELL_FORMED.values(), ids=WELL_FORMED)
async def test_a_well_formed_request_is_answered(sent: Sent, name: str, client: Client) -> None:
    answer = await sent.to(client)
    assert (answer.status, answer.body) == (200, {"data": {"me": name}})
    assert answer.media_type == f"{GRAPHQL}; charset=utf-8"


async def test_variables_pass_by_both_methods_whatever_they_say(client: Client) -> None:
    name = 'Ödön "🦉" & Co. + 100 %'
    document = "query Q($name: String!) { hello(name: $name) }"
    variables = json.dumps({"name": name})
    by_post = post(query=document, variables={"name": name})
    by_get = get(f"?query={quote(document)}&variables={quote(variables)}&operationName=Q")
    for sent in (by_post, by_get):
        assert (await sent.to(client)).body == {"data": {"hello": f"Hello {name}"}}


async def test_head_answers_as_get_without_the_body(client: Client) -> None:
    answer = await get("?query={me}", method="HEAD").to(client)
    assert (answer.status, answer.media_type, answer.text) == (
        200,
        f"{GRAPHQL}; charset=utf-8",
        "",
    )


MALFORMED: dict[str, tuple[Sent, int, str]] = {
    "an empty body": (Sent(b""), 400, "invalid_input"),
    "no JSON": (Sent(b"NONSENSE"), 400, "invalid_input"),
    "broken JSON": (Sent(b'{"query":'), 400, "invalid_input"),
    "JSON twice": (Sent(ME + ME), 400, "invalid_input"),
    "a byte order mark": (Sent(b"\xef\xbb\xbf" + ME), 400, "invalid_input"),
    "invalid UTF-8": (Sent(b'{"query": "{ me } #\xff"}'), 400, "invalid_input"),
    "a surrogate in UTF-8": (Sent(b'{"query": "{ me } #\xed\xa0\x80"}'), 400, "invalid_input"),
    "half a surrogate pair": (Sent(b'{"query": "{ me } #\\ud800"}'), 400, "invalid_input"),
    "UTF-16": (Sent(ME.decode().encode("utf-16")), 400, "invalid_input"),
    "not a number": (Sent(b'{"query": "{ me }", "variables": NaN}'), 400, "invalid_input"),
    "brackets without end": (Sent(b"[" * 200_000), 400, "invalid_input"),
    "a body that is not what it claims": (
        Sent(b"junk", headers={"Content-Type": JSON, "Content-Encoding": "gzip"}),
        400,
        "invalid_input",
    ),
    "a text": (Sent(b'"{ me }"'), 422, "malformed_request"),
    "null": (Sent(b"null"), 422, "malformed_request"),
    "a number": (Sent(b"1"), 422, "malformed_request"),
    "an empty object": (Sent(b"{}"), 422, "malformed_request"),
    "a list": (Sent(b'[{"query": "{ me }"}]'), 422, "malformed_request"),
    "query that is null": (post(query=None), 422, "malformed_request"),
    "query that is a number": (post(query=7), 422, "malformed_request"),
    "variables that are text": (post(query="{me}", variables="{}"), 422, "malformed_request"),
    "variables that are a list": (post(query="{me}", variables=[7]), 422, "malformed_request"),
    "operationName that is true": (
        post(query="{me}", operationName=True),
        422,
        "malformed_request",
    ),
    "extensions that are a number": (post(query="{me}", extensions=1), 422, "malformed_request"),
    "a document that is none": (post(query="{"), 400, "graphql_parse_failed"),
    "an empty document": (post(query=""), 400, "graphql_parse_failed"),
    "a field that there is not": (post(query="{ you }"), 422, "graphql_validation_failed"),
    "an operation that there is not": (
        post(query="query A { me }", operationName="B"),
        422,
        "unknown_operation",
    ),
    "one of two operations": (
        post(query="query A { me } query B { me }"),
        422,
        "unknown_operation",
    ),
    "variables that are missing": (
        post(query="query ($name: String!) { hello(name: $name) }"),
        422,
        "invalid_variables",
    ),
    "too large a document": (post(query="{ me }" + " " * 200_000), 422, "limit_exceeded"),
    "too large a body": (Sent(b" " * (HTTP_LIMITS.body_bytes + 1)), 413, "body_too_large"),
    "no type": (Sent(ME, headers={}), 415, "unsupported_media_type"),
    "a form": (
        Sent(b"query={me}", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        415,
        "unsupported_media_type",
    ),
    "another type": (of_type("text/plain"), 415, "unsupported_media_type"),
    "GraphQL's own type": (of_type("application/graphql"), 415, "unsupported_media_type"),
    "a multipart form": (of_type("multipart/form-data"), 415, "unsupported_media_type"),
    "two types": (of_type("text/plain, application/json"), 415, "unsupported_media_type"),
    "another encoding": (
        of_type("application/json; charset=iso-8859-1"),
        415,
        "unsupported_media_type",
    ),
    "UTF-16 that is said": (
        of_type("application/json; charset=utf-16"),
        415,
        "unsupported_media_type",
    ),
    "PUT": (Sent(ME, method="PUT"), 405, "method_not_allowed"),
    "DELETE": (Sent(method="DELETE"), 405, "method_not_allowed"),
    "OPTIONS": (Sent(method="OPTIONS"), 405, "method_not_allowed"),
    "QUERY": (Sent(ME, method="QUERY"), 405, "method_not_allowed"),
    "GET without a query": (get(""), 422, "malformed_request"),
    "GET with query twice": (get("?query={me}&query={me}"), 422, "malformed_request"),
    "GET with variables twice": (
        get("?query={me}&variables={}&variables={}"),
        422,
        "malformed_request",
    ),
    "GET with variables that are no JSON": (get("?query={me}&variables=x"), 400, "invalid_input"),
    "GET with variables that are a list": (
        get("?query={me}&variables=[]"),
        422,
        "malformed_request",
    ),
    "GET with extensions that are text": (
        get('?query={me}&extensions="x"'),
        422,
        "malformed_request",
    ),
    "GET that is not UTF-8": (get("?query={me}%23%ff"), 400, "invalid_input"),
    "GET with a document that is none": (get("?query={"), 400, "graphql_parse_failed"),
    "GET with a mutation": (get("?query=mutation{touch}"), 405, "mutation_by_get"),
    "HTML wanted": (post("text/html", query="{ me }"), 406, "not_acceptable"),
    "another encoding wanted": (
        post(f"{JSON};charset=utf-16", query="{ me }"),
        406,
        "not_acceptable",
    ),
}


@pytest.mark.parametrize("accept", [GRAPHQL, JSON, "*/*", None])
@pytest.mark.parametrize(("sent", "status", "code"), MALFORMED.values(), ids=MALFORMED)
async def test_a_refused_request_is_told_so_in_graphqls_form(
    sent: Sent, status: int, code: str, accept: str | None, client: Client
) -> None:
    wanted = sent.accept if status == 406 else accept
    answer = await Sent(sent.body, wanted, sent.method, sent.query, sent.headers).to(client)
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
    "the mutation among others": (
        get("?query=query+A{me}mutation+B{touch}&operationName=B"),
        "POST",
    ),
}


@pytest.mark.parametrize(("sent", "allowed"), ALLOWED.values(), ids=ALLOWED)
async def test_a_refused_method_names_those_allowed(
    sent: Sent, allowed: str, client: Client
) -> None:
    answer = await sent.to(client)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert touched == []


async def test_the_query_beside_a_mutation_may_be_asked_by_get(client: Client) -> None:
    sent = get("?query=query+A{me}mutation+B{touch}&operationName=A")
    assert (await sent.to(client)).body == {"data": {"me": ANNA.name}}


EXECUTED: dict[str, tuple[str, object]] = {
    "errors beside data": ("{ me refused }", {"me": ANNA.name, "refused": None}),
    "errors, and data that is null": ("{ me needed }", None),
}


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 294), (JSON, 200), ("*/*", 200)])
@pytest.mark.parametrize(("document", "data"), EXECUTED.values(), ids=EXECUTED)
async def test_errors_of_fields_are_no_errors_of_the_request(
    document: str, data: object, accept: str, status: int, client: Client
) -> None:
    answer = await post(accept, query=document).to(client)
    assert (answer.status, answer.body["data"], answer.codes) == (status, data, {"forbidden"})
    assert answer.media_type == f"{GRAPHQL if status == 294 else JSON}; charset=utf-8"


async def test_whoever_is_not_signed_in_is_told_in_graphqls_form(client: Client) -> None:
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


ONCE = {
    "viewer": HttpLimits(viewer_rate=0.001, viewer_burst=1),
    "address": HttpLimits(address_rate=0.001, address_burst=1),
}


@pytest.mark.parametrize(("name", "once"), ONCE.items(), ids=ONCE)
async def test_whoever_asks_too_often_is_told_in_graphqls_form(name: str, once: HttpLimits) -> None:
    async with opened(limits=once) as client:
        assert (await Sent(ME).to(client)).status == 200
        answer = await Sent(ME).to(client)
    assert (answer.status, answer.codes) == (429, {"too_many_requests"})
    assert answer.media_type == f"{GRAPHQL}; charset=utf-8"
    assert int(answer.headers["Retry-After"]) > 0
    assert f'"{name}";q=1;w=1000' in answer.headers["RateLimit-Policy"]
    assert f'"{name}";r=0;t=' in answer.headers["RateLimit"]


async def test_a_fault_is_told_in_graphqls_form_without_its_text(client: Client) -> None:
    with capture_logs() as lines:
        answer = await post(query="{ broken }").to(client)
    assert answer.codes == {"internal"}
    assert "hunter2" not in answer.text
    assert "hunter2" in repr(lines)


def several(*entries: object) -> Sent:
    return Sent(json.dumps(entries).encode())


ONE = {"query": "{ me }"}


async def test_a_list_of_requests_is_answered_with_a_list(batching: Client) -> None:
    hello = {"query": "query ($n: String!) { hello(name: $n) }", "variables": {"n": "you"}}
    answer = await several(hello, {"query": "{ me refused }"}, {"qeury": ""}).to(batching)
    assert (answer.status, answer.media_type) == (200, f"{GRAPHQL}; charset=utf-8")
    first, second, third = answer.body
    name = {"requestId": answer.headers["X-Request-ID"]}
    assert first == {"data": {"hello": "Hello you"}}
    assert second["data"] == {"me": ANNA.name, "refused": None}
    assert third["errors"][0]["extensions"] == {"code": "malformed_request", "status": 422} | name
    assert second["errors"][0]["extensions"].items() >= name.items()


async def test_the_operations_of_a_list_happen_in_turn(batching: Client) -> None:
    touch = {"query": "mutation { touch }"}
    answer = await several(touch, touch, touch).to(batching)
    assert [each["data"]["touch"] for each in answer.body] == [1, 2, 3]
    touched.clear()


async def test_every_operation_of_a_list_takes_of_the_share_of_its_viewer() -> None:
    async with opened(batch=3, limits=HttpLimits(viewer_rate=0.001, viewer_burst=2)) as client:
        answer = await several(ONE, ONE, ONE).to(client)
    assert answer.status == 200
    first, second, third = answer.body
    assert first == second == {"data": {"me": ANNA.name}}
    assert third["errors"][0]["extensions"]["code"] == "too_many_requests"
    assert answer.headers["RateLimit-Policy"].count('"viewer"') == 1
    assert '"viewer";r=0;t=' in answer.headers["RateLimit"]


async def test_one_request_is_answered_as_ever_where_lists_are_taken(batching: Client) -> None:
    assert (await Sent(ME).to(batching)).body == {"data": {"me": ANNA.name}}


NO_LISTS = {
    "an empty list": (several(), "malformed_request"),
    "something else in it": (several(ONE, "{ me }"), "malformed_request"),
    "a list in it": (several([ONE]), "malformed_request"),
    "too many": (several(ONE, ONE, ONE, ONE), "limit_exceeded"),
}


@pytest.mark.parametrize(("sent", "code"), NO_LISTS.values(), ids=NO_LISTS)
async def test_a_list_that_is_none_of_requests_is_refused_as_one(
    sent: Sent, code: str, batching: Client
) -> None:
    answer = await sent.to(batching)
    assert (answer.status, answer.codes) == (422, {code})


async def test_a_list_is_refused_with_the_way_out(client: Client) -> None:
    answer = await several(ONE).to(client)
    assert "INTERLOCK_GRAPHQL_BATCH" in answer.body["errors"][0]["message"]
