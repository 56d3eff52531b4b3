"""Builds from the settings what makes, verifies and publishes anchors."""

from collections.abc import Iterator

from api.files import read_text
from api.runtime.anchors import AnchorFile, AnchorPublisher, AnchorReceiver, ScheduledAnchors
from api.settings import Settings
from engine.errors import InvalidInput, Misconfigured
from engine.sealing.anchor_key import AnchorKey, AnchorPublicKey
from engine.storage.postgres.database import Database


def anchor_key(settings: Settings) -> AnchorKey | None:
    """Return the key that signs anchors; None if the settings have no key.

    Raises:
        Misconfigured: the key is set twice, or cannot be used.

    """
    if settings.anchor_key and settings.anchor_key_file:
        raise Misconfigured(
            "Only one of INTERLOCK_ANCHOR_KEY or INTERLOCK_ANCHOR_KEY_FILE can be set, to sign "
            "anchors."
        )
    if settings.anchor_key:
        return AnchorKey.parse(settings.anchor_key.get_secret_value())
    if settings.anchor_key_file is None:
        return None
    try:
        return AnchorKey.parse(read_text(settings.anchor_key_file))
    except InvalidInput as error:
        raise Misconfigured(f"INTERLOCK_ANCHOR_KEY_FILE: {error.message}") from None
    except ValueError as error:
        raise Misconfigured(
            f"INTERLOCK_ANCHOR_KEY_FILE: {settings.anchor_key_file} cannot be used: {error}."
        ) from None


def require_anchor_key(settings: Settings) -> AnchorKey:
    """Return the key that signs anchors.

    Raises:
        Misconfigured: no key is set, or it cannot be used.

    """
    if key := anchor_key(settings):
        return key
    raise Misconfigured(
        "INTERLOCK_ANCHOR_KEY or INTERLOCK_ANCHOR_KEY_FILE must be set, to sign anchors. "
        "`interlock history keygen` prints a key."
    )


def trusted_keys(settings: Settings) -> list[AnchorPublicKey]:
    """Return the keys of this installation, with which its anchors are signed."""
    key = anchor_key(settings)
    own = [key.public] if key else []
    return own + [AnchorPublicKey.parse(text) for text in settings.anchor_public_keys]


def scheduled_anchors(database: Database, settings: Settings) -> ScheduledAnchors | None:
    """Return what makes and publishes anchors; None if the settings name no destination.

    Raises:
        Misconfigured: a destination is set, but no key.

    """
    publishers = [*_publishers(settings)]
    if not publishers:
        return None
    key = require_anchor_key(settings)
    return ScheduledAnchors(database, key, publishers, settings.anchor_minutes * 60)


def _publishers(settings: Settings) -> Iterator[AnchorPublisher]:
    if settings.anchor_file:
        yield AnchorFile(settings.anchor_file)
    if settings.anchor_url:
        yield AnchorReceiver(settings.anchor_url.get_secret_value())
