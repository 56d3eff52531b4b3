"""Texts in XML documents. Pure."""

import re
from typing import Final

_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Return a text in which U+FFFD replaces the characters that XML cannot contain."""
    return _NOT_IN_XML.sub("\ufffd", text)
