"""`interlock api-key` prints a key for a machine."""

import pytest

from api.auth.api_keys import ApiKeys, Scope, parse_api_keys
from tests.support.command import interlock


def test_it_prints_a_key_and_separately_its_entry() -> None:
    done = interlock("api-key", "--scope", "reload", "--scope", "export")
    assert done.returncode == 0
    key, entry = done.stdout.removesuffix("\n"), done.stderr.removesuffix("\n")
    assert "\n" not in key + entry
    keys = ApiKeys(parse_api_keys(entry))
    assert keys.authenticate(key, Scope.RELOAD) == keys.authenticate(key, Scope.EXPORT)


@pytest.mark.parametrize("words", [(), ("--scope", "everything")])
def test_it_requires_known_scopes(words: tuple[str, ...]) -> None:
    done = interlock("api-key", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--scope" in done.stderr
