"""What a server needs to call a receiver: an allowed host, and the secrets of the webhook."""

from dataclasses import dataclass
from pathlib import Path

from api.webhooks.secrets import BlockReason, read_secrets
from engine.declaration.models import Webhook
from engine.webhook_urls import parse_webhook_url
from engine.webhooks.host_allowlist import HostAllowlist
from engine.webhooks.ip_ranges import AddressScope
from engine.webhooks.signatures import Secret


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a server needs to call a receiver.

    Attributes:
        scope: the addresses at which it can be called.
        secrets: sign the events.

    """

    scope: AddressScope
    secrets: tuple[Secret, ...]


def read_call_context(
    webhook: Webhook, hosts: HostAllowlist, secrets: Path | None
) -> CallContext | BlockReason:
    """Return what a server needs to call a receiver, or why it cannot.

    Args:
        webhook: the declaration.
        hosts: the hosts that the server can call.
        secrets: the folder of the secrets.

    """
    scope = hosts.address_scope(parse_webhook_url(webhook.url))
    if scope is None:
        return BlockReason.HOST_NOT_ALLOWED
    found = read_secrets(secrets, webhook.secret_name)
    return found if isinstance(found, BlockReason) else CallContext(scope, found)
