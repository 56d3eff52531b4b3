"""A server with persisted documents executes only these, by their hashes or their texts."""

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

REGISTERED: Final = "query ($first: Int!) { tickets(first: $first) { totalCount } }"
HASH: Final = sha256(REGISTERED.encode()).hexdigest()


def manifest(path: Path, documents: dict[str, str]) -> Path:
    path.write_text(json.dumps(documents))
    return path


class TestServer:
    """A server with one persisted document."""

    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        path = manifest(tmp_path / "documents.json", {HASH: REGISTERED})
        return settings.model_copy(update={"trusted_documents": path})

    async def post(self, api: Api, **parameters: object) -> Any:  # noqa: ANN401  # any JSON
        body = {"variables": {"first": 1}, **parameters}
        async with api.client.post("/graphql", json=body, headers=bearer(ANNA)) as answer:
            return await answer.json()

    @pytest.mark.parametrize(
        "parameters",
        [{"documentId": f"sha256:{HASH}"}, {"documentId": HASH}, {"query": REGISTERED}],
        ids=["id", "id without algorithm", "text"],
    )
    async def test_a_registered_document_is_executed(
        self, api: Api, parameters: dict[str, str]
    ) -> None:
        assert await self.post(api, **parameters) == {"data": {"tickets": {"totalCount": 0}}}

    @pytest.mark.parametrize(
        "parameters",
        [
            {"documentId": f"sha256:{'0' * 64}"},
            {"documentId": ""},
            {"documentId": "0", "query": REGISTERED},
            {"query": f"{REGISTERED} "},
            {"query": "{ __schema { queryType { name } } }"},
        ],
    )
    async def test_no_other_document_is_executed(
        self, api: Api, parameters: dict[str, str]
    ) -> None:
        [error] = (await self.post(api, **parameters))["errors"]
        assert error["extensions"]["code"] == "unknown_document"


async def test_a_server_without_persisted_documents_knows_no_ids() -> None:
    executor = await sample_schema.executor()
    answer = await executor.execute(GraphQLRequest(None, document_id=HASH), None)
    assert "Send the `query`" in str(answer.body)


INVALID: Final = {
    "not JSON": ("{", "is not a JSON object"),
    "a list": ("[]", "is not a JSON object"),
    "a number for a document": ('{"a": 1}', "is not a JSON object"),
    "a hash of another document": (json.dumps({"0" * 64: REGISTERED}), f"sha256:{HASH}"),
}


@pytest.mark.parametrize(("text", "message"), INVALID.values(), ids=INVALID)
def test_an_invalid_manifest_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    path.write_text(text)
    with pytest.raises(Misconfigured, match=r"documents\.json") as refused:
        PersistedDocuments.read(path)
    assert message in refused.value.message


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="No such file"):
        PersistedDocuments.read(tmp_path / "documents.json")


async def test_a_server_does_not_start_with_a_document_that_is_not_valid(
    settings: Settings, tmp_path: Path
) -> None:
    text = "{ wings }"
    path = manifest(tmp_path / "documents.json", {sha256(text.encode()).hexdigest(): text})
    changed = settings.model_copy(update={"trusted_documents": path})
    with pytest.raises(Misconfigured, match="Cannot query field 'wings'"):
        async with open_application(changed):
            pass
