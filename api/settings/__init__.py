"""The settings of a server, by subject; `Settings` has all of them."""

from api.settings.database import SchemaUse
from api.settings.environment import Settings
from api.settings.fields import environment_variable
from api.settings.server import LogFormat, LogLevel

__all__ = ["LogFormat", "LogLevel", "SchemaUse", "Settings", "environment_variable"]
