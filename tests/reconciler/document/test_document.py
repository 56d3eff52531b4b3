"""The document of a plan: it says all, is the same for the same plan, and can't be edited."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from syrupy.assertion import SnapshotAssertion

from engine.errors import InvalidPlan
from reconciler.document import document_of, plan_id, plan_in, schema_text
from reconciler.document.writing import digest_of
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS
from tests.support.paths import DOCS
from tests.support.plans import EXAMPLES, every_hazard, nothing_to_do, one_of_everything

Document = dict[str, JsonValue]


@pytest.mark.parametrize("example", ["nothing to do", "one of everything", "every hazard"])
def test_a_document_is_as_it_was(example: str, snapshot: SnapshotAssertion) -> None:
    assert document_of(EXAMPLES[example]()) == snapshot


@given(PLANS)
@settings(deadline=None)
def test_what_was_written_is_read_back(plan: Plan) -> None:
    text = document_of(plan)
    assert plan_in(text, "plan.json") == plan
    assert json.loads(text)["id"] == plan_id(plan)
    assert text.isascii()


@given(PLANS, st.data())
@settings(deadline=None)
def test_no_character_can_be_changed(plan: Plan, data: st.DataObject) -> None:
    text = document_of(plan)
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from('0aF" {},\n\\\u202e') | st.characters(codec="utf-8"))
    edits = [text[:at] + text[at + 1 :], text[:at] + character + text[at:]]
    if character != text[at]:
        edits.append(text[:at] + character + text[at + 1 :])
    for edited in edits:
        if edited != text:
            with pytest.raises(InvalidPlan):
                plan_in(edited, "plan.json")


def test_no_document_can_be_cut_off() -> None:
    text = document_of(nothing_to_do())
    for end in range(len(text)):
        with pytest.raises(InvalidPlan):
            plan_in(text[:end], "plan.json")


def test_two_plans_for_the_same_at_different_times_are_two() -> None:
    plan = one_of_everything()
    later = replace(plan, created_at=plan.created_at + timedelta(microseconds=1))
    assert plan_id(plan) != plan_id(later)


def forged(change: Callable[[Document], None], plan: Plan | None = None) -> str:
    """Return a document that was edited by somebody who knows how its id is made."""
    document: Document = json.loads(document_of(plan or every_hazard()))
    change(document)
    rest = {key: value for key, value in document.items() if key != "id"}
    return json.dumps(document | {"id": digest_of(rest)}, indent=2) + "\n"


def at(document: JsonValue, *path: str | int) -> JsonValue:
    for step in path:
        document = document[step]  # type: ignore[index]  # a path that is there
    return document


def setting(*path: str | int, to: JsonValue) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        at(document, *path[:-1])[path[-1]] = to  # type: ignore[index]  # likewise

    return change


FORGERIES: dict[str, tuple[Callable[[Document], None], str]] = {
    "another version of the form": (
        setting("format", to="interlock-plan/2"),
        "$.format: must be 'interlock-plan/1'.",
    ),
    "a word that there is not": (
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
    "a hazard left out": (setting("hazards", to=[]), "$.hazards: is []; "),
    "a hazard made light of": (
        setting("hazards", 0, "tickets", to=0),
        "$.hazards[0].tickets: is 0; by the rest of the plan it is 12.",
    ),
    "fewer to retire": (
        setting("summary", "retire", to=0),
        "$.summary.retire: is 0; by the rest of the plan it is 4.",
    ),
    "another action": (
        setting("changes", 0, "action", to="update"),
        '$.changes[0].action: is "update"; by the rest of the plan it is "retire".',
    ),
    "a transition that is told otherwise": (
        setting("changes", 1, "transitions", 0, "effect", to="added"),
        '$.changes[1].moves[0].effect: is "added"; by the rest of the plan it is "removed".',
    ),
    "another digest of what was there": (
        setting("changes", 0, "beforeDigest", to="0" * 64),
        f'$.changes[0].beforeDigest: is "{"0" * 64}"; ',
    ),
    "another digest of it all": (
        setting("digests", "desired", to="0" * 64),
        f'$.digests.desired: is "{"0" * 64}"; ',
    ),
    "fewer tickets than by status": (
        setting("changes", 2, "impact", "stranded", "tickets", to=0),
        "$.changes[2].impact.stranded.tickets: is 0; by the rest of the plan it is 12.",
    ),
    "tickets that are CLOSED": (
        setting("changes", 2, "impact", "stranded", "byStatus", "CLOSED", to=1),
        "$.changes[2].impact.stranded.byStatus.CLOSED: is 1; by the rest of the plan it is null.",
    ),
    "no tickets where there are none": (
        setting("changes", 2, "impact", "stranded", "byStatus", "RESOLVED", to=0),
        "$.changes[2].impact.stranded.byStatus.RESOLVED: must be at least",
    ),
    "a declaration of another form": (
        setting("changes", 1, "after", "declaration", "transitions", 0, "role", to="boss"),
        "$.changes[1].after.declaration.transitions[0].role: must be 'assignee',",
    ),
    "a declaration of another name": (
        setting("changes", 1, "after", "declaration", "name", to="vpn_request"),
        "$.changes[1].after.declaration: declares 'vpn_request'; the change is about",
    ),
    "a change to what is there already": (
        lambda document: setting("changes", 1, "after", to=at(document, "changes", 1, "before"))(
            document
        ),
        "$.changes[1]: `before` does not become `after` by any action.",
    ),
    "one resource twice": (
        lambda document: setting("changes", 1, to=at(document, "changes", 0))(document),
        "$.changes: each resource must stand there once, in the order of kinds and names.",
    ),
    "another order": (
        lambda document: setting(
            "changes",
            to=list(reversed(at(document, "changes"))),  # type: ignore[arg-type]
        )(document),
        "$.changes: each resource must stand there once, in the order of kinds and names.",
    ),
    "a role that there is not": (
        setting("replay", "refused", 0, "held", to=["boss"]),
        '$.replay.refused[0].held: is ["boss"]; by the rest of the plan it is [].',
    ),
}


@pytest.mark.parametrize(("change", "complaint"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_document_is_refused(change: Callable[[Document], None], complaint: str) -> None:
    with pytest.raises(InvalidPlan) as refusal:
        plan_in(forged(change), "plan.json")
    lines = refusal.value.message.splitlines()
    assert any(line.startswith(f"plan.json: {complaint}") for line in lines), lines


def test_an_edited_document_is_told_what_id_it_would_have() -> None:
    text = document_of(every_hazard())
    edited = text.replace("git:4f8e29c", "git:5555555")
    with pytest.raises(InvalidPlan, match=r"\$\.id: is .*; by the rest of the plan it is "):
        plan_in(edited, "plan.json")


def test_a_document_that_says_the_same_in_another_form_is_told_where() -> None:
    text = document_of(nothing_to_do())
    with pytest.raises(InvalidPlan, match="line 1 is not as `interlock plan` wrote it"):
        plan_in(json.dumps(json.loads(text)), "plan.json")


def test_a_document_larger_than_any_plan_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.document.reading.PLAN_BYTES", 100)
    with pytest.raises(InvalidPlan, match="a plan has at most 100"):
        plan_in(document_of(nothing_to_do()), "plan.json")


def test_the_schema_is_the_one_of_the_models() -> None:
    schema = (DOCS / "plan.schema.json").read_text(encoding="utf-8")
    assert schema == schema_text(), "write reconciler.document.schema_text() to it"


def test_every_word_of_a_document_is_documented() -> None:
    schema = json.loads(schema_text())
    page = (DOCS / "plan-format.md").read_text(encoding="utf-8")
    for part in [schema, *schema["$defs"].values()]:
        for word in [*part.get("properties", ()), *part.get("enum", ())]:
            assert f"`{word}`" in page, word
