"""Anchors: signed statements about everything that is sealed, to be kept outside the database.

An anchor is a line of canonical JSON: sorted keys, no spaces, ASCII. The signature covers this line
without the member `signature`.
"""

import json
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.errors import InvalidInput
from engine.sealing.anchor_key import (
    AnchorKey,
    AnchorPublicKey,
    decode_base64url,
    encode_base64url,
)
from engine.sealing.seal import SealedCounts
from engine.tickets.history import canonical_timestamp
from engine.validation_messages import describe_error_at

FORMAT: Final = "interlock-anchor/1"
"""The version of the format. It changes when older anchors can no longer be read."""
ANCHOR_CHARACTERS_MAX: Final = 10_000

_Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
_Digest = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]


def _canonical(text: str) -> str:
    if canonical_timestamp(datetime.fromisoformat(text)) != text:
        raise ValueError("must be in UTC with microseconds, such as 2026-01-31T12:00:00.000000Z")
    return text


_Time = Annotated[str, AfterValidator(_canonical)]


class AnchorStatement(BaseModel):
    """What an anchor states."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal["interlock-anchor/1"] = FORMAT
    number: Annotated[int, Field(ge=1, le=2**63 - 1)]
    """Counts the anchors of an installation from 1."""
    anchored_at: _Time
    """The time of the database."""
    seal: _Count
    """The number of the last seal; 0 if nothing is sealed."""
    seal_digest: _Digest
    """The digest of the last seal, which covers everything that is sealed."""
    tickets: _Count
    """The number of tickets whose creation is sealed."""
    entries: _Count
    """The number of sealed history entries: the place in the log up to which the anchor proves."""
    user_names: _Count
    reconciliations: _Count
    workflow_revisions: _Count
    plugin_changes: _Count
    heads_root: _Digest
    """The Merkle root over the sealed heads of the tickets, in the order of their creation."""
    unsealed: _Count
    """The number of rows that no seal covered yet."""
    oldest_unsealed_at: _Time | None
    """When the oldest of them was recorded."""
    key: str
    """The public key that verifies the signature: 32 bytes in base64url."""

    @property
    def counts(self) -> SealedCounts:
        """The number of sealed rows of each kind."""
        return SealedCounts(*(getattr(self, name) for name in SealedCounts._fields))

    @property
    def content(self) -> bytes:
        """What the signature covers."""
        return _canonical_json(self.model_dump(include=set(AnchorStatement.model_fields)))


class Anchor(AnchorStatement):
    """A signed statement."""

    signature: str
    """The signature in base64url."""

    @classmethod
    def sign(cls, statement: AnchorStatement, key: AnchorKey) -> Self:
        """Return a statement with its signature; the key must be the one that it names."""
        signature = encode_base64url(key.sign(statement.content))
        return cls(**statement.model_dump(), signature=signature)

    @classmethod
    def parse(cls, text: str, origin: str) -> Self:
        """Return the anchor in a text. Its signature is not verified.

        Args:
            text: a JSON document.
            origin: where the text comes from, for error messages.

        Raises:
            InvalidInput: the text is not an anchor.

        """
        if len(text) > ANCHOR_CHARACTERS_MAX:
            raise InvalidInput(f"{origin}: is too long for an anchor.")
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            problems = "; ".join(map(describe_error_at, error.errors(include_url=False)))
            raise InvalidInput(f"{origin}: is not an anchor. {problems}.") from None

    @property
    def text(self) -> str:
        """The anchor as one line of canonical JSON."""
        return _canonical_json(self.model_dump()).decode()

    @property
    def is_authentic(self) -> bool:
        """Whether the signature is valid for the key that the anchor names."""
        try:
            key = AnchorPublicKey.parse(self.key)
            signature = decode_base64url(self.signature)
        except ValueError:
            return False
        return key.verifies(signature, self.content)

    def __str__(self) -> str:
        return f"anchor {self.number} of {self.anchored_at}"


def _canonical_json(data: object) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
