"""The view model of the page that signs users in. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The page.

    Attributes:
        message: what the user can do.
        start_path: leads to the OpenID provider; None without one.

    """

    message: str
    start_path: str | None = None
