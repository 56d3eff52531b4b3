"""Which users and groups to list from the directory. Pure."""

import re
from string import punctuation
from typing import Annotated, Final

from pydantic import AfterValidator

from engine import limits
from engine.tickets.commands import GroupName, InputModel, check_printable, text_length

WORD_SEPARATORS: Final = punctuation + "\u00a0\u3000"
"""What separates words besides spaces, so that the parts of an address are words."""
_TO_SPACES: Final = str.maketrans(dict.fromkeys(WORD_SEPARATORS, " "))
_SPECIAL: Final = re.compile(r"[\\%_]")
_ESCAPED: Final = r"\\\g<0>"
_SearchText = Annotated[
    str,
    text_length(limits.DIRECTORY_SEARCH_CHARACTERS, least=None),
    AfterValidator(check_printable),
]


class DirectoryFilter(InputModel):
    """A condition on groups.

    Attributes:
        search: parts of a name, which match in any order and case; empty for all.

    """

    search: _SearchText | None = None

    @property
    def patterns(self) -> list[str]:
        """The patterns of LIKE that a name in lower case must match."""
        parts = (self.search or "").lower().split()
        return [f"%{_SPECIAL.sub(_ESCAPED, part)}%" for part in parts]


class UserFilter(DirectoryFilter):
    """Conditions on users.

    Attributes:
        search: beginnings of words of an id or of a name for display. An index finds them; it
            could not find other parts of words.
        group: the latest token of the user names this group.

    """

    group: GroupName | None = None

    @property
    def word_beginnings(self) -> list[str]:
        """The beginnings of words, in lower case; empty for all users."""
        return (self.search or "").lower().translate(_TO_SPACES).split()
