"""What the environment says: every setting, read once, and every complaint at once."""

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

from api.auth.api_keys import SEPARATORS, KeyEntry, read_entries
from api.auth.claims import DEFAULT_NAMES
from api.auth.key_urls import issuer_address, key_place
from api.licence import LicenceKey
from api.limits import (
    AUDIENCES,
    CLAIM_NAME_CHARACTERS,
    CLOCK_LEEWAY_SECONDS,
    CLOCK_LEEWAY_SECONDS_MOST,
    GRAPHQL_BATCH,
    JWT_SECRET_CHARACTERS,
    Limits,
)
from api.limits_setting import read_limits
from engine.errors import Misconfigured
from engine.findings import did_you_mean
from engine.webhooks.host_allowlist import NO_HOSTS, HostAllowlist

PREFIX: Final = "INTERLOCK_"
SECRET_SOURCES: Final = ("jwt_secret", "jwt_secret_file")
KEY_SOURCES: Final = (*SECRET_SOURCES, "jwks", "oidc_issuer")
"""The fields of which one says what tokens are checked with."""

# Kubernetes gives every container variables named for each Service of its namespace. A Service
# called `interlock` makes INTERLOCK_PORT=tcp://…, one called `interlock-db` INTERLOCK_DB_PORT=….
SERVICE_LINK_NAME: Final = re.compile(
    r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
SERVICE_LINK_PORT: Final = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


Network: TypeAlias = IPv4Network | IPv6Network


class LogFormat(StrEnum):
    """How log lines are written: for people or for machines."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least severe kind of log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def check_database_url(url: SecretStr | None) -> SecretStr | None:
    """Return the address of a PostgreSQL database as it was written."""
    if url and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError
    return url


def check_public_key(text: str | None) -> str | None:
    """Return a public key of licences as it was written; ValueError if it is none."""
    if text is not None:
        LicenceKey.public(text)
    return text


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, which are divided by commas or spaces."""
    return tuple(filter(None, SEPARATORS.split(text)))


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a list; ValueError if one is none."""
    return tuple(map(ip_network, words_of(text)))


def in_words(read: Callable[[str], object]) -> BeforeValidator:
    """Return what reads the text of a variable, and lets what is read already pass."""
    return BeforeValidator(lambda given: read(given) if isinstance(given, str) else given)


def environment_variable(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()


ClaimName = Annotated[
    str,
    Field(
        max_length=CLAIM_NAME_CHARACTERS,
        pattern=r"^\S+$",
        description="the name of a claim, or a way to it with dots: realm_access.roles",
    ),
]


class Settings(BaseModel):
    """Every setting. The variable of a field is `INTERLOCK_` and its name in capitals.

    A field's description says what would be right. Secrets show as asterisks wherever they are
    printed; `get_secret_value()` gives the text.
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
        AfterValidator(check_database_url),
        Field(description="the address of a PostgreSQL database: postgresql://user:pass@host/name"),
    ] = None
    """None: Interlock starts the embedded PostgreSQL in `data_dir`."""
    data_dir: Annotated[Path, Field(description="a folder")] = Path(".interlock")
    jwt_secret: Annotated[
        SecretStr | None,
        Field(
            min_length=JWT_SECRET_CHARACTERS,
            description=f"a secret of at least {JWT_SECRET_CHARACTERS} characters",
        ),
    ] = None
    jwt_secret_file: Annotated[Path | None, Field(description="a file with a secret a line")] = None
    jwks: Annotated[
        str | Path | None,
        in_words(key_place),
        Field(description="a file with a JSON Web Key Set, or its https address"),
    ] = None
    oidc_issuer: Annotated[
        str | None,
        AfterValidator(issuer_address),
        Field(description="the https address of an OpenID provider, as its tokens have it in iss"),
    ] = None
    jwt_issuer: Annotated[str | None, Field(description="what tokens have in iss")] = None
    """None: whoever has the key may issue."""
    jwt_audience: Annotated[
        tuple[str, ...],
        in_words(words_of),
        Field(
            max_length=AUDIENCES,
            description="what tokens have in aud, one or several divided by commas or spaces",
        ),
    ] = ()
    jwt_leeway: Annotated[
        int,
        Field(
            ge=0,
            le=CLOCK_LEEWAY_SECONDS_MOST,
            description=f"a number of seconds, 0 to {CLOCK_LEEWAY_SECONDS_MOST}",
        ),
    ] = CLOCK_LEEWAY_SECONDS
    claim_user: ClaimName = DEFAULT_NAMES.user
    claim_name: ClaimName = DEFAULT_NAMES.name
    claim_groups: ClaimName = DEFAULT_NAMES.groups
    claim_admin: Annotated[
        str,
        Field(
            max_length=CLAIM_NAME_CHARACTERS,
            pattern=r"^[^\s=]+(=.+)?$",
            description="the name of a claim that is true of admins, or claim=value",
        ),
    ] = DEFAULT_NAMES.admin
    api_keys: Annotated[
        tuple[KeyEntry, ...],
        BeforeValidator(read_entries),
        Field(
            repr=False,
            description="entries such as reload+export=<SHA-256 of the key>, separated by commas "
            "or spaces, as `interlock api-key` prints them",
        ),
    ] = ()
    license_public_key: Annotated[
        str | None,
        AfterValidator(check_public_key),
        Field(
            description="the public key of whoever issues licences, as `interlock license keygen` "
            "prints it"
        ),
    ] = None
    """None: the open edition, in which everything is on."""
    license_key: Annotated[SecretStr | None, Field(description="a licence")] = None
    webhook_hosts: Annotated[
        HostAllowlist,
        in_words(HostAllowlist.parse),
        Field(
            description="hosts such as hooks.example.com, *.example.org or, for one inside, "
            "http://chat.internal:8080, separated by commas or spaces"
        ),
    ] = NO_HOSTS
    """Which hosts webhooks may call; by default none."""
    webhook_secrets_dir: Annotated[Path | None, Field(description="a folder")] = None
    """Where the secrets of webhooks are, each by its name; None: there are none."""
    values_file: Annotated[Path | None, Field(description="a values file")] = None
    """None: nothing is reconciled but what is applied by hand."""
    values_key: Annotated[str, Field(description="where the chart sits in the values file")] = ""
    """Empty: `ticketing:` stands at the top."""
    host: Annotated[str, Field(description="a host name or address")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65_535, description="a port number, 1 to 65535, or 0 for any free one")
    ] = 8080
    explorer: Annotated[bool, Field(description="on or off")] = False
    """Whether browsers get a page at /graphql."""
    trusted_proxies: Annotated[
        tuple[Network, ...],
        in_words(read_networks),
        Field(description="addresses and networks such as 10.0.0.0/8, separated by commas"),
    ] = ()
    """Whose `X-Forwarded-For` tells the address of a client."""
    trusted_documents: Annotated[
        Path | None, Field(description="a JSON file of documents by their SHA-256")
    ] = None
    """None: any document is executed that the limits allow."""
    limits: Annotated[
        Limits,
        in_words(read_limits),
        Field(description="limits such as depth_fields=20 viewer_rate=50"),
    ] = Limits()
    graphql_batch: Annotated[
        int,
        Field(
            ge=0,
            le=GRAPHQL_BATCH,
            description="how many GraphQL operations may be sent as one request, up to "
            f"{GRAPHQL_BATCH}; 0 for no such requests",
        ),
    ] = 0
    log_format: Annotated[
        LogFormat, BeforeValidator(str.lower), Field(description=" or ".join(LogFormat))
    ] = LogFormat.TEXT
    log_level: Annotated[
        LogLevel, BeforeValidator(str.lower), Field(description=" or ".join(LogLevel))
    ] = LogLevel.INFO

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in an environment; an empty variable counts as not set.

        Raises:
            Misconfigured: a variable is unusable or not one of ours; all of them are listed.

        """
        ours = {
            name: text
            for name, text in env.items()
            if name.startswith(PREFIX) and text and not is_service_link(name, text)
        }
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            raise Misconfigured("\n".join(map(complaint, error.errors()))) from None

    def require_key_source(self) -> SecretStr | Path | str:
        """Return the secret, the file or the address that tokens are checked by.

        Raises:
            Misconfigured: none of them is set, or several, or the issuer twice.

        """
        found = {name: getattr(self, name) for name in KEY_SOURCES if getattr(self, name)}
        if len(found) != 1:
            names = " or ".join(map(environment_variable, found or KEY_SOURCES))
            wrong = f"Only one of {names} can be set" if found else f"{names} must be set"
            raise Misconfigured(
                f"{wrong}: tokens are checked with the keys of one source. The simplest is a "
                "secret of random characters, for example what `openssl rand -hex 32` prints."
            )
        if self.oidc_issuer and self.jwt_issuer:
            raise Misconfigured("INTERLOCK_JWT_ISSUER can't be set: it is INTERLOCK_OIDC_ISSUER.")
        source: SecretStr | Path | str = next(iter(found.values()))
        return source

    def require_jwt_secret(self) -> SecretStr | Path:
        """Return the secret that signs tokens, or the file in which it is the first.

        Raises:
            Misconfigured: neither is set, or both.

        """
        secret, file = map(environment_variable, SECRET_SOURCES)
        if self.jwt_secret and self.jwt_secret_file:
            raise Misconfigured(f"Only one of {secret} or {file} can be set: one of them signs.")
        source = self.jwt_secret or self.jwt_secret_file
        if source is None:
            raise Misconfigured(
                f"{secret} is not set: tokens are signed and checked with it. "
                f"Set it to at least {JWT_SECRET_CHARACTERS} random characters, for example what "
                f"`openssl rand -hex 32` prints, or {file} to a file of such secrets."
            )
        return source


VARIABLES: Final = {
    environment_variable(name): field for name, field in Settings.model_fields.items()
}
SECRETS: Final = {
    name
    for name, field in VARIABLES.items()
    if SecretStr in get_args(field.annotation) or not field.repr
}


def is_service_link(name: str, text: str) -> bool:
    """Tell whether Kubernetes, and not the operator, set this variable."""
    if name.endswith("_PORT") and SERVICE_LINK_PORT.fullmatch(text):
        return True
    return SERVICE_LINK_NAME.fullmatch(name) is not None


def complaint(error: ErrorDetails) -> str:
    """Return the sentence on one variable; never the value of a secret."""
    name = str(error["loc"][0])
    if name not in VARIABLES:
        return f"{name} is not a setting of Interlock.{did_you_mean(name, VARIABLES)}"
    value = "" if name in SECRETS else f" is {error['input']!r}: it"
    sentence = f"{name}{value} must be {VARIABLES[name].description}{reason_of(error)}"
    return sentence if sentence.endswith("?") else f"{sentence}."


def reason_of(error: ErrorDetails) -> str:
    """Return what a check of ours says is wrong, if it says anything."""
    said = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
    return f"; {said}" if said else ""
