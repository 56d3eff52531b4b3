"""The settings of a server, from environment variables."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from api.auth.api_keys import SEPARATORS, ApiKeyEntry, parse_api_keys
from api.auth.claims import DEFAULT_NAMES
from api.auth.key_urls import check_issuer_url, check_key_url, check_public_url, parse_key_location
from api.licence import LicenceKey
from api.limits import (
    ANCHOR_MINUTES,
    ANCHOR_MINUTES_MAX,
    AUDIENCES,
    CLAIM_NAME_CHARACTERS,
    CLIENT_TEXT_CHARACTERS,
    CLOCK_LEEWAY_SECONDS,
    CLOCK_LEEWAY_SECONDS_MAX,
    DATABASE_CONNECTIONS,
    DATABASE_CONNECTIONS_MAX,
    DRAIN_SECONDS,
    DRAIN_SECONDS_MAX,
    GRAPHQL_BATCH,
    JWT_SECRET_CHARACTERS_MIN,
    SESSION_CLAIMS_MINUTES,
    SESSION_CLAIMS_MINUTES_MAX,
    SESSION_HOURS,
    SESSION_HOURS_MAX,
    SESSION_IDLE_MINUTES,
    SESSION_IDLE_MINUTES_MAX,
    SESSION_IDLE_MINUTES_MIN,
    Limits,
)
from api.limits_setting import read_limits
from engine.errors import Misconfigured
from engine.findings import did_you_mean
from engine.limits import DATABASE_CONNECTIONS_MIN
from engine.sealing.anchor_key import AnchorKey, AnchorPublicKey
from engine.vocabulary import Assignees
from engine.webhooks.host_allowlist import NO_HOSTS, HostAllowlist

_PREFIX: Final = "INTERLOCK_"
_USER_INFO: Final = re.compile(r"[^'\",\s]*@")
"""The user and password of a URL, which no message contains."""
_KEY_SOURCES: Final = ("jwt_secret", "jwt_secret_file", "jwks", "oidc_issuer")
"""The settings that give the keys of tokens; exactly one of them must be set."""

# Kubernetes sets variables for each Service of a namespace in every container. A Service named
# `interlock` sets INTERLOCK_PORT=tcp://…, one named `interlock-db` sets INTERLOCK_DB_PORT=….
_SERVICE_LINK_NAME: Final = re.compile(
    r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_LINK_PORT: Final = re.compile(r"(tcp|udp|sctp)://\S+:\d+")

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


class SchemaUse(StrEnum):
    """What a server does if the database lacks the schema: migrate it, or wait for it."""

    MIGRATE = "migrate"
    WAIT = "wait"


def _check_database_url(url: SecretStr | None) -> SecretStr | None:
    if url and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError
    return url


def _check_public_key(text: str | None) -> str | None:
    if text is not None:
        LicenceKey.public(text)
    return text


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


def _check_traces_url(url: SecretStr | None) -> SecretStr | None:
    if url and not url.get_secret_value().startswith(("http://", "https://")):
        raise ValueError
    return url


def _split(text: str) -> tuple[str, ...]:
    """Return the items of a list, which commas or spaces separate."""
    return tuple(filter(None, SEPARATORS.split(text)))


def _from_text(parse: Callable[[str], object]) -> BeforeValidator:
    """Return a validator that parses text, and accepts values that are parsed already."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def environment_variable(field: str) -> str:
    """Return the name of the environment variable of a field."""
    return _PREFIX + field.upper()


_ClaimName = Annotated[
    str,
    Field(
        max_length=CLAIM_NAME_CHARACTERS,
        pattern=r"^\S+$",
        description="the name of a claim, or a path with dots such as realm_access.roles",
    ),
]


