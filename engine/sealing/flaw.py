"""What contradicts the record."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordFlaw:
    """An inconsistency of recorded rows, or a difference from a seal or an anchor.

    Attributes:
        subject: what is inconsistent, such as `seal 12`.
        message: why.

    """

    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"
