"""Text files of a bounded size."""

from pathlib import Path

from engine.errors import InvalidInput
from engine.limits import DOCUMENT_BYTES


def read_text(file: Path) -> str:
    """Return the text of a file; of a file that is too large, only the first bytes.

    Raises:
        InvalidInput: the file cannot be read, or is not UTF-8 text.

    """
    try:
        with file.open("rb") as stream:
            data = stream.read(DOCUMENT_BYTES + 1)
        return data.decode(errors="strict" if len(data) <= DOCUMENT_BYTES else "replace")
    except OSError as error:
        raise InvalidInput(f"{file}: can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        message = f"{file}: can't be read: it isn't UTF-8 text (byte {error.start})."
        raise InvalidInput(message) from None
