"""The container image: what it contains, how it runs, and that its server works."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from api.demo.tickets import ANNA, MARTON
from tests.support.api_client import SECRET, TOKENS, bearer
from tests.support.compose_file import read_compose
from tests.support.container_images import Container, built_image, terminate
from tests.support.own_postgres import own_postgres
from tests.support.page_sessions import run_session
from tests.support.paths import DOCS, ROOT
from tests.support.replicas import Replica, replica
from tools.write_sbom import bill_of_materials

pytestmark = pytest.mark.installation

MEGABYTE = 1_000_000
UNWANTED = (
    "cc",
    "c++",
    "g++",
    "gcc",
    "make",
    "cmake",
    "pip",
    "pip3",
    "pytest",
    "npm",
    "node",
    "mypy",
)
INCIDENT = (DOCS / "quickstart.md").read_text("utf-8").partition("## Change a workflow")[0]
PYTHON_PACKAGES = """
from importlib.metadata import distributions
for each in distributions():
    print(each.name.lower().replace("_", "-").replace(".", "-"), each.version)
"""
WRITTEN_BY_BUILDAH = ("/dev/", "/etc/host", "/etc/resolv.conf", "/proc/", "/run/", "/sys/")


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """Return a container of the image; it stays as it is, as a test checks."""
    with built_image() as buildah, buildah.container() as started:
        yield started


def files_of(container: Container) -> dict[str, float]:
    """Return the time of the last change of each file."""
    found = {}
    for folder, _, names in os.walk(container.files):
        for name in names:
            file = Path(folder, name)
            inside = f"/{file.relative_to(container.files)}"
            if not inside.startswith(WRITTEN_BY_BUILDAH):
                found[inside] = file.lstat().st_mtime
    return found


@asynccontextmanager
async def serving(container: Container, settings: Mapping[str, str]) -> AsyncIterator[Replica]:
    """Run the command of the image during the block."""
    words = container.configuration["Entrypoint"] + container.configuration["Cmd"]
    command = container.command(*words, settings=settings)
    async with replica(settings["INTERLOCK_DATABASE_URL"], command=command) as server:
        try:
            yield server
        finally:
            terminate(server.process.pid)


def test_it_says_how_to_run_it(container: Container) -> None:
    configuration = container.configuration
    assert configuration["User"] == "10001:10001"
    assert configuration["Entrypoint"] == ["interlock"]
    assert configuration["Cmd"] == ["serve"]
    assert configuration["ExposedPorts"].keys() == {"8080/tcp"}
    assert configuration["StopSignal"] == "SIGTERM"
    labels = {
        name.removeprefix("org.opencontainers.image."): text
        for name, text in configuration["Labels"].items()
    }
    assert labels["title"] == "Interlock"
    assert labels["base.name"] == "localhost/base"
    assert len(labels["revision"]) == 40
    assert (
        container.run("interlock", "--version", settings={}) == f"interlock {labels['version']}\n"
    )
    assert container.run("id", "-u", settings={}) == "10001\n"


def test_it_contains_what_runs_and_no_tools(container: Container) -> None:
    paths = container.environment["PATH"].split(":")
    present = {each.name for path in paths for each in (container.files / path[1:]).iterdir()}
    assert present.isdisjoint(UNWANTED)
    writable = [
        file
        for file in (container.files / "opt/interlock").rglob("*")
        if not file.is_symlink() and (file.stat().st_uid, file.stat().st_mode & 0o022) != (0, 0)
    ]
    assert writable == []
    assert container.bytes_over_base < 250 * MEGABYTE


def test_its_bill_of_materials_lists_what_is_installed(container: Container) -> None:
    bill = bill_of_materials(container.files)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None
    content = json.loads(bill)
    listed: dict[str, list[str]] = {"deb": [], "npm": [], "pypi": []}
    for each in [content["metadata"]["component"], *content["components"]]:
        kind = each["purl"].partition("/")[0].removeprefix("pkg:")
        listed[kind].append(f"{each['name']} {each['version']}")
        if kind == "pypi" and each["name"] != "interlock":
            [origin] = each["externalReferences"]
            assert origin["hashes"]
        if kind != "deb":
            assert each.get("licenses") or each["name"] == "interlock", each
    dpkg = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n")
    debian = container.run(*dpkg, settings={})
    assert sorted(listed["deb"]) == sorted(debian.splitlines())
    python = container.run("python3", "-c", PYTHON_PACKAGES, settings={})
    assert sorted(listed["pypi"]) == sorted(python.splitlines())
    web = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    assert sorted(listed["npm"]) == sorted(f"{name} {version}" for name, version in web.items())


async def test_its_server_takes_an_incident_to_its_end(
    container: Container, tmp_path: Path
) -> None:
    before = await asyncio.to_thread(files_of, container)
    async with own_postgres() as postgres:
        compose = read_compose({"INTERLOCK_JWT_SECRET": SECRET.get_secret_value()})
        ours = {"INTERLOCK_DATABASE_URL": postgres.url, "INTERLOCK_PORT": "0"}
        settings = compose["services"]["interlock"]["environment"] | ours
        await asyncio.to_thread(container.run, "interlock", "migrate", settings=settings)
        async with serving(container, settings) as server:
            await server.wait_until_ready()
            port = str(urlsplit(server.url).port)
            kind, *check = container.configuration["Healthcheck"]["Test"]
            assert kind == "CMD"
            await asyncio.to_thread(container.run, *check, settings={"INTERLOCK_PORT": port})
            async with (  # the group of Marton is known once a token has named it
                aiohttp.ClientSession(headers=bearer(MARTON)) as session,
                session.get(f"{server.url}/api/v1/tickets") as response,
            ):
                assert response.status == HTTPStatus.OK
            tokens = {"ANNA": ANNA, "MARTON": MARTON}
            exports = [
                f"export {name}={TOKENS.issue(user, timedelta(hours=1))}"
                for name, user in tokens.items()
            ]
            printed, expected = await asyncio.to_thread(
                run_session, INCIDENT, f"http://127.0.0.1:{port}", exports, tmp_path, os.environ
            )
            assert printed == expected
            assert server.problems == []
            terminate(server.process.pid)
            assert await server.wait_until_ended() == 0
    assert await asyncio.to_thread(files_of, container) == before


def test_its_health_check_fails_without_a_server(container: Container) -> None:
    check = container.configuration["Healthcheck"]["Test"][1:]
    command = container.command(*check, settings={"INTERLOCK_PORT": "1"})
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - ours
    assert done.returncode != 0
