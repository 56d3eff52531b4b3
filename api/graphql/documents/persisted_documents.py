"""Persisted documents: a server that has them executes only documents that are registered.

The manifest is a JSON object of each document's SHA-256 and text, as client builds write it. A
client sends the hash as `documentId` (GraphQL over HTTP, appendix A), or the text.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from pydantic import TypeAdapter, ValidationError

from api.graphql.errors import RequestError
from engine.errors import Misconfigured
from engine.validation_messages import describe_error_at

_ALGORITHM: Final = "sha256:"
_MANIFEST: Final = TypeAdapter(dict[str, str])


class UnknownDocument(RequestError):
    """The server does not know this document. Register it, or send its text if that is allowed."""

    code = "unknown_document"


class PersistedDocuments:
    """The documents that a server executes.

    Attributes:
        texts: by id, which is `sha256:` and the lower-case hex digits of the text's hash.

    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Register texts by their hashes, with or without `sha256:`.

        Raises:
            ValueError: a hash is not that of its text.

        """
        for name, text in texts.items():
            if _id_of(text) != _with_algorithm(name):
                raise ValueError(f"{name!r} is not the SHA-256 of its document, {_id_of(text)}")
        self.texts: Mapping[str, str] = {_id_of(text): text for text in texts.values()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the documents of a manifest.

        Raises:
            Misconfigured: the file cannot be read, or is not a manifest.

        """
        try:
            return cls(_MANIFEST.validate_json(path.read_bytes(), strict=True))
        except ValidationError as error:
            reason = describe_error_at(error.errors()[0])
            raise Misconfigured(
                f"{path} is not a JSON object of hashes and documents: {reason}."
            ) from None
        except (OSError, ValueError) as error:
            raise Misconfigured(f"{path} can't be used as trusted documents: {error}.") from None

    def text_of(self, document_id: str | None, text: str | None) -> str:
        """Return the text of a registered document.

        Raises:
            UnknownDocument: the document is not registered.

        """
        name = _id_of(text or "") if document_id is None else _with_algorithm(document_id)
        if name not in self.texts:
            raise UnknownDocument("This server executes registered documents only.")
        return self.texts[name]


def _id_of(text: str) -> str:
    return _ALGORITHM + sha256(text.encode(errors="surrogatepass")).hexdigest()


def _with_algorithm(name: str) -> str:
    return name if name.startswith(_ALGORITHM) else _ALGORITHM + name
