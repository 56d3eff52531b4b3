"""Resolvers of plugins. They also answer while plugins are off."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.runtime.plugins import PluginCache
from api.runtime.request_context import RequestContext
from engine.plugins import Plugin

resolvers: Final = Resolvers()

_Fields = dict[str, object]


class _ToggleArguments(TypedDict):
    name: str
    enabled: bool


@resolvers.field("Query.plugins")
async def plugins(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> list[_Fields]:
    """Return all plugins."""
    return [_plugin_fields(plugin, context.plugins) for plugin in Plugin]


@resolvers.field("Mutation.togglePlugin")
async def toggle_plugin(
    _parent: object, arguments: _ToggleArguments, context: RequestContext, _info: object
) -> dict[str, _Fields]:
    """Switch a plugin on or off."""
    plugin = Plugin.named(arguments["name"])
    await context.plugins.toggle(context.actor, plugin, enabled=arguments["enabled"])
    return {"plugin": _plugin_fields(plugin, context.plugins)}


def _plugin_fields(plugin: Plugin, cache: PluginCache) -> _Fields:
    error = cache.error(plugin)
    return {
        "name": plugin,
        "enabled": error is None,
        "licensed": cache.licence_error(plugin) is None,
        "reason": error and error.details["reason"],
        "message": error and error.message,
    }
