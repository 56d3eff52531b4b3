"""A document is parsed back to its plan, and refused if it was edited in any way."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from engine.errors import InvalidPlan
from reconciler.document.parse import parse_plan
from reconciler.document.serialize import digest_of, serialize_plan
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import every_hazard, nothing_to_do

Document = dict[str, JsonValue]


@given(PLANS)
@some_plans
def test_a_document_is_parsed_back_to_its_plan(plan: Plan) -> None:
    assert parse_plan(serialize_plan(plan).text, "plan.json") == plan


@given(PLANS, st.data())
@some_plans
def test_a_document_with_any_edited_character_is_refused(plan: Plan, data: st.DataObject) -> None:
    text = serialize_plan(plan).text
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from('0aF" {},\n\\\u202e') | st.characters(codec="utf-8"))
    edits = [text[:at] + text[at + 1 :], text[:at] + character + text[at:]]
    if character != text[at]:
        edits.append(text[:at] + character + text[at + 1 :])
    for edited in edits:
        if edited != text:
            with pytest.raises(InvalidPlan):
                parse_plan(edited, "plan.json")


def test_a_truncated_document_is_refused() -> None:
    text = serialize_plan(nothing_to_do()).text
    for end in range(len(text)):
        with pytest.raises(InvalidPlan):
            parse_plan(text[:end], "plan.json")


def forged(change: Callable[[Document], None], plan: Plan | None = None) -> str:
    """Return an edited document with a correct id."""
    document: Document = json.loads(serialize_plan(plan or every_hazard()).text)
    change(document)
    rest = {key: value for key, value in document.items() if key != "id"}
    return json.dumps(document | {"id": digest_of(rest)}, indent=2) + "\n"


def at(document: JsonValue, *path: str | int) -> JsonValue:
    for step in path:
        document = document[step]  # type: ignore[index]  # the path exists
    return document


def setting(*path: str | int, to: JsonValue) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        at(document, *path[:-1])[path[-1]] = to  # type: ignore[index]  # the path exists

    return change


FORGERIES: dict[str, tuple[Callable[[Document], None], str]] = {
    "another format version": (
        setting("format", to="interlock-plan/2"),
        "$.format: must be 'interlock-plan/1'.",
    ),
    "an unknown key": (
        setting("force", to=True),
        "$.force: is not a known field.",
    ),
    "a number in quotes": (
        setting("summary", "retire", to="4"),
        "$.summary.retire: must be a whole number.",
    ),
    "another time zone": (
        setting("createdAt", to="2026-01-31T13:00:00+01:00"),
        "$.createdAt: must be in UTC, such as 2026-01-31T12:00:00Z.",
    ),
    "a removed hazard": (setting("hazards", to=[]), "$.hazards: is []; "),
    "a hazard with fewer tickets": (
        setting("hazards", 0, "tickets", to=0),
        "$.hazards[0].tickets: is 0; the rest of the plan implies 12.",
    ),
    "fewer resources to retire": (
        setting("summary", "retire", to=0),
        "$.summary.retire: is 0; the rest of the plan implies 5.",
    ),
    "another action": (
        setting("changes", 0, "action", to="update"),
        '$.changes[0].action: is "update"; the rest of the plan implies "retire".',
    ),
    "another effect of a transition": (
        setting("changes", 1, "transitions", 0, "effect", to="added"),
        '$.changes[1].transitions[0].effect: is "added"; the rest of the plan implies "removed".',
    ),
    "another digest of a live resource": (
        setting("changes", 0, "beforeDigest", to="0" * 64),
        f'$.changes[0].beforeDigest: is "{"0" * 64}"; ',
    ),
    "another digest of all resources": (
        setting("digests", "desired", to="0" * 64),
        f'$.digests.desired: is "{"0" * 64}"; ',
    ),
    "fewer tickets than by status": (
        setting("changes", 2, "impact", "stranded", "tickets", to=0),
        "$.changes[2].impact.stranded.tickets: is 0; the rest of the plan implies 12.",
    ),
    "CLOSED tickets": (
        setting("changes", 2, "impact", "stranded", "byStatus", "CLOSED", to=1),
        "$.changes[2].impact.stranded.tickets: is 12; the rest of the plan implies 13.",
    ),
    "statuses in another order": (
        setting("changes", 2, "impact", "stranded", "byStatus", to={"IN_PROGRESS": 5, "OPEN": 7}),
        "line ",
    ),
    "a status without tickets": (
        setting("changes", 2, "impact", "stranded", "byStatus", "RESOLVED", to=0),
        "$.changes[2].impact.stranded.byStatus.RESOLVED: must be at least",
    ),
    "an invalid declaration": (
        setting("changes", 1, "after", "declaration", "transitions", 0, "role", to="boss"),
        "$.changes[1].after.declaration.transitions[0].role: must be 'assignee',",
    ),
    "a declaration with another name": (
        setting("changes", 1, "after", "declaration", "name", to="vpn_request"),
        (
            "$.changes[1].after.declaration:"
            " declares 'vpn_request'; the change is of 'incident_response'."
        ),
    ),
    "a change that changes nothing": (
        lambda document: setting("changes", 1, "after", to=at(document, "changes", 1, "before"))(
            document
        ),
        "$.changes[1]: no action leads from `before` to `after`.",
    ),
    "a duplicate resource": (
        lambda document: setting("changes", 1, to=at(document, "changes", 0))(document),
        "$.changes: each resource must occur once, ordered by kind and name.",
    ),
    "another order": (
        lambda document: setting(
            "changes",
            to=list(reversed(at(document, "changes"))),  # type: ignore[arg-type]
        )(document),
        "$.changes: each resource must occur once, ordered by kind and name.",
    ),
    "an unknown role": (
        setting("replay", "refused", 0, "held", to=["boss"]),
        '$.replay.refused[0].held: is ["boss"]; the rest of the plan implies [].',
    ),
}


@pytest.mark.parametrize(("change", "error"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_document_is_refused(change: Callable[[Document], None], error: str) -> None:
    with pytest.raises(InvalidPlan) as refused:
        parse_plan(forged(change), "plan.json")
    lines = refused.value.message.splitlines()
    assert any(line.startswith(f"plan.json: {error}") for line in lines), lines


@pytest.mark.parametrize("text", ["{}", "[" * 100_000], ids=["an object", "nested lists"])
def test_a_declaration_must_be_an_object_not_json_text(text: str) -> None:
    change = setting("changes", -1, "after", to={"retired": False, "declaration": text})
    with pytest.raises(InvalidPlan, match=r"after\.declaration: must be an object\."):
        parse_plan(forged(change), "plan.json")


def test_the_error_for_an_edited_document_has_the_expected_id() -> None:
    text = serialize_plan(every_hazard()).text
    edited = text.replace("git:4f8e29c", "git:5555555")
    with pytest.raises(InvalidPlan, match=r"\$\.id: is .*; the rest of the plan implies "):
        parse_plan(edited, "plan.json")


def test_a_reformatted_document_is_refused_with_the_first_different_line() -> None:
    text = serialize_plan(nothing_to_do()).text
    with pytest.raises(InvalidPlan, match="line 1 is not as `interlock plan` wrote it"):
        parse_plan(json.dumps(json.loads(text)), "plan.json")


def test_a_document_larger_than_any_plan_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.document.parse.PLAN_BYTES", 100)
    with pytest.raises(InvalidPlan, match="a plan has at most 100"):
        parse_plan(serialize_plan(nothing_to_do()).text, "plan.json")
