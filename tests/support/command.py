"""The `interlock` command, called in the process of the tests or in a separate one.

Starting a process takes about a second, so a test uses `interlock` unless it checks what only a
process has: start-up, the exit code, signals, or arguments that are not UTF-8.
"""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

from api.cli.main import main

COMMAND: Final = Path(sys.executable).with_name("interlock")
NO_SETTINGS: Final[Mapping[str, str]] = MappingProxyType({})


def on(database_url: str) -> dict[str, str]:
    """Return the setting that selects the database."""
    return {"INTERLOCK_DATABASE_URL": database_url}


def interlock(
    *words: str, folder: Path | None = None, env: Mapping[str, str] = NO_SETTINGS
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process; an exception other than SystemExit fails the test.

    Args:
        words: the arguments of the command.
        folder: its working directory; by default that of the tests.
        env: settings in addition to those of the tests.

    """
    out, err = _text_stream("strict"), _text_stream("backslashreplace")
    with (
        pytest.MonkeyPatch.context() as patch,
        chdir(folder or Path.cwd()),
        Path(os.devnull).open(encoding="utf-8") as no_input,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["interlock", *words])
        patch.setattr(sys, "stdin", no_input)
        for name, value in env.items():
            patch.setenv(name, value)
        # The command starts an event loop, so it cannot run in the thread of an asynchronous test.
        with ThreadPoolExecutor(1) as thread:
            code = thread.submit(_exit_code_of_main).result()
    assert isinstance(code, int)
    return subprocess.CompletedProcess([*words], code, _content(out), _content(err))


def interlock_process(
    *words: str, folder: Path | None = None, env: Mapping[str, str] = NO_SETTINGS
) -> subprocess.CompletedProcess[str]:
    """Run the command in a separate process, with the arguments of `interlock`."""
    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, *words],
        cwd=folder,
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def _text_stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", errors, write_through=True)


def _content(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _exit_code_of_main() -> object:
    try:
        main()
    except SystemExit as leaving:
        return leaving.code or 0
    return 0
