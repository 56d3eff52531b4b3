"""One of the servers in a separate process; prints its address to standard output.

python -m benchmarks.api.served interlock postgresql://…
"""

import sys
from typing import Final

import typer
from pydantic import SecretStr

from api.bootstrap.application import open_application
from api.http.server import ServerOptions, run_server
from api.limits_setting import read_limits
from api.logging import configure_logging
from api.settings import LogFormat, LogLevel, Settings
from benchmarks.api import bare, peers
from benchmarks.tokens import SECRET
from engine.vocabulary import Assignees

_UNLIMITED: Final = "viewer_rate=0 address_rate=0 viewer_requests=1000"


def _settings_for(url: str) -> Settings:
    """Return the settings of Interlock: the defaults, without limits of one client."""
    return Settings(
        database_url=SecretStr(url),
        jwt_secret=SECRET,
        people=Assignees.ANY,  # prose: ignore
        limits=read_limits(_UNLIMITED),
    )


def main(kind: str, url: str) -> None:
    """Run the server."""
    configure_logging(LogFormat.JSON, LogLevel.INFO)
    applications = {
        "interlock": lambda: open_application(_settings_for(url)),
        "bare": lambda: bare.bare_application(url),
        "strawberry": lambda: peers.strawberry_application(url),
        "ariadne": lambda: peers.ariadne_application(url),
    }
    run_server(applications[kind](), ServerOptions(), typer.echo)


if __name__ == "__main__":
    main(*sys.argv[1:])
