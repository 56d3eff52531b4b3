"""The files of the web UI; some are those of other projects, which the set-up copies."""

from importlib.resources import files

from engine.errors import Misconfigured


def read_package_file(name: str) -> bytes:
    """Return a file of the package `api.web`.

    Raises:
        Misconfigured: the file is missing.

    """
    try:
        return (files("api.web") / name).read_bytes()
    except FileNotFoundError as error:
        message = f"{error.filename} is missing. In a checkout, run `make .venv/ready`."
        raise Misconfigured(message) from None
