"""Builds the container image as `make image` does, and runs programs in it.

buildah needs no daemon. With `chroot` isolation it needs no namespaces either, so it works in other
containers. Its containers share the network of the machine.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypedDict

import pytest

from tests.support.own_postgres import children_of
from tests.support.paths import MEMORY, ROOT

_BASE: Final = "localhost/base"
_IMAGE: Final = "localhost/interlock"
_MEMORY_BYTES: Final = 6 * 1024**3
_SUITE: Final = "bookworm"
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_BASE_SIZE: Final = "base-size"
_TOOLS: Final = ("buildah", "debootstrap")


class HealthCheck(TypedDict):
    """How the image finds out whether its server runs."""

    Test: list[str]


class ImageConfiguration(TypedDict):
    """What an image says about how to run it."""

    User: str
    Env: list[str]
    Entrypoint: list[str]
    Cmd: list[str]
    ExposedPorts: dict[str, object]
    Healthcheck: HealthCheck
    Labels: dict[str, str]
    StopSignal: str


@dataclass(frozen=True)
class Container:
    """A container of the built image.

    Attributes:
        files: its root folder.

    """

    buildah: "Buildah"
    name: str
    files: Path

    @cached_property
    def configuration(self) -> ImageConfiguration:
        described = json.loads(self.buildah.run("inspect", "--type=image", _IMAGE))
        configuration: ImageConfiguration = described["Docker"]["config"]
        return configuration

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the image."""
        return dict(each.split("=", 1) for each in self.configuration["Env"])

    @property
    def bytes_over_base(self) -> int:
        """How much larger the image is than its base."""
        base = int((self.buildah.folder / _BASE_SIZE).read_text())
        return _size_of(self.files) - base

    def command(self, *command: str, settings: Mapping[str, str]) -> list[str]:
        """Return the command that runs a command in the container, as its user."""
        variables = [f"--env={name}={value}" for name, value in settings.items()]
        run = ("run", "--isolation=chroot", *variables, self.name, "--")
        return [*self.buildah.command, *run, *command]

    def run(self, *command: str, settings: Mapping[str, str]) -> str:
        """Run a command in the container; return its output."""
        full = self.command(*command, settings=settings)
        done = subprocess.run(full, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Buildah:
    """buildah with images of its own."""

    folder: Path

    @property
    def command(self) -> list[str]:
        options = (f"--root={self.folder / 'storage'}", f"--runroot={self.folder / 'run'}")
        return ["buildah", "--storage-driver=vfs", *options]

    def run(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603 - no input
            [*self.command, *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def build_base(self) -> None:
        """Make an image of the smallest Debian."""
        files = self.folder / "base"
        subprocess.run(  # noqa: S603 - no input
            ["debootstrap", "--variant=minbase", _SUITE, files],  # noqa: S607 - in CI
            stdout=sys.stderr,
            check=True,
        )
        (self.folder / _BASE_SIZE).write_text(str(_size_of(files)))
        container = self.run("from", "scratch")
        self.run("add", "--quiet", container, str(files), "/")
        self.run("commit", "--quiet", "--rm", container, _BASE)
        shutil.rmtree(files)

    def build(self) -> None:
        """Build the image on that base, with `make image`."""
        settings = self.folder / "pip.conf"
        settings.write_text("[global]\ncert = /run/certificates.crt\n", "utf-8")
        options = (
            "--isolation=chroot",
            "--layers=false",
            f"--build-arg=BASE={_BASE}",
            # pip trusts what this machine trusts, also behind a proxy that signs certificates.
            f"--volume={settings}:/etc/pip.conf:ro",
            f"--volume={_CERTIFICATES}:/run/certificates.crt:ro",
        )
        subprocess.run(  # noqa: S603 - no input
            [
                *("make", "image", f"IMAGE={_IMAGE}", f"BUILDER={' '.join(self.command)}"),
                f"BUILD_OPTIONS={' '.join(options)}",
            ],
            cwd=ROOT,
            stdout=sys.stderr,
            check=True,
        )

    @contextmanager
    def container(self) -> Iterator[Container]:
        """Make a container of the image for the block."""
        # buildah allows 1,024 file descriptors, and each connection needs one.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        name = self.run("from", f"--ulimit=nofile={most}:{most}", _IMAGE)
        yield Container(self, name, Path(self.run("mount", name)))
        self.run("rm", name)


def _size_of(folder: Path) -> int:
    """Return the size of all files of a folder in bytes."""
    done = subprocess.run(  # noqa: S603 - no input
        ["/usr/bin/du", "-sb", folder], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[0])


@contextmanager
def built_image() -> Iterator[Buildah]:
    """Build the image for the block.

    If a tool is missing, the calling test is skipped; in CI it fails.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        reason = f"building an image needs root, {' and '.join(_TOOLS)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with TemporaryDirectory(dir=_parent_of_images()) as folder:
        buildah = Buildah(Path(folder))
        buildah.build_base()
        buildah.build()
        yield buildah


def _parent_of_images() -> str:
    """Return where images are built: in memory if that can hold them, else on the disk.

    Without a storage driver of the kernel, each step copies all files.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > _MEMORY_BYTES
    if has_room and not os.statvfs(MEMORY).f_flag & (os.ST_NOEXEC | os.ST_NODEV):
        return str(MEMORY)
    return "/var/tmp"  # noqa: S108 - the parent of a temporary folder; /tmp can have other options


def terminate(buildah_run: int) -> None:
    """Send SIGTERM to the program that `buildah run` runs, which itself does not pass it on."""
    pid = buildah_run
    while children := children_of(pid):
        [pid] = children
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
