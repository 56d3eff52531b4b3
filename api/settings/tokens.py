"""The settings of tokens and API keys: who can use the API."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from api.auth.api_keys import ApiKeyEntry, parse_api_keys
from api.auth.claims import DEFAULT_NAMES
from api.auth.key_urls import check_issuer_url, parse_key_location
from api.limits import (
    AUDIENCES,
    CLAIM_NAME_CHARACTERS,
    CLOCK_LEEWAY_SECONDS,
    CLOCK_LEEWAY_SECONDS_MAX,
    JWT_SECRET_CHARACTERS_MIN,
)
from api.settings.fields import SettingsGroup, environment_variable, from_text, split_list
from engine.errors import Misconfigured
from engine.vocabulary import Assignees

_KEY_SOURCES: Final = ("jwt_secret", "jwt_secret_file", "jwks", "oidc_issuer")
"""The settings that give the keys of tokens; exactly one of them must be set."""

_ClaimName = Annotated[
    str,
    Field(
        max_length=CLAIM_NAME_CHARACTERS,
        pattern=r"^\S+$",
        description="the name of a claim, or a path with dots such as realm_access.roles",
    ),
]


class TokenSettings(SettingsGroup):
    """The settings of tokens and API keys."""

    jwt_secret: Annotated[
        SecretStr | None,
        Field(
            min_length=JWT_SECRET_CHARACTERS_MIN,
            description=f"a secret of at least {JWT_SECRET_CHARACTERS_MIN} characters",
        ),
    ] = None
    jwt_secret_file: Annotated[
        Path | None,
        Field(description="a file with one secret in each line"),
    ] = None
    jwks: Annotated[
        str | Path | None,
        from_text(parse_key_location),
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
        from_text(split_list),
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
        Assignees,
        BeforeValidator(str.lower),
        Field(description=" or ".join(Assignees)),
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
                "output of `openssl rand -hex 32`.",
            )
        if self.oidc_issuer and self.jwt_issuer:
            raise Misconfigured(
                "INTERLOCK_JWT_ISSUER can't be set, because INTERLOCK_OIDC_ISSUER is the issuer.",
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
                "sign tokens.",
            )
        source = self.jwt_secret or self.jwt_secret_file
        if source is None:
            raise Misconfigured(
                "INTERLOCK_JWT_SECRET is not set. It signs and verifies tokens. Set it to at least "
                f"{JWT_SECRET_CHARACTERS_MIN} random characters, such as the output of `openssl "
                "rand -hex 32`, or set INTERLOCK_JWT_SECRET_FILE to a file of such secrets.",
            )
        return source
