"""The settings of anchors: what signs them, and where they are kept."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from api.auth.key_urls import check_key_url
from api.limits import (
    ANCHOR_MINUTES,
    ANCHOR_MINUTES_MAX,
)
from api.settings.fields import SettingsGroup, from_text, split_list
from engine.sealing.anchor_key import AnchorKey, AnchorPublicKey


def _check_anchor_key(key: SecretStr | None) -> SecretStr | None:
    if key is not None:
        AnchorKey.parse(key.get_secret_value())
    return key


def _check_anchor_public_keys(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        AnchorPublicKey.parse(text)
    return texts


def _check_anchor_url(url: SecretStr | None) -> SecretStr | None:
    if url is not None:
        check_key_url(url.get_secret_value())
    return url


class AnchorSettings(SettingsGroup):
    """The settings of anchors."""

    anchor_key: Annotated[
        SecretStr | None,
        AfterValidator(_check_anchor_key),
        Field(description="a private Ed25519 key in PEM, as `interlock history keygen` prints it"),
    ] = None
    """Signs anchors."""
    anchor_key_file: Annotated[Path | None, Field(description="a file with the key")] = None
    anchor_public_keys: Annotated[
        tuple[str, ...],
        from_text(split_list),
        AfterValidator(_check_anchor_public_keys),
        Field(
            description="public keys of anchors, as `interlock history keygen` prints them, "
            "separated by commas or spaces",
            repr=False,  # an operator can paste the private key
        ),
    ] = ()
    """The former keys of this installation."""
    anchor_file: Annotated[Path | None, Field(description="a file")] = None
    """The server appends anchors to it."""
    anchor_url: Annotated[
        SecretStr | None,
        AfterValidator(_check_anchor_url),
        Field(description="the https URL of a receiver of anchors"),
    ] = None
    anchor_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=ANCHOR_MINUTES_MAX,
            description=f"a number of minutes, 1 to {ANCHOR_MINUTES_MAX}",
        ),
    ] = ANCHOR_MINUTES
    """The time between two anchors."""
