"""Documents that were refused, so that the same document is refused again at once.

They are kept apart from the prepared documents, because refused ones must not displace those.
"""

from collections import OrderedDict
from hashlib import sha256

from api.graphql.errors import RequestError


class RefusedDocuments:
    """The refused documents that were sent last, each as the digest of its text.

    Args:
        bound: how many there can be. The error of each uses a few kilobytes.
        characters_max: longer documents are not remembered, because it takes less time to refuse
            them than to compute their digests.

    """

    def __init__(self, bound: int, characters_max: int) -> None:
        self._bound = bound
        self._characters_max = characters_max
        self._errors: OrderedDict[bytes, RequestError] = OrderedDict()

    def check(self, text: str) -> None:
        """Raise the error again if a document was refused."""
        if len(text) > self._characters_max:
            return
        key = _digest(text)
        if error := self._errors.get(key):
            self._errors.move_to_end(key)
            raise error.again()

    def add(self, text: str, error: RequestError) -> None:
        """Remember why a document was refused."""
        if len(text) > self._characters_max:
            return
        self._errors[_digest(text)] = error.again()
        if len(self._errors) > self._bound:
            self._errors.popitem(last=False)


def _digest(text: str) -> bytes:
    return sha256(text.encode(errors="surrogatepass")).digest()
