"""All settings, from environment variables."""

import re
from collections.abc import Mapping
from typing import Final, Self, get_args

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from api.settings.anchors import AnchorSettings
from api.settings.database import DatabaseSettings
from api.settings.fields import PREFIX, environment_variable
from api.settings.server import ServerSettings
from api.settings.tokens import TokenSettings
from api.settings.web import WebSettings
from engine.errors import Misconfigured
from engine.findings import did_you_mean

_USER_INFO: Final = re.compile(r"[^'\",\s]*@")
"""The user and password of a URL, which no message contains."""

# Kubernetes sets variables for each Service of a namespace in every container. A Service named
# `interlock` sets INTERLOCK_PORT=tcp://…, one named `interlock-db` sets INTERLOCK_DB_PORT=….
_SERVICE_LINK_NAME: Final = re.compile(
    r".*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)",
)
_SERVICE_LINK_PORT: Final = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


class Settings(DatabaseSettings, TokenSettings, WebSettings, AnchorSettings, ServerSettings):
    """All settings."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings in an environment; an empty variable is not set.

        Raises:
            Misconfigured: variables are invalid or unknown; the message lists all of them.

        """
        ours = {
            name: text
            for name, text in env.items()
            if name.startswith(PREFIX) and text and not _is_service_link(name, text)
        }
        try:
            return cls.model_validate(ours)
        except ValidationError as error:
            raise Misconfigured("\n".join(map(_describe, error.errors()))) from None


_VARIABLES: Final = {
    environment_variable(name): field for name, field in Settings.model_fields.items()
}


def _is_service_link(name: str, text: str) -> bool:
    """Return whether Kubernetes, not the operator, set a variable."""
    if name.endswith("_PORT") and _SERVICE_LINK_PORT.fullmatch(text):
        return True
    return _SERVICE_LINK_NAME.fullmatch(name) is not None


def _describe(error: ErrorDetails) -> str:
    """Return the message about one variable, without the value of a secret."""
    name = str(error["loc"][0])
    field = _VARIABLES.get(name)
    if field is None:
        return f"{name} is not a setting of Interlock.{did_you_mean(name, _VARIABLES)}"
    is_secret = SecretStr in get_args(field.annotation) or not field.repr
    value = "" if is_secret else f" is {_without_user_info(repr(error['input']))}: it"
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
    details = reason and f"; {_without_user_info(reason)}"
    message = f"{name}{value} must be {field.description}{details}"
    return message if message.endswith("?") else f"{message}."


def _without_user_info(text: str) -> str:
    return _USER_INFO.sub("…@", text)
