"""Trusted documents: what is registered runs, by its hash or as it is, and nothing else does."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest

from api.bootstrap.application import open_application
from api.graphql.documents.persisted_documents import PersistedDocuments
from api.graphql.executor import GraphQLRequest
from api.settings import Settings
from engine.errors import Misconfigured
from tests.support import sample_schema
from tests.support.api_client import Api, bearer
from tests.support.personas import ANNA

KNOWN: Final = "query ($first: Int!) { tickets(first: $first) { totalCount } }"
HASH: Final = sha256(KNOWN.encode()).hexdigest()


def manifest(path: Path, documents: dict[str, str]) -> Path:
    path.write_text(json.dumps(documents))
    return path


class TestOnAServer:
    """A server that runs one document."""

    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        path = manifest(tmp_path / "documents.json", {HASH: KNOWN})
        return settings.model_copy(update={"trusted_documents": path})

    async def ask(self, api: Api, **asked: object) -> Any:  # noqa: ANN401 - an answer
        body = {"variables": {"first": 1}, **asked}
        async with api.client.post("/graphql", json=body, headers=bearer(ANNA)) as answer:
            return await answer.json()

    @pytest.mark.parametrize(
        "asked",
        [{"documentId": f"sha256:{HASH}"}, {"documentId": HASH}, {"query": KNOWN}],
        ids=["by its id", "by its bare hash", "as it is"],
    )
    async def test_what_is_registered_runs(self, api: Api, asked: dict[str, str]) -> None:
        assert await self.ask(api, **asked) == {"data": {"tickets": {"totalCount": 0}}}

    @pytest.mark.parametrize(
        "asked",
        [
            {"documentId": f"sha256:{'0' * 64}"},
            {"documentId": ""},
            {"documentId": "0", "query": KNOWN},
            {"query": f"{KNOWN} "},
            {"query": "{ __schema { queryType { name } } }"},
        ],
    )
    async def test_nothing_else_does(self, api: Api, asked: dict[str, str]) -> None:
        [error] = (await self.ask(api, **asked))["errors"]
        assert error["extensions"]["code"] == "unknown_document"


async def test_without_trusted_documents_an_id_names_none() -> None:
    layer = await sample_schema.executor()
    answer = await layer.execute(GraphQLRequest(None, document_id=HASH), None)
    assert "send the `query`" in str(answer.body)


WRONG: Final = {
    "no JSON": ("{", "is not a JSON object"),
    "a list": ("[]", "is not a JSON object"),
    "a number for a document": ('{"a": 1}', "is not a JSON object"),
    "a hash of something else": (json.dumps({"0" * 64: KNOWN}), f"sha256:{HASH}"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_a_manifest_that_is_none_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=r"documents\.json") as refused:
        PersistedDocuments.read(path)
    assert sentence in refused.value.message


def test_a_manifest_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        PersistedDocuments.read(tmp_path / "documents.json")


async def test_a_server_does_not_start_with_a_document_that_its_schema_lacks(
    settings: Settings, tmp_path: Path
) -> None:
    text = "{ wings }"
    path = manifest(tmp_path / "documents.json", {sha256(text.encode()).hexdigest(): text})
    changed = settings.model_copy(update={"trusted_documents": path})
    with pytest.raises(Misconfigured, match="Cannot query field 'wings'"):
        async with open_application(changed):
            pass
