"""`compose.yaml` has valid settings, and a proxy that its own program accepts."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.settings import Settings
from tests.support.compose_file import REQUIRED, read_compose
from tests.support.paths import DOCS

VARIABLES = {"POSTGRES_PASSWORD": "5ec7e7", "INTERLOCK_JWT_SECRET": 32 * "s"}
COMPOSE = read_compose(VARIABLES)


def test_the_page_sets_the_required_variables() -> None:
    page = (DOCS / "installation.md").read_text("utf-8")
    assert set(VARIABLES) == set(REQUIRED)
    assert set(re.findall(r'^ *echo "(\w+)=', page, re.MULTILINE)) == set(REQUIRED)


@pytest.mark.parametrize("service", ["migration", "interlock"])
def test_the_settings_are_valid(service: str) -> None:
    settings = Settings.from_env(COMPOSE["services"][service]["environment"])
    assert settings.database_url is not None
    if service == "interlock":
        settings.require_key_source()


def test_containers_have_no_rights_that_a_server_does_not_need() -> None:
    for name in ("migration", "interlock"):
        service = COMPOSE["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_a_server_is_stopped_only_after_its_drain() -> None:
    service = COMPOSE["services"]["interlock"]
    drain = Settings.from_env(service["environment"]).drain_seconds
    assert int(service["stop_grace_period"].removesuffix("s")) >= drain + 20


def test_haproxy_accepts_its_configuration(tmp_path: Path) -> None:
    binary = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("haproxy is not on the PATH.")
    file = tmp_path / "haproxy.cfg"
    file.write_text(COMPOSE["configs"]["haproxy"]["content"], "utf-8")
    checked = subprocess.run(  # noqa: S603 - found above
        [binary, "-c", "-f", file], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
