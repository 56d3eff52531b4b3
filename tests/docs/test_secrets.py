"""No file of the repository contains a credential of a known format."""

import subprocess
from collections.abc import Iterator, Mapping

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector

from tests.support.paths import ROOT

SLOW = {
    "ArtifactoryDetector",
    "CloudantDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "SoftlayerDetector",
}
"""Detectors for services that the project does not use, which take three quarters of the time."""
KINDS: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
DETECTORS = [
    kind()
    for kind in KINDS.values()
    if issubclass(kind, RegexBasedDetector) and kind.__name__ not in {*SLOW, "IPPublicDetector"}
]
REVIEWED = {
    "api/settings/database.py": {"pass"},
    "docs/configuration.md": {"pass"},
    "docs/install-kubernetes.md": {"…"},
    "engine/storage/postgres/connection.py": {"password"},
    "tests/api/test_settings.py": {"hunter2"},
    "tests/api/web/test_csrf.py": {"8443"},
    "tests/charts/test_manifests.py": {"p"},
    "tests/engine/declaration/mistakes/webhooks.py": {"word"},
    "tests/engine/sealing/test_anchor.py": {"BEGIN " + "PRIVATE KEY"},
    "tests/engine/test_webhook_urls.py": {"word"},
}
"""What looks like a credential and is none: examples in URLs, and a key without content."""
PLANTED = {
    "AWS": "AKIA" + 16 * "Q",
    "GitHub": "ghp_" + 36 * "a",
    "Slack": "xoxb-" + "123456789012-" + 24 * "a",
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJ1c2VyIn0." + 43 * "a",
    "password in a URL": "postgresql://interlock:" + "correct-horse@db/interlock",
}
"""Joined from parts, so that this file passes."""


def found_in(text: str) -> Iterator[str]:
    """Yield what looks like a credential."""
    for detector in DETECTORS:
        yield from detector.analyze_string(text)


def test_the_repository_contains_no_credential() -> None:
    listed = subprocess.run(
        ["git", "grep", "--files-with-matches", "-I", ""],  # noqa: S607 - as in the checkout
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {
        name: values
        for name in listed.stdout.splitlines()
        if (values := set(found_in((ROOT / name).read_text("utf-8"))))
    }
    assert found == REVIEWED


@pytest.mark.parametrize("credential", PLANTED.values(), ids=PLANTED)
def test_a_credential_is_found(credential: str) -> None:
    assert list(found_in(f"one line\nvalue = '{credential}'\nanother\n"))
