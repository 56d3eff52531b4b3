"""The settings of the web UI, and of its sign-in."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from api.auth.key_urls import check_public_url
from api.limits import (
    CLIENT_TEXT_CHARACTERS,
    SESSION_CLAIMS_MINUTES,
    SESSION_CLAIMS_MINUTES_MAX,
    SESSION_HOURS,
    SESSION_HOURS_MAX,
    SESSION_IDLE_MINUTES,
    SESSION_IDLE_MINUTES_MAX,
    SESSION_IDLE_MINUTES_MIN,
)
from api.settings.fields import SettingsGroup


class WebSettings(SettingsGroup):
    """The settings of the web UI, and of its sign-in."""

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
        SecretStr | None,
        Field(description="the secret of Interlock at the OpenID provider"),
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
    status_page_host: Annotated[
        str | None,
        Field(
            max_length=CLIENT_TEXT_CHARACTERS,
            pattern=r"^[A-Za-z0-9.-]+$",
            description="a host name",
        ),
    ] = None
    """The host that shows only the status page, which then is on no other host."""
    status_page_port: Annotated[
        int | None, Field(ge=1, le=65_535, description="a port number, 1 to 65535")
    ] = None
    """The port that shows only the status page, which then is on no other port."""
    explorer: Annotated[bool, Field(description="on or off")] = False
    """Whether /graphql serves an explorer to browsers."""
