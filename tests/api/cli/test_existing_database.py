"""Commands that read a database never create one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from api.cli.main import app
from engine.sealing.anchor_key import AnchorKey
from reconciler.document.serialize import serialize_plan
from tests.support.command import interlock
from tests.support.plans import one_of_everything

NEEDS_DATABASE = {
    "plan": ("-f", "values.yaml"),
    "drift": ("-f", "values.yaml"),
    "revert": ("plan.json",),
    "export": (),
    "backup": ("backup.jsonl",),
    "workflows history": ("incident_response",),
    "workflows show": ("incident_response",),
    "history anchor": (),
    "history prove": ("tk_4f8e29",),
    "history verify": (),
    "sign-out": ("u_b1",),
    "sla verify": (),
    "webhooks": (),
    "webhooks dead": (),
    "webhooks retry": ("hook",),
}
CREATES_DATABASE = {"apply", "demo", "deploy", "migrate", "restore", "serve"}
NO_DATABASE = {
    *("api-key", "db grants", "doctor", "explain", "graph", "history keygen", "license inspect"),
    *("license issue", "license keygen", "lint", "schema", "token"),
}


def commands(group: object, *path: str) -> Iterator[str]:
    """Yield the names of all commands of a group."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "invoke_without_command", True):
            yield " ".join((*path, name))
        yield from commands(command, *path, name)


def test_every_command_is_in_one_of_the_lists() -> None:
    listed = [*NEEDS_DATABASE, *CREATES_DATABASE, *NO_DATABASE]
    assert sorted(listed) == sorted(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("command", "arguments"), NEEDS_DATABASE.items(), ids=NEEDS_DATABASE)
def test_a_folder_without_a_database_is_an_error_that_names_it(
    command: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "values.yaml").write_text("ticketing: {}\n", "utf-8")
    (tmp_path / "plan.json").write_text(serialize_plan(one_of_everything()).text, "utf-8")
    before = sorted(tmp_path.iterdir())
    settings = {
        "INTERLOCK_DATABASE_URL": "",
        "INTERLOCK_DATA_DIR": "no/such/folder",
        "INTERLOCK_ANCHOR_KEY": AnchorKey.new().pem,
    }
    done = interlock(*command.split(), *arguments, folder=tmp_path, env=settings)
    folder = tmp_path / "no/such/folder"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"interlock: INTERLOCK_DATA_DIR: {folder} has no database, and")
    assert sorted(tmp_path.iterdir()) == before
