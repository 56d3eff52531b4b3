"""Text files, read within bounds."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

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
        with _open(file) as stream:
            data = stream.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error) from None
    try:
        return data.decode(errors="strict" if len(data) <= DOCUMENT_BYTES else "replace")
    except UnicodeDecodeError as error:
        *lines, last = data[: error.start].decode().split("\n")
        raise _not_text(f"{file}:{len(lines) + 1}:{len(last) + 1}") from None


def read_lines(file: Path, line_bytes: int) -> Iterator[str]:
    """Yield the lines of a file of any size; a line that is too long is split.

    Args:
        file: its path; `-` is standard input.
        line_bytes: the length to which lines are bounded.

    Raises:
        UnreadableFile: the file cannot be read, or is not UTF-8 text.

    """
    try:
        with _open(file) as stream:
            lines = iter(lambda: stream.readline(line_bytes), b"")
            for number, line in enumerate(lines, 1):
                try:
                    yield line.decode()
                except UnicodeDecodeError as error:
                    raise _not_text(f"{file}:{number}:{error.start + 1}") from None
    except OSError as error:
        raise _unreadable(file, error) from None


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else file.open("rb")


def _unreadable(file: Path, error: OSError) -> UnreadableFile:
    return UnreadableFile(f"{file}: can't be read: {error.strerror}.")


def _not_text(place: str) -> UnreadableFile:
    return UnreadableFile(f"{place}: can't be read: it isn't UTF-8 text.")
