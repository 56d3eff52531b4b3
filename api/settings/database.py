"""The settings of the database."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from api.limits import (
    DATABASE_CONNECTIONS,
    DATABASE_CONNECTIONS_MAX,
)
from api.settings.fields import SettingsGroup
from engine.limits import DATABASE_CONNECTIONS_MIN


class SchemaUse(StrEnum):
    """What a server does if the database lacks the schema: migrate it, or wait for it."""

    MIGRATE = "migrate"
    WAIT = "wait"


def _check_database_url(url: SecretStr | None) -> SecretStr | None:
    if url and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError
    return url


class DatabaseSettings(SettingsGroup):
    """The settings of the database."""

    database_url: Annotated[
        SecretStr | None,
        AfterValidator(_check_database_url),
        Field(
            description="the URL of a PostgreSQL database, such as postgresql://user:pass@host/name",
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
        SchemaUse,
        BeforeValidator(str.lower),
        Field(description=" or ".join(SchemaUse)),
    ] = SchemaUse.MIGRATE
    """Whether a server migrates the database and applies the default workflows, or waits."""
    data_dir: Annotated[Path, Field(description="a directory")] = Path(".interlock")
