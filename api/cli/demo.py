"""`interlock demo`."""

import os

from api.settings import Settings


def demo() -> None:
    """Serve with demo data, by default on the embedded PostgreSQL."""
    from api.demo.run import run_demo

    run_demo(Settings.from_env(os.environ))