class Settings(BaseModel):
    """All settings. The variable of a field is `INTERLOCK_` and its name in capitals.

    Error messages use the descriptions of the fields. Secrets are printed as asterisks;
    `get_secret_value()` returns their text.
    """

    model_config = ConfigDict(
        alias_generator=environment_variable,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_by_name=True,
    )

    database_url: Annotated[
        SecretStr | None,
        AfterValidator(_check_database_url),
        Field(
            description="the URL of a PostgreSQL database, such as postgresql://user:pass@host/name"
        ),
    ] = None
    """None: use the embedded PostgreSQL in `data_dir`."""
    database_direct_url: Annotated[
        SecretStr | None,
        AfterValidator(_check_database_url),
        Field(description="the URL of the PostgreSQL server behind a connection pooler"),
    ] = None
    """None: `database_url` is not that of a pooler."""
    database_connections: Annotated[
        int,
        Field(
            ge=DATABASE_CONNECTIONS_MIN,
            le=DATABASE_CONNECTIONS_MAX,
            description=f"a number of connections, {DATABASE_CONNECTIONS_MIN} to "
            f"{DATABASE_CONNECTIONS_MAX}",
        ),
    ] = DATABASE_CONNECTIONS
    database_schema: Annotated[
        SchemaUse, BeforeValidator(str.lower), Field(description=" or ".join(SchemaUse))
    ] = SchemaUse.MIGRATE
    """Whether a server migrates the database and applies the default workflows, or waits."""
    data_dir: Annotated[Path, Field(description="a directory")] = Path(".interlock")
    jwt_secret: Annotated[
        SecretStr | None,
        Field(
            min_length=JWT_SECRET_CHARACTERS_MIN,
            description=f"a secret of at least {JWT_SECRET_CHARACTERS_MIN} characters",
        ),
    ] = None
    jwt_secret_file: Annotated[
        Path | None, Field(description="a file with one secret in each line")
    ] = None
    jwks: Annotated[
        str | Path | None,
        _from_text(parse_key_location),
        Field(description="a file with a JSON Web Key Set, or an https URL of one"),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        AfterValidator(check_issuer_url),
        Field(description="the https URL of an OpenID provider, as its tokens have it in iss"),
    ] = None
    jwt_issuer: Annotated[str | None, Field(description="the value of iss in tokens")] = None
    """None: accept any issuer."""
    jwt_audience: Annotated[
        tuple[str, ...],
        _from_text(_split),
        Field(
            max_length=AUDIENCES,
            description="values of aud in tokens, separated by commas or spaces",
        ),
    ] = ()
    jwt_leeway: Annotated[
        int,
        Field(
            ge=0,
            le=CLOCK_LEEWAY_SECONDS_MAX,
            description=f"a number of seconds, 0 to {CLOCK_LEEWAY_SECONDS_MAX}",
        ),
    ] = CLOCK_LEEWAY_SECONDS
    oidc_client_id: Annotated[
        str | None,
        Field(
            max_length=CLIENT_TEXT_CHARACTERS,
            pattern=r"^[ -~]+$",
            description="the id of Interlock at the OpenID provider",
        ),
    ] = None
    """None: the web UI does not sign in users at a provider."""
    oidc_client_secret: Annotated[
        SecretStr | None, Field(description="the secret of Interlock at the OpenID provider")
    ] = None
    """Both this and the file None: Interlock is a public client."""
    oidc_client_secret_file: Annotated[Path | None, Field(description="a file with the secret")] = (
        None
    )
    oidc_scopes: Annotated[
        str,
        Field(
            max_length=CLIENT_TEXT_CHARACTERS,
            pattern=r"^([!-~]+ )*openid( [!-~]+)*$",
            description="scopes separated by spaces, one of which is openid",
        ),
    ] = "openid profile"
    public_url: Annotated[
        str | None,
        AfterValidator(check_public_url),
        Field(description="the https URL of Interlock in browsers, without a path"),
    ] = None
    session_hours: Annotated[
        int,
        Field(
            ge=1,
            le=SESSION_HOURS_MAX,
            description=f"a number of hours, 1 to {SESSION_HOURS_MAX}",
        ),
    ] = SESSION_HOURS
    """How long a user of the web UI is signed in."""
    session_idle_minutes: Annotated[
        int,
        Field(
            ge=SESSION_IDLE_MINUTES_MIN,
            le=SESSION_IDLE_MINUTES_MAX,
            description=f"a number of minutes, {SESSION_IDLE_MINUTES_MIN} to "
            f"{SESSION_IDLE_MINUTES_MAX}",
        ),
    ] = SESSION_IDLE_MINUTES
    """How long they are signed in without a request."""
    session_claims_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=SESSION_CLAIMS_MINUTES_MAX,
            description=f"a number of minutes, 1 to {SESSION_CLAIMS_MINUTES_MAX}",
        ),
    ] = SESSION_CLAIMS_MINUTES
    """How old their name, groups and admin role are before a page renews them."""
    claim_user: _ClaimName = DEFAULT_NAMES.user
    claim_name: _ClaimName = DEFAULT_NAMES.name
    claim_groups: _ClaimName = DEFAULT_NAMES.groups
    claim_admin: Annotated[
        str,
        Field(
            max_length=CLAIM_NAME_CHARACTERS,
            pattern=r"^[^\s=]+(=.+)?$",
            description="the name of a claim that is true for admins, or claim=value",
        ),
    ] = DEFAULT_NAMES.admin
    people: Annotated[  # prose: ignore
        Assignees, BeforeValidator(str.lower), Field(description=" or ".join(Assignees))
    ] = Assignees.KNOWN
    """Whether tickets can be assigned only to users and groups that are known."""
    api_keys: Annotated[
        tuple[ApiKeyEntry, ...],
        BeforeValidator(parse_api_keys),
        Field(
            repr=False,
            description="entries such as reload+export=<SHA-256 of the key>, separated by commas "
            "or spaces, as `interlock api-key` prints them",
        ),
    ] = ()
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
        _from_text(HostAllowlist.parse),
        Field(
            description="hosts such as hooks.example.com or *.example.org, or internal origins "
            "such as http://chat.internal:8080, separated by commas or spaces"
        ),
    ] = NO_HOSTS
    """The hosts that webhooks can call; by default none."""
    webhook_secrets_dir: Annotated[Path | None, Field(description="a directory")] = None
    """One file for each secret of a webhook; None: webhooks have no secrets."""
    anchor_key: Annotated[
        SecretStr | None,
        AfterValidator(_check_anchor_key),
        Field(description="a private Ed25519 key in PEM, as `interlock history keygen` prints it"),
    ] = None
    """Signs anchors."""
    anchor_key_file: Annotated[Path | None, Field(description="a file with the key")] = None
    anchor_public_keys: Annotated[
        tuple[str, ...],
        _from_text(_split),
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
    values_file: Annotated[Path | None, Field(description="a values file, or a folder of them")] = (
        None
    )
    """None: do not reconcile automatically."""
    values_key: Annotated[str, Field(description="the key of the chart in the values file")] = ""
    """Empty: `ticketing:` is a top-level key."""
    host: Annotated[str, Field(description="a host name or address")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65_535, description="a port number, 1 to 65535, or 0 for any free one")
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
    explorer: Annotated[bool, Field(description="on or off")] = False
    """Whether /graphql serves an explorer to browsers."""
    trusted_proxies: Annotated[
        tuple[Network, ...],
        _from_text(lambda text: tuple(map(ip_network, _split(text)))),
        Field(description="addresses and networks such as 10.0.0.0/8, separated by commas"),
    ] = ()
    """The proxies whose `X-Forwarded-For` is trusted."""
    trusted_documents: Annotated[
        Path | None, Field(description="a JSON file of documents by their SHA-256")
    ] = None
    """None: execute any document within the limits."""
    limits: Annotated[
        Limits,
        _from_text(read_limits),
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
        LogFormat, BeforeValidator(str.lower), Field(description=" or ".join(LogFormat))
    ] = LogFormat.TEXT
    log_level: Annotated[
        LogLevel, BeforeValidator(str.lower), Field(description=" or ".join(LogLevel))
    ] = LogLevel.INFO

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in an environment; an empty variable is not set.

        Raises:
            Misconfigured: variables are invalid or unknown; the message lists all of them.

        """
        ours = {
            name: text
            for name, text in env.items()
            if name.startswith(_PREFIX) and text and not _is_service_link(name, text)
        }
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            raise Misconfigured("\n".join(map(_describe, error.errors()))) from None

    def require_key_source(self) -> SecretStr | Path | str:
        """Return the secret, the file or the URL with the keys of tokens.

        Raises:
            Misconfigured: not exactly one source is set, or the issuer is set twice.

        """
        sources = {name: getattr(self, name) for name in _KEY_SOURCES if getattr(self, name)}
        if len(sources) != 1:
            names = " or ".join(map(environment_variable, sources or _KEY_SOURCES))
            problem = f"Only one of {names} can be set" if sources else f"{names} must be set"
            raise Misconfigured(
                f"{problem}, to verify tokens. The simplest is a random secret, such as the "
                "output of `openssl rand -hex 32`."
            )
        if self.oidc_issuer and self.jwt_issuer:
            raise Misconfigured(
                "INTERLOCK_JWT_ISSUER can't be set, because INTERLOCK_OIDC_ISSUER is the issuer."
            )
        source: SecretStr | Path | str = next(iter(sources.values()))
        return source

    def require_jwt_secret(self) -> SecretStr | Path:
        """Return the secret that signs tokens, or the file that has it in the first line.

        Raises:
            Misconfigured: neither or both are set.

        """
        if self.jwt_secret and self.jwt_secret_file:
            raise Misconfigured(
                "Only one of INTERLOCK_JWT_SECRET or INTERLOCK_JWT_SECRET_FILE can be set, to "
                "sign tokens."
            )
        source = self.jwt_secret or self.jwt_secret_file
        if source is None:
            raise Misconfigured(
                "INTERLOCK_JWT_SECRET is not set. It signs and verifies tokens. Set it to at least "
                f"{JWT_SECRET_CHARACTERS_MIN} random characters, such as the output of `openssl "
                "rand -hex 32`, or set INTERLOCK_JWT_SECRET_FILE to a file of such secrets."
            )
        return source


_VARIABLES: Final = {
    environment_variable(name): field for name, field in Settings.model_fields.items()
}


def _is_service_link(name: str, text: str) -> bool:
    """Return whether Kubernetes, not the operator, set a variable."""
    if name.endswith("_PORT") and _SERVICE_LINK_PORT.fullmatch(text):
        return True
    return _SERVICE_LINK_NAME.fullmatch(name) is not None


def _describe(error: ErrorDetails) -> str:
    """Return the message about one variable, without the value of a secret."""
    name = str(error["loc"][0])
    field = _VARIABLES.get(name)
    if field is None:
        return f"{name} is not a setting of Interlock.{did_you_mean(name, _VARIABLES)}"
    is_secret = SecretStr in get_args(field.annotation) or not field.repr
    value = "" if is_secret else f" is {_without_user_info(repr(error['input']))}: it"
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
    details = reason and f"; {_without_user_info(reason)}"
    message = f"{name}{value} must be {field.description}{details}"
    return message if message.endswith("?") else f"{message}."


def _without_user_info(text: str) -> str:
    return _USER_INFO.sub("…@", text)
