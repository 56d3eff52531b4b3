"""`interlock token` prints a signed token."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from api.auth.tokens import TokenIssuer
from engine.tickets.actor import Actor
from tests.support.command import interlock, interlock_process

SECRET = "0123456789abcdef" * 2
ANNA = ("token", "--user", "u_b1", "--name", "Anna K.")


def test_it_prints_the_token_and_nothing_else() -> None:
    words = (*ANNA, "--group", "payment-team", "--group", "dba", "--admin")
    done = interlock_process(*words, env={"INTERLOCK_JWT_SECRET": SECRET})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    expected = Actor("u_b1", "Anna K.", frozenset({"payment-team", "dba"}), is_admin=True)
    assert TokenIssuer(SecretStr(SECRET)).verify(done.stdout.strip()) == expected


def test_the_first_secret_of_a_file_signs(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"\n{SECRET}\n{'f' * 32}\n")
    done = interlock(*ANNA, env={"INTERLOCK_JWT_SECRET_FILE": str(file)})
    assert (done.returncode, done.stderr) == (0, "")
    assert TokenIssuer(SecretStr(SECRET)).verify(done.stdout.strip()).id == "u_b1"


INVALID_FILES: dict[str, tuple[str | None, dict[str, str], str]] = {
    "no file": (None, {}, "secrets cannot be read: No such file"),
    "a weak second secret": (f"{SECRET}\nhunter2", {}, "line 2 has less than 32 characters"),
    "a secret and a file": (SECRET, {"INTERLOCK_JWT_SECRET": SECRET}, "Only one of INTERLOCK_JWT"),
}


@pytest.mark.parametrize(("content", "env", "message"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_a_file_that_no_server_accepts_signs_no_token(
    content: str | None, env: dict[str, str], message: str, tmp_path: Path
) -> None:
    file = tmp_path / "secrets"
    if content is not None:
        file.write_text(content)
    done = interlock(*ANNA, env=env | {"INTERLOCK_JWT_SECRET_FILE": str(file)})
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert message in done.stderr
    assert not [each for each in ("Traceback", "hunter2", SECRET) if each in done.stderr]


REFUSED = {
    "no secret": (ANNA, "", "INTERLOCK_JWT_SECRET is not set"),
    "a short secret": (ANNA, "hunter2", "at least 32 characters"),
    "no name": (("token", "--user", "u_b1"), SECRET, "--name"),
    "the system": (
        ("token", "--user", "system", "--name", "S"),
        SECRET,
        "'system' is not a user",
    ),
    "no duration": ((*ANNA, "--expires", "soon"), SECRET, "--expires 'soon'"),
    "a lifetime of zero": ((*ANNA, "--expires", "0s"), SECRET, "--expires '0s'"),
    "a too long lifetime": ((*ANNA, "--expires", "366d"), SECRET, "at most 365d"),
}


@pytest.mark.parametrize(("words", "secret", "message"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_argument_is_explained(
    words: tuple[str, ...], secret: str, message: str
) -> None:
    done = interlock(*words, env={"INTERLOCK_JWT_SECRET": secret})
    assert done.returncode != 0
    assert done.stdout == ""
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
