"""Resolvers: plugins, which answer also while they are off."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.runtime.plugins import PluginCache
from api.runtime.request_context import RequestContext
from engine.plugins import Plugin

resolvers: Final = Resolvers()

Fields = dict[str, object]


class Switch(TypedDict):
    """The arguments of `Mutation.togglePlugin`."""

    name: str
    enabled: bool


@resolvers.field("Query.plugins")
async def plugins(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> list[Fields]:
    """Return every plugin."""
    return [plugin_fields(plugin, context.plugins) for plugin in Plugin]


@resolvers.field("Mutation.togglePlugin")
async def toggle_plugin(
    _parent: object, arguments: Switch, context: RequestContext, _info: object
) -> dict[str, Fields]:
    """Switch a plugin on or off."""
    plugin = Plugin.named(arguments["name"])
    await context.plugins.toggle(context.actor, plugin, enabled=arguments["enabled"])
    return {"plugin": plugin_fields(plugin, context.plugins)}


def plugin_fields(plugin: Plugin, live: PluginCache) -> Fields:
    """Return the fields of a plugin."""
    refusal = live.error(plugin)
    return {
        "name": plugin,
        "enabled": refusal is None,
        "licensed": live.licence_error(plugin) is None,
        "reason": refusal and refusal.details["reason"],
        "message": refusal and refusal.message,
    }
