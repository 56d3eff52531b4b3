"""The settings of the server process: its plugins, addresses, limits and logs."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from api.licence import LicenceKey
from api.limits import (
    DRAIN_SECONDS,
    DRAIN_SECONDS_MAX,
    GRAPHQL_BATCH,
    Limits,
)
from api.limits_setting import read_limits
from api.settings.fields import SettingsGroup, from_text, split_list
from engine.webhooks.host_allowlist import NO_HOSTS, HostAllowlist

Network: TypeAlias = IPv4Network | IPv6Network


class LogFormat(StrEnum):
    """The format of log lines: human-readable or JSON."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe level to log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _check_public_key(text: str | None) -> str | None:
    if text is not None:
        LicenceKey.public(text)
    return text


def _check_traces_url(url: SecretStr | None) -> SecretStr | None:
    if url and not url.get_secret_value().startswith(("http://", "https://")):
        raise ValueError
    return url


class ServerSettings(SettingsGroup):
    """The settings of the server process."""

    license_public_key: Annotated[
        str | None,
        AfterValidator(_check_public_key),
        Field(
            description="the public key of licences, as `interlock license keygen` prints it",
            repr=False,  # an operator can paste the private key
        ),
    ] = None
    """None: the open edition, which allows every plugin."""
    license_key: Annotated[SecretStr | None, Field(description="a licence")] = None
    webhook_hosts: Annotated[
        HostAllowlist,
        from_text(HostAllowlist.parse),
        Field(
            description="hosts such as hooks.example.com or *.example.org, or internal origins "
            "such as http://chat.internal:8080, separated by commas or spaces",
        ),
    ] = NO_HOSTS
    """The hosts that webhooks can call; by default none."""
    webhook_secrets_dir: Annotated[Path | None, Field(description="a directory")] = None
    """One file for each secret of a webhook; None: webhooks have no secrets."""
    values_file: Annotated[Path | None, Field(description="a values file, or a folder of them")] = (
        None
    )
    """None: do not reconcile automatically."""
    values_key: Annotated[str, Field(description="the key of the chart in the values file")] = ""
    """Empty: `ticketing:` is a top-level key."""
    host: Annotated[str, Field(description="a host name or address")] = "127.0.0.1"
    port: Annotated[
        int,
        Field(ge=0, le=65_535, description="a port number, 1 to 65535, or 0 for any free one"),
    ] = 8080
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=DRAIN_SECONDS_MAX,
            description=f"a number of seconds, 0 to {DRAIN_SECONDS_MAX}",
        ),
    ] = DRAIN_SECONDS
    """How long the server serves on after SIGTERM."""
    trusted_proxies: Annotated[
        tuple[Network, ...],
        from_text(lambda text: tuple(map(ip_network, split_list(text)))),
        Field(description="addresses and networks such as 10.0.0.0/8, separated by commas"),
    ] = ()
    """The proxies whose `X-Forwarded-For` is trusted."""
    trusted_documents: Annotated[
        Path | None,
        Field(description="a JSON file of documents by their SHA-256"),
    ] = None
    """None: execute any document within the limits."""
    limits: Annotated[
        Limits,
        from_text(read_limits),
        Field(description="limits such as depth_fields=20 viewer_rate=50"),
    ] = Limits()
    graphql_batch: Annotated[
        int,
        Field(
            ge=0,
            le=GRAPHQL_BATCH,
            description=f"the most GraphQL operations in one request, 1 to {GRAPHQL_BATCH}, or 0 "
            "to refuse batches",
        ),
    ] = 0
    traces_url: Annotated[
        SecretStr | None,
        AfterValidator(_check_traces_url),
        Field(
            description="the URL of an OTLP receiver, such as http://collector:4318/v1/traces",
        ),
    ] = None
    """None: do not trace requests."""
    traces_share: Annotated[float, Field(ge=0, le=1, description="a number, 0 to 1")] = 1
    """The share of the requests that are traced."""
    log_format: Annotated[
        LogFormat,
        BeforeValidator(str.lower),
        Field(description=" or ".join(LogFormat)),
    ] = LogFormat.TEXT
    log_level: Annotated[
        LogLevel,
        BeforeValidator(str.lower),
        Field(description=" or ".join(LogLevel)),
    ] = LogLevel.INFO
