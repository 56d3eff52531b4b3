"""Text files and folders of them, read within bounds."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Self

from engine.errors import InvalidInput
from engine.findings import Location
from engine.limits import DOCUMENT_BYTES, VALUES_PIECES
from reconciler.pieces import Pieces
from reconciler.values import Layer, ValuesInput

_VALUES_SUFFIXES: Final = frozenset({".yaml", ".yml"})

STANDARD_INPUT: Final = Path("-")


class UnreadableFile(InvalidInput):
    """A file cannot be read, or is not UTF-8 text.

    Attributes:
        problem: what is wrong, without the file.
        at: the position of the problem; None if the file cannot be opened.

    """

    code = InvalidInput.code

    def __init__(self, problem: str, file: Path, at: Location | None = None) -> None:
        super().__init__(f"{at or file}: {problem}")
        self.problem = problem
        self.at = at

    @classmethod
    def of(cls, file: Path, error: OSError) -> Self:
        """Return the error for a file that the system cannot read."""
        return cls(f"can't be read: {error.strerror}.", file)


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
        raise UnreadableFile.of(file, error) from None
    try:
        return data.decode(errors="strict" if len(data) <= DOCUMENT_BYTES else "replace")
    except UnicodeDecodeError as error:
        *lines, last = data[: error.start].decode().split("\n")
        raise _not_text(file, len(lines) + 1, len(last) + 1) from None


def read_layer(path: Path) -> Layer:
    """Return the text of a values file, or those of all values files in a folder.

    Hidden files do not count: Kubernetes mounts a ConfigMap as links to files in a hidden folder.

    Raises:
        UnreadableFile: the folder has no values files, or one cannot be read as UTF-8 text.

    """
    try:
        if not path.is_dir():
            return str(path), read_text(path)
        found = sorted(each for each in path.iterdir() if _is_piece(each))
    except OSError as error:
        raise UnreadableFile.of(path, error) from None
    if not found:
        raise UnreadableFile("has no values files (*.yaml or *.yml).", path)
    return Pieces(
        str(path), tuple((str(each), read_text(each)) for each in found[: VALUES_PIECES + 1])
    )


def layers_digest(layers: Iterable[Layer]) -> str:
    """Return SHA-256, in hex, over the texts of values files, one after the other."""
    files = ValuesInput(tuple(layers)).files
    return sha256("".join(text for _, text in files).encode()).hexdigest()


def _is_piece(path: Path) -> bool:
    return path.suffix in _VALUES_SUFFIXES and not path.name.startswith(".") and path.is_file()


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
                    raise _not_text(file, number, error.start + 1) from None
    except OSError as error:
        raise UnreadableFile.of(file, error) from None


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STANDARD_INPUT else file.open("rb")


def _not_text(file: Path, line: int, column: int) -> UnreadableFile:
    at = Location(str(file), line, column)
    return UnreadableFile("can't be read: it isn't UTF-8 text.", file, at)
