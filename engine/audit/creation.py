"""How tickets are created, as rules that judge the first entry of a history. Pure.

There are three ways: from a form, from a catalog item, and by `system` for an outage.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from engine.audit.declared_history import DeclaredHistory, model_as
from engine.audit.system_rules import is_api_key_name, services_near
from engine.declaration.models import CatalogItem
from engine.outages.policy import OUTAGE_PRIORITY, outage_title
from engine.resources.resource import Kind
from engine.tickets.history import Entry
from engine.tickets.sla_targets import TARGETS_KEY
from engine.tickets.ticket import Opening
from engine.vocabulary import SYSTEM, ActorRoles, Priority, Status

_REQUESTER: Final = (ActorRoles.REQUESTER, ActorRoles.REQUESTER | ActorRoles.ADMIN)
"""The roles of a user who creates a ticket."""
_FIELDS: Final = {each.name for each in fields(Opening)}


def creation_flaw(
    declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]
) -> str | None:
    """Return the flaw of a `created` entry, whose details are `opening`; None if it has none."""
    if (entry.old_value, entry.new_value) != (None, Status.OPEN):
        return f"a ticket is created {Status.OPEN}, not {entry.new_value}"
    if opening.keys() != _FIELDS:
        return "its details have other keys than those of a new ticket"
    by_user_or_system = _outage_flaw if entry.actor == SYSTEM else _user_flaw
    return _text_flaw(opening) or by_user_or_system(declared, entry, opening)


def _user_flaw(declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]) -> str | None:
    if message := _requester_flaw(declared, entry, opening):
        return message
    if opening["service"] is not None:
        return "only system creates tickets for outages"
    if opening["key"] is not None:
        return "only a ticket for an outage names an API key"
    if opening["item"] is not None:
        return _item_flaw(declared, entry, opening)
    return _form_flaw(declared, entry, opening)


def _requester_flaw(
    declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]
) -> str | None:
    """Judge for whom a user created the ticket, and by which group or role."""
    requester, group, roles = opening["requester"], opening["on_behalf_group"], entry.actor_bits
    if requester is None or requester == SYSTEM:
        return "a ticket that a user creates has a user as its requester"
    if requester == entry.actor:
        is_permitted = roles in _REQUESTER and group is None
        flaw = "a user who creates a ticket is its requester, and not its assignee yet"
    elif group is None:
        is_permitted = roles == ActorRoles.ADMIN
        flaw = f"only admins and members of a group create a ticket for {requester}"
    else:
        is_permitted = not roles and group in declared.on_behalf_groups_near(entry.at)
        flaw = f"no declaration at that time lets members of {group} create tickets for other users"
    return None if is_permitted else flaw


def _text_flaw(opening: Mapping[str, Any]) -> str | None:
    """Judge the texts of a new ticket."""
    required = ("title", "workflow")
    optional = ("requester", "on_behalf_group", "assignee", "assignee_group")
    texts = [opening[name] for name in required]
    texts += [opening[name] for name in optional if opening[name] is not None]
    if not all(isinstance(each, str) and each.strip() for each in texts):
        return "a text of the new ticket is blank"
    if not isinstance(opening["description"], str):
        return "the description is not a text"
    return "system cannot be an assignee" if opening["assignee"] == SYSTEM else None


def _outage_flaw(declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]) -> str | None:
    path = opening["service"]
    if path is None or entry.actor_bits:
        return "system creates tickets only for outages, and has no role on them"
    expected = {
        "title": outage_title(path),
        "priority": OUTAGE_PRIORITY,
        "requester": None,
        "on_behalf_group": None,
        "assignee": None,
        "item": None,
    }
    if not is_api_key_name(opening["key"]):
        return "its key is not the name of an API key"
    for name, value in expected.items():
        if opening[name] != value:
            return f"the {name} of an outage ticket of {path} is {value}, not {opening[name]}"
    if not any(
        (opening["workflow"], opening["assignee_group"]) == (each.workflow, each.sla_group)
        for each in services_near(declared, path, entry.at)
    ):
        return f"no declaration of the service {path} at that time opens such a ticket"
    return _targets_flaw(opening, declared.targets_near(OUTAGE_PRIORITY, entry.at))


def _item_flaw(declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]) -> str | None:
    name = opening["item"]
    if opening["assignee"] is not None:
        return "a ticket from the catalog has no assignee at first"
    for resource in declared.active_near(Kind.ITEM, name, entry.at):
        item = model_as(CatalogItem, resource)
        opened = (opening["workflow"], opening["priority"], opening["assignee_group"])
        if opened == (item.workflow, item.defaults.priority, item.defaults.assignee_group):
            return _targets_flaw(opening, declared.targets_near(resource, entry.at))
    return f"no declaration of the catalog item {name} at that time opens such a ticket"


def _form_flaw(declared: DeclaredHistory, entry: Entry, opening: Mapping[str, Any]) -> str | None:
    priority, targets = Priority(opening["priority"]), opening[TARGETS_KEY]
    if targets is None:
        return None
    if targets["by_priority"]:
        return _targets_flaw(opening, declared.targets_near(priority, entry.at))
    if not entry.actor_bits & ActorRoles.ADMIN and opening["assignee_group"] is None:
        return "only admins and members of the assignee group state SLA targets of their own"
    if targets["response"] <= 0 or targets["resolution"] <= 0:
        return "an SLA target is not positive"
    requested = {"origin": entry.actor, "by_priority": False, "calendar": None}
    return _targets_flaw(opening, [targets | requested])


def _targets_flaw(opening: Mapping[str, Any], expected: list[dict[str, object]]) -> str | None:
    if opening[TARGETS_KEY] in expected:
        return None
    return "its SLA targets are not those that were declared or requested at that time"
