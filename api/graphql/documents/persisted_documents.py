"""Trusted documents: a server that has them runs what was registered, and nothing that is made up.

They stand in a manifest as the builds of clients write it: a JSON object of each document's SHA-256
and its text. A client sends the hash as `documentId` (GraphQL over HTTP, appendix A), or the text.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from pydantic import TypeAdapter, ValidationError

from api.graphql.errors import RequestRefused
from engine.errors import Misconfigured
from engine.validation_messages import describe_error_at

ALGORITHM: Final = "sha256:"
MANIFEST: Final = TypeAdapter(dict[str, str])


NOT_REGISTERED: Final = "The server runs registered documents only, and this is none of them."


class UnknownDocument(RequestRefused):
    """The server does not know the document: register it, or send its text where that is taken."""

    code = "unknown_document"


class PersistedDocuments:
    """The documents that a server runs.

    Attributes:
        texts: by id, which is `sha256:` and the lower-case hex digits of the text's hash.

    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take documents by their hashes, with or without `sha256:`; ValueError if one is not."""
        for name, text in texts.items():
            if id_of(text) != canonical(name):
                raise ValueError(f"{name!r} is not the SHA-256 of its document, {id_of(text)}")
        self.texts: Mapping[str, str] = {id_of(text): text for text in texts.values()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the documents of a manifest.

        Raises:
            Misconfigured: there is none at that path, or it is not one.

        """
        try:
            return cls(MANIFEST.validate_json(path.read_bytes(), strict=True))
        except ValidationError as error:
            wrong = describe_error_at(error.errors()[0])
            raise Misconfigured(
                f"{path} is not a JSON object of hashes and documents: {wrong}."
            ) from None
        except (OSError, ValueError) as error:
            raise Misconfigured(f"{path} can't be used as trusted documents: {error}.") from None

    def text_of(self, document_id: str | None, text: str | None) -> str:
        """Return the text of a document that is registered.

        Raises:
            UnknownDocument: it is not.

        """
        name = id_of(text or "") if document_id is None else canonical(document_id)
        if name not in self.texts:
            raise UnknownDocument(NOT_REGISTERED)
        return self.texts[name]


def id_of(text: str) -> str:
    """Return the id of a document."""
    return ALGORITHM + sha256(text.encode(errors="surrogatepass")).hexdigest()


def canonical(name: str) -> str:
    """Return an id as `id_of` writes it."""
    return name if name.startswith(ALGORITHM) else ALGORITHM + name
