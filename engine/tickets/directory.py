"""Which users and groups to list from the directory. Pure."""

from typing import Annotated

from pydantic import AfterValidator

from engine import limits
from engine.tickets.commands import GroupName, InputModel, check_printable, text_length

_SearchText = Annotated[
    str, text_length(limits.SEARCH_CHARACTERS, least=None), AfterValidator(check_printable)
]


class DirectoryFilter(InputModel):
    """A condition on users or groups.

    Attributes:
        search: parts of a name, which match in any order and case; empty for all.

    """

    search: _SearchText | None = None

    @property
    def parts(self) -> list[str]:
        """The parts that a name must contain."""
        return (self.search or "").split()


class UserFilter(DirectoryFilter):
    """Conditions on users.

    Attributes:
        search: parts of an id or of a name for display.
        group: the latest token of the user names this group.

    """

    group: GroupName | None = None
