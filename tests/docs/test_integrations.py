"""What others take of ours is right: hooks and workflows that run it, declarations to copy."""

import re
import shlex
import time
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from graphql import build_schema, parse, validate
from ruamel.yaml import YAML

from api.cli.main import app
from api.graphql.interlock import schema_text
from api.webhooks.secrets import BlockReason
from engine.declaration.models import AutoClose
from engine.declaration.parse import parse_declaration
from engine.declaration.sla_models import PrioritySla
from engine.storage.webhooks.status import WebhookState
from engine.vocabulary import TicketEvent
from engine.webhook_urls import parse_webhook_url
from engine.webhooks.retry_policy import Failure
from engine.webhooks.signatures import Secret, signature_headers
from tests.support.paths import ROOT


def read(name: str) -> Any:  # noqa: ANN401 - a document of any shape
    return YAML(typ="safe", pure=True).load(ROOT / name)


def commands() -> Iterator[list[str]]:
    """Yield the words of every call of ours, up to where its output goes."""
    for hook in read(".pre-commit-hooks.yaml"):
        yield [*shlex.split(hook["entry"]), "values.yaml"]
    for job in read("docs/github-actions.yaml")["jobs"].values():
        for words in (shlex.split(step.get("run", "")) for step in job["steps"]):
            if words[:1] == ["interlock"]:
                yield words[: words.index(">")] if ">" in words else words


DECLARATION = re.compile(r"```yaml\n(ticketing:\n.*?)```", re.DOTALL)


def test_the_documented_sla_targets_are_declared_correctly() -> None:
    (text,) = DECLARATION.findall((ROOT / "docs" / "sla.md").read_text("utf-8"))
    ticketing = parse_declaration(text, "sla.md").ticketing
    assert ticketing.sla == PrioritySla()
    assert ticketing.auto_close == AutoClose()
    assert [each.name for each in ticketing.calendars] == ["office"]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_a_command_that_others_run_is_understood(words: list[str]) -> None:
    group = typer.main.get_command(app)
    with group.make_context("interlock", words[1:]) as context:
        assert isinstance(group, typer.core.TyperGroup)
        _, command, rest = group.resolve_command(context, words[1:])
        assert command is not None
        assert command.make_context(words[1], rest).params["files"]


def test_the_webhook_example_is_declared_and_verified_as_documented() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    [text] = DECLARATION.findall(page)
    [webhook] = parse_declaration(text, "webhooks.md").ticketing.webhooks
    assert str(parse_webhook_url(webhook.url)) == "https://hooks.example.com"
    [receiver] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(receiver, scope)  # noqa: S102 - it is ours, and must work
    secret, body = f"whsec_{'c2Vj' * 8}", b"{}"
    headers = signature_headers("tk_4f8e29-3", int(time.time()), body, [Secret.parse(secret)])
    assert scope["is_ours"](secret, headers, body)
    assert not scope["is_ours"](secret, headers, b"[]")
    old = signature_headers("tk_4f8e29-3", int(time.time()) - 400, body, [Secret.parse(secret)])
    assert not scope["is_ours"](secret, old, body)


@pytest.mark.parametrize("page", ["webhooks.md", "subscriptions.md"])
def test_the_graphql_examples_match_the_schema(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    schema = build_schema(schema_text())
    examples = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    assert examples
    assert [validate(schema, parse(each)) for each in examples] == [[]] * len(examples)


def test_every_word_of_webhooks_is_documented() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
    words = [*TicketEvent, *BlockReason, *WebhookState, *Failure]
    assert [word for word in words if f"`{word}`" not in page] == []
