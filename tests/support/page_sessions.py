"""The sessions of pages: blocks of commands, and of the output that they print."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

DEMO: Final = "http://127.0.0.1:8080"
"""The address of the server on the pages."""
_BLOCKS: Final = re.compile(r"```(sh|json|text)\n(.*?)```", re.DOTALL)
_IDS: Final = re.compile(r'(?<=tk_)[0-9a-f]+|(?<="requestId":")[0-9a-f]+|(?<=sha256:)[0-9a-f]+')
"""The ids of tickets and requests and the approvals of plans, which differ in each run."""


def run_session(
    page: str, url: str, exports: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[str, str]:
    """Run the commands of a page; return their output, and the output on the page.

    Args:
        page: the text.
        url: the address of the server.
        exports: the lines that a reader of the page enters before.
        folder: where the commands run.
        environment: of the shell.

    """
    blocks = _BLOCKS.findall(page)
    commands = "\n".join(text for kind, text in blocks if kind == "sh")
    script = "\n".join([*exports, commands]).replace(DEMO, url)
    done = subprocess.run(  # noqa: S603  # the page's own lines
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = "".join(text for kind, text in blocks if kind != "sh")
    return _IDS.sub("…", done.stdout), expected
