"""Text files of a bounded size."""

import sys
from pathlib import Path
from typing import Final

from engine.errors import InvalidInput
from engine.limits import DOCUMENT_BYTES

STANDARD_INPUT: Final = Path("-")


class UnreadableFile(InvalidInput):
    """A file cannot be read, or is not UTF-8 text."""

    code = InvalidInput.code


def read_text(file: Path) -> str:
    """Return the text of a file; of a file that is too large, only the first bytes.

    Args:
        file: its path; `-` is standard input.

    Raises:
        UnreadableFile: the file cannot be read, or is not UTF-8 text.

    """
    try:
        if file == STANDARD_INPUT:
            data = sys.stdin.buffer.read(DOCUMENT_BYTES + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(f"{file}: can't be read: {error.strerror}.") from None
    try:
        return data.decode(errors="strict" if len(data) <= DOCUMENT_BYTES else "replace")
    except UnicodeDecodeError as error:
        *lines, last = data[: error.start].decode().split("\n")
        place = f"{file}:{len(lines) + 1}:{len(last) + 1}"
        raise UnreadableFile(f"{place}: can't be read: it isn't UTF-8 text.") from None
