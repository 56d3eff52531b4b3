"""Builds the sign-in of the web UI from the settings."""

from dataclasses import replace
from datetime import timedelta

from pydantic import SecretStr

from api.auth.id_tokens import IdTokenVerifier
from api.auth.key_fetch import read_key_file
from api.auth.key_sources import KeySource
from api.auth.openid_client import ClientRegistration, OpenIdClient
from api.bootstrap.auth import token_rules
from api.settings import Settings
from api.web.sessions import Cookies, WebSessions
from api.web.views.sign_in.demo import DemoSignIn
from api.web.views.sign_in.routes import SignInMethods
from engine.errors import Misconfigured, Unavailable
from engine.storage.postgres.database import Database
from engine.storage.web_sessions import SessionLifetime, WebSessionStore


def session_lifetime(settings: Settings) -> SessionLifetime:
    """Return how long the sessions of the web UI last."""
    return SessionLifetime(
        timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes)
    )


def sign_in_methods(
    settings: Settings, database: Database, keys: KeySource, demo: DemoSignIn | None
) -> SignInMethods:
    """Return how users sign in to the web UI.

    Args:
        settings: of the server.
        database: stores the sessions.
        keys: verify ID tokens.
        demo: signs in the users of the demo; None on any other server.

    Raises:
        Misconfigured: a setting is missing, or the file with the client secret cannot be read.

    """
    url = settings.public_url
    has_tls = demo is None and not (url and url.startswith("http://"))
    store = WebSessionStore(database, session_lifetime(settings))
    provider = _openid_client(settings, keys)
    claims_age = timedelta(minutes=settings.session_claims_minutes) if provider else None
    sessions = WebSessions(store, Cookies(has_tls), url, claims_age)
    return SignInMethods(sessions, provider, demo)


def _openid_client(settings: Settings, keys: KeySource) -> OpenIdClient | None:
    """Return the client that signs in users; None if the settings name no client.

    Raises:
        Misconfigured: a setting is missing, or the file with the secret cannot be read.

    """
    secret = _client_secret(settings)
    if settings.oidc_client_id is None:
        if secret is not None:
            raise Misconfigured("INTERLOCK_OIDC_CLIENT_ID must be set: the client has a secret.")
        return None
    if settings.oidc_issuer is None or settings.public_url is None:
        name = "INTERLOCK_PUBLIC_URL" if settings.oidc_issuer else "INTERLOCK_OIDC_ISSUER"
        raise Misconfigured(f"{name} must be set, because INTERLOCK_OIDC_CLIENT_ID is set.")
    rules = replace(token_rules(settings), audiences=frozenset({settings.oidc_client_id}))
    registration = ClientRegistration(
        settings.oidc_issuer,
        settings.oidc_client_id,
        secret,
        settings.oidc_scopes,
        settings.public_url,
    )
    return OpenIdClient(registration, IdTokenVerifier(keys, rules))


def _client_secret(settings: Settings) -> SecretStr | None:
    file = settings.oidc_client_secret_file
    if file is None:
        return settings.oidc_client_secret
    if settings.oidc_client_secret:
        raise Misconfigured(
            "Only one of INTERLOCK_OIDC_CLIENT_SECRET or INTERLOCK_OIDC_CLIENT_SECRET_FILE can be "
            "set."
        )
    try:
        text = read_key_file(file).decode("utf-8").strip()
    except Unavailable as error:
        raise Misconfigured(error.message) from None
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise Misconfigured(f"{file} must contain the secret of the OpenID client.")
    return SecretStr(text)
