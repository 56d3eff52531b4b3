"""Settings from environment variables."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from api.auth.api_keys import Scope
from api.bootstrap.engine import open_engine
from api.licence import LicenceKey
from api.limits import GraphQLLimits, HttpLimits, Limits
from api.settings import LogFormat, LogLevel, Settings
from engine.errors import Misconfigured
from engine.sealing.anchor_key import AnchorKey

SECRET = "0123456789abcdef" * 2
DIGEST = "9f" * 32
PUBLIC_KEY = LicenceKey.new().public_text
ANCHOR_KEY = AnchorKey.new()
DATABASE = "postgresql://interlock:hunter2@db/interlock"
DIRECT = "postgresql://interlock:hunter2@db1/interlock"


def test_every_setting_except_the_secret_has_a_default() -> None:
    settings = Settings.from_env({"PATH": "/bin"})
    assert settings == Settings(
        database_url=None,
        data_dir=Path(".interlock"),
        host="127.0.0.1",
        port=8080,
        log_format=LogFormat.TEXT,
        log_level=LogLevel.INFO,
    )
    with pytest.raises(Misconfigured, match="INTERLOCK_JWT_SECRET is not set"):
        settings.require_jwt_secret()


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            "INTERLOCK_DATABASE_URL": DATABASE,
            "INTERLOCK_DATABASE_DIRECT_URL": DIRECT,
            "INTERLOCK_DATABASE_CONNECTIONS": "40",
            "INTERLOCK_DATABASE_SCHEMA": "wait",
            "INTERLOCK_DATA_DIR": "/var/lib/interlock",
            "INTERLOCK_JWT_SECRET": SECRET,
            "INTERLOCK_JWT_SECRET_FILE": "/etc/interlock/secrets",
            "INTERLOCK_JWKS": "/etc/interlock/jwks.json",
            "INTERLOCK_OIDC_ISSUER": "https://id.example/realms/acme",
            "INTERLOCK_JWT_ISSUER": "https://id.example",
            "INTERLOCK_JWT_AUDIENCE": "interlock, desk",
            "INTERLOCK_JWT_LEEWAY": "0",
            "INTERLOCK_CLAIM_USER": "oid",
            "INTERLOCK_CLAIM_NAME": "preferred_username",
            "INTERLOCK_CLAIM_GROUPS": "realm_access.roles",
            "INTERLOCK_CLAIM_ADMIN": "groups=Interlock Admins",
            "INTERLOCK_OIDC_CLIENT_ID": "interlock",
            "INTERLOCK_OIDC_CLIENT_SECRET": "hunter2",
            "INTERLOCK_OIDC_CLIENT_SECRET_FILE": "/etc/interlock/client",
            "INTERLOCK_OIDC_SCOPES": "openid profile groups",
            "INTERLOCK_PUBLIC_URL": "https://desk.example/",
            "INTERLOCK_SESSION_HOURS": "9",
            "INTERLOCK_SESSION_IDLE_MINUTES": "30",
            "INTERLOCK_SESSION_CLAIMS_MINUTES": "10",
            "INTERLOCK_PEOPLE": "any",
            "INTERLOCK_API_KEYS": f"reload={DIGEST}",
            "INTERLOCK_LICENSE_PUBLIC_KEY": PUBLIC_KEY,
            "INTERLOCK_LICENSE_KEY": "e30.e30.e30",
            "INTERLOCK_ANCHOR_KEY": ANCHOR_KEY.pem,
            "INTERLOCK_ANCHOR_KEY_FILE": "/etc/interlock/anchors.pem",
            "INTERLOCK_ANCHOR_PUBLIC_KEYS": ANCHOR_KEY.public.text,
            "INTERLOCK_ANCHOR_FILE": "/mnt/anchors/interlock.jsonl",
            "INTERLOCK_ANCHOR_URL": "https://anchors.example/interlock",
            "INTERLOCK_ANCHOR_MINUTES": "5",
            "INTERLOCK_WEBHOOK_HOSTS": "hooks.example.com, *.example.org",
            "INTERLOCK_WEBHOOK_SECRETS_DIR": "/etc/interlock/webhooks",
            "INTERLOCK_VALUES_FILE": "/etc/interlock/values.yaml",
            "INTERLOCK_VALUES_KEY": "interlock",
            "INTERLOCK_HOST": "::",
            "INTERLOCK_PORT": "0",
            "INTERLOCK_DRAIN_SECONDS": "0.5",
            "INTERLOCK_STATUS_PAGE_HOST": "status.example",
            "INTERLOCK_STATUS_PAGE_PORT": "8081",
            "INTERLOCK_EXPLORER": "on",
            "INTERLOCK_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1",
            "INTERLOCK_TRUSTED_DOCUMENTS": "/etc/interlock/documents.json",
            "INTERLOCK_LIMITS": "depth_fields=20, viewer_rate=0.5",
            "INTERLOCK_GRAPHQL_BATCH": "10",
            "INTERLOCK_TRACES_URL": "http://collector:4318/v1/traces",
            "INTERLOCK_TRACES_SHARE": "0.05",
            "INTERLOCK_LOG_FORMAT": "JSON",
            "INTERLOCK_LOG_LEVEL": "Warning",
        }
    )
    assert settings.database_url
    assert settings.database_url.get_secret_value() == DATABASE
    assert settings.database_direct_url
    assert settings.database_direct_url.get_secret_value() == DIRECT
    assert settings.jwt_secret
    assert settings.jwt_secret.get_secret_value() == SECRET
    assert settings.license_key
    assert settings.license_key.get_secret_value() == "e30.e30.e30"
    assert settings.limits == Limits(HttpLimits(viewer_rate=0.5), GraphQLLimits(depth_fields=20))
    assert settings.anchor_key
    assert settings.anchor_key.get_secret_value() == ANCHOR_KEY.pem
    assert settings.anchor_url
    assert settings.anchor_url.get_secret_value() == "https://anchors.example/interlock"
    apart = {"database_url", "database_direct_url", "jwt_secret", "license_key", "limits"}
    apart |= {"anchor_key", "anchor_url", "oidc_client_secret", "traces_url"}
    assert settings.traces_url
    assert settings.traces_url.get_secret_value() == "http://collector:4318/v1/traces"
    assert settings.oidc_client_secret
    assert settings.oidc_client_secret.get_secret_value() == "hunter2"
    assert settings.model_dump(exclude=apart) == {
        "database_connections": 40,
        "database_schema": "wait",
        "data_dir": Path("/var/lib/interlock"),
        "jwt_secret_file": Path("/etc/interlock/secrets"),
        "jwks": Path("/etc/interlock/jwks.json"),
        "oidc_issuer": "https://id.example/realms/acme",
        "jwt_issuer": "https://id.example",
        "jwt_audience": ("interlock", "desk"),
        "jwt_leeway": 0,
        "claim_user": "oid",
        "claim_name": "preferred_username",
        "claim_groups": "realm_access.roles",
        "claim_admin": "groups=Interlock Admins",
        "oidc_client_id": "interlock",
        "oidc_client_secret_file": Path("/etc/interlock/client"),
        "oidc_scopes": "openid profile groups",
        "public_url": "https://desk.example",
        "session_hours": 9,
        "session_idle_minutes": 30,
        "session_claims_minutes": 10,
        "people": "any",
        "api_keys": ({"scopes": {Scope.RELOAD}, "digest": bytes.fromhex(DIGEST)},),
        "license_public_key": PUBLIC_KEY,
        "anchor_key_file": Path("/etc/interlock/anchors.pem"),
        "anchor_public_keys": (ANCHOR_KEY.public.text,),
        "anchor_file": Path("/mnt/anchors/interlock.jsonl"),
        "anchor_minutes": 5,
        "webhook_hosts": {
            "names": {"hooks.example.com"},
            "suffixes": (".example.org",),
            "origins": set(),
        },
        "webhook_secrets_dir": Path("/etc/interlock/webhooks"),
        "values_file": Path("/etc/interlock/values.yaml"),
        "values_key": "interlock",
        "host": "::",
        "port": 0,
        "drain_seconds": 0.5,
        "status_page_host": "status.example",
        "status_page_port": 8081,
        "explorer": True,
        "trusted_documents": Path("/etc/interlock/documents.json"),
        "trusted_proxies": (ip_network("10.0.0.0/8"), ip_network("2001:db8::1")),
        "graphql_batch": 10,
        "traces_share": 0.05,
        "log_format": LogFormat.JSON,
        "log_level": LogLevel.WARNING,
    }


INVALID: dict[str, tuple[str, str, str]] = {
    "a port that is a word": ("PORT", "http", "is 'http': it must be a port number, 1 to 65535"),
    "a port too high": ("PORT", "65536", "is '65536': it must be a port number"),
    "a negative port": ("PORT", "-1", "is '-1': it must be a port number"),
    "neither on nor off": ("EXPLORER", "maybe", "is 'maybe': it must be on or off."),
    "a batch too large": ("GRAPHQL_BATCH", "101", "must be the most GraphQL operations in one"),
    "an unknown log format": ("LOG_FORMAT", "xml", "is 'xml': it must be text or json."),
    "an unknown log level": ("LOG_LEVEL", "loud", "it must be debug or info or warning or error."),
    "a short secret": ("JWT_SECRET", "short", "must be a secret of at least 32 characters."),
    "another database": ("DATABASE_URL", "mysql://db", "must be the URL of a PostgreSQL"),
    "an invalid host": (
        "WEBHOOK_HOSTS",
        "hooks.example.com 0x7f.1",
        "such as 203.0.113.7; '0x7f.1' is neither.",
    ),
    "keys by http": ("JWKS", "http://id.example/keys", "the URL must use https"),
    "keys by ftp": ("JWKS", "ftp://id.example/keys", "the URL must use https"),
    "keys with a password": (
        "JWKS",
        "https://me:hunter2@id.example/",
        "no user, password or fragment",
    ),
    "keys without a host": ("JWKS", "https:///keys", "the URL must have a host"),
    "an issuer by http": ("OIDC_ISSUER", "http://id.example", "the URL must use https"),
    "an issuer with a local prefix": (
        "OIDC_ISSUER",
        "http://127.0.0.1.id.example",
        "the URL must use https",
    ),
    "an issuer that is a name": ("OIDC_ISSUER", "id.example", "the URL must have a host"),
    "an issuer with a query": (
        "OIDC_ISSUER",
        "https://id.example?x",
        "the URL of an issuer must not have a query",
    ),
    "a public URL by http": ("PUBLIC_URL", "http://desk.example", "the URL must use https"),
    "a public URL with a path": ("PUBLIC_URL", "https://desk.example/a", "must have no path"),
    "a public URL with a query": ("PUBLIC_URL", "https://desk.example?a", "and no query"),
    "scopes without openid": ("OIDC_SCOPES", "profile openid2", "one of which is openid"),
    "scopes with commas": ("OIDC_SCOPES", "openid, profile", "scopes separated by spaces"),
    "a client id in two lines": ("OIDC_CLIENT_ID", "a\nb", "must be the id of Interlock at"),
    "claims that are never new": (
        "SESSION_CLAIMS_MINUTES",
        "0",
        "must be a number of minutes, 1 to 43200",
    ),
    "no time for a session": ("SESSION_HOURS", "0", "must be a number of hours, 1 to 720"),
    "too short an idle time": ("SESSION_IDLE_MINUTES", "4", "must be a number of minutes, 5 to"),
    "too few connections": ("DATABASE_CONNECTIONS", "5", "must be a number of connections, 7 to"),
    "a leeway too long": ("JWT_LEEWAY", "301", "must be a number of seconds, 0 to 300"),
    "a negative leeway": ("JWT_LEEWAY", "-1", "must be a number of seconds, 0 to 300"),
    "too many audiences": ("JWT_AUDIENCE", "a " * 21, "must be values of aud in tokens"),
    "a claim of two words": ("CLAIM_GROUPS", "my groups", "must be the name of a claim"),
    "an admin claim without a value": ("CLAIM_ADMIN", "groups=", "or claim=value"),
    "an admin value without a claim": ("CLAIM_ADMIN", "=admin", "or claim=value"),
    "an unknown limit": (
        "LIMITS",
        "depth_fields=20 depht_fields=3",
        "; 'depht_fields' is not a limit. Did you mean 'depth_fields' or 'root_fields'?",
    ),
    "a limit without a number": ("LIMITS", "aliases", "must be limits such as"),
    "a limit that is a word": (
        "LIMITS",
        "aliases=many",
        "aliases is 'many': it must be a whole number",
    ),
    "a limit of zero": ("LIMITS", "body_bytes=0", "body_bytes is '0': it must be at least 1"),
    "an infinite limit": ("LIMITS", "request_seconds=inf", "'inf': it must be a finite"),
    "a limit set twice": ("LIMITS", "aliases=1,aliases=2", "aliases is set twice"),
    "an anchor key that is none": ("ANCHOR_KEY", "hunter2", "must be a private Ed25519 key"),
    "another public key": ("ANCHOR_PUBLIC_KEYS", "hunter2", "must be public keys of anchors"),
    "anchors by http": ("ANCHOR_URL", "http://anchors.example", "the URL must use https"),
    "no time between anchors": ("ANCHOR_MINUTES", "0", "must be a number of minutes, 1 to"),
    "an invalid network": ("TRUSTED_PROXIES", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    "a misspelled name": ("LOG_LEVLE", "info", "is not a setting of Interlock. Did you mean"),
}


@pytest.mark.parametrize((("name", "text", "message")), INVALID.values(), ids=INVALID)
def test_an_invalid_variable_gets_a_clear_message(name: str, text: str, message: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        Settings.from_env({f"INTERLOCK_{name}": text})
    assert raised.value.message.startswith(f"INTERLOCK_{name} ")
    assert message in raised.value.message


def test_all_messages_come_at_once_without_secrets() -> None:
    variables = {
        "INTERLOCK_JWT_SECRET": "hunter2",
        "INTERLOCK_JWT_SECERT": "hunter2",
        "INTERLOCK_DATABASE_URL": "mysql://root:hunter2@db/interlock",
        "INTERLOCK_JWKS": "https://root:hunter2@id.example/jwks.json",
        "INTERLOCK_OIDC_ISSUER": "root:hunter2@id.example",
        "INTERLOCK_WEBHOOK_HOSTS": "hooks.example.com,root:hunter2@inside",
        "INTERLOCK_LICENSE_PUBLIC_KEY": "hunter2",
        "INTERLOCK_ANCHOR_KEY": "hunter2",
        "INTERLOCK_ANCHOR_PUBLIC_KEYS": "hunter2",
        "INTERLOCK_ANCHOR_URL": "https://root:hunter2@anchors.example",
        "INTERLOCK_PORT": "x",
    }
    with pytest.raises(Misconfigured) as raised:
        Settings.from_env(variables)
    assert {line.split()[0] for line in raised.value.message.splitlines()} == set(variables)
    assert "hunter2" not in raised.value.message


def test_settings_never_print_their_secrets() -> None:
    settings = Settings.from_env(
        {"INTERLOCK_DATABASE_URL": DATABASE, "INTERLOCK_JWT_SECRET": SECRET}
    )
    for text in (repr(settings), str(settings), str(settings.model_dump()), f"{settings}"):
        assert SECRET not in text
        assert "hunter2" not in text


def test_an_empty_variable_is_not_set() -> None:
    assert Settings.from_env({"INTERLOCK_PORT": "", "INTERLOCK_JWT_SECRET": ""}) == Settings()


SERVICE_LINKS = {
    "INTERLOCK_SERVICE_HOST": "10.0.0.7",
    "INTERLOCK_SERVICE_PORT": "8080",
    "INTERLOCK_SERVICE_PORT_HTTP": "8080",
    "INTERLOCK_PORT": "tcp://10.0.0.7:8080",
    "INTERLOCK_PORT_8080_TCP": "tcp://10.0.0.7:8080",
    "INTERLOCK_PORT_8080_TCP_ADDR": "10.0.0.7",
    "INTERLOCK_PORT_8080_TCP_PORT": "8080",
    "INTERLOCK_PORT_8080_TCP_PROTO": "tcp",
    "INTERLOCK_DB_PORT": "tcp://10.0.0.8:5432",
    "INTERLOCK_DB_SERVICE_HOST": "10.0.0.8",
}


def test_service_links_of_kubernetes_are_ignored() -> None:
    assert Settings.from_env(SERVICE_LINKS) == Settings()


SOURCES: dict[str, tuple[dict[str, str], str]] = {
    "none": (
        {},
        (
            "INTERLOCK_JWT_SECRET or INTERLOCK_JWT_SECRET_FILE or INTERLOCK_JWKS or "
            "INTERLOCK_OIDC_ISSUER must be set"
        ),
    ),
    "a secret and a set": (
        {"JWT_SECRET": SECRET, "JWKS": "jwks.json"},
        "Only one of INTERLOCK_JWT_SECRET or INTERLOCK_JWKS can be set",
    ),
    "a secret and a file of secrets": (
        {"JWT_SECRET": SECRET, "JWT_SECRET_FILE": "secrets"},
        "Only one of INTERLOCK_JWT_SECRET or INTERLOCK_JWT_SECRET_FILE can be set",
    ),
    "a file of secrets and a set in the same file": (
        {"JWT_SECRET_FILE": "secrets", "JWKS": "secrets"},
        "Only one of INTERLOCK_JWT_SECRET_FILE or INTERLOCK_JWKS can be set",
    ),
    "a set and a provider": (
        {"JWKS": "https://id.example/keys", "OIDC_ISSUER": "https://id.example"},
        "Only one of INTERLOCK_JWKS or INTERLOCK_OIDC_ISSUER can be set",
    ),
    "an issuer twice": (
        {"OIDC_ISSUER": "https://id.example", "JWT_ISSUER": "https://id.example"},
        "INTERLOCK_JWT_ISSUER can't be set",
    ),
}


@pytest.mark.parametrize(("given", "message"), SOURCES.values(), ids=SOURCES)
def test_exactly_one_source_of_keys_must_be_set(given: dict[str, str], message: str) -> None:
    settings = Settings.from_env({f"INTERLOCK_{name}": text for name, text in given.items()})
    with pytest.raises(Misconfigured) as raised:
        settings.require_key_source()
    assert message in raised.value.message


ONE_SOURCE: dict[str, tuple[str, str, str | Path]] = {
    "a file": ("JWKS", "jwks.json", Path("jwks.json")),
    "a file of secrets": ("JWT_SECRET_FILE", "secrets", Path("secrets")),
    "an address": ("JWKS", "https://id.example/keys?v=1", "https://id.example/keys?v=1"),
    "an address of this machine": ("JWKS", "http://[::1]:8000/keys", "http://[::1]:8000/keys"),
    "a provider": ("OIDC_ISSUER", "https://id.example/", "https://id.example/"),
    "a provider on this machine": ("OIDC_ISSUER", "http://localhost:1", "http://localhost:1"),
}


@pytest.mark.parametrize(("name", "text", "source"), ONE_SOURCE.values(), ids=ONE_SOURCE)
def test_one_source_of_keys_is_returned(name: str, text: str, source: str | Path) -> None:
    settings = Settings.from_env({f"INTERLOCK_{name}": text})
    assert settings.require_key_source() == source


async def test_a_direct_url_belongs_to_the_url_of_a_pooler() -> None:
    settings = Settings.from_env({"INTERLOCK_DATABASE_DIRECT_URL": DIRECT})
    assert "hunter2" not in repr(settings)
    with pytest.raises(Misconfigured, match="set without INTERLOCK_DATABASE_URL"):
        async with open_engine(settings):
            pass
