"""One of the servers, in a process of its own; it tells its address on standard output.

python -m benchmarks.api.served interlock postgresql://…
"""

import sys
from typing import Final

import typer
from pydantic import SecretStr

from api.bootstrap.application import open_application
from api.http.server import run_server
from api.limits_setting import read_limits
from api.logging import configure_logging
from api.settings import LogFormat, LogLevel, Settings
from benchmarks.api import bare, peers
from benchmarks.tokens import SECRET

UNLIMITED: Final = "viewer_rate=0 address_rate=0 viewer_requests=1000"


def settings_for(url: str) -> Settings:
    """Return the settings of Interlock; all but what one client gets is as it comes."""
    return Settings(database_url=SecretStr(url), jwt_secret=SECRET, limits=read_limits(UNLIMITED))


def main(kind: str, url: str) -> None:
    """Serve."""
    configure_logging(LogFormat.JSON, LogLevel.INFO)
    made = {
        "interlock": lambda: open_application(settings_for(url)),
        "bare": lambda: bare.application(url),
        "strawberry": lambda: peers.strawberry_app(url),
        "ariadne": lambda: peers.ariadne(url),
    }
    run_server(made[kind](), "127.0.0.1", 0, typer.echo)


if __name__ == "__main__":
    main(*sys.argv[1:])
