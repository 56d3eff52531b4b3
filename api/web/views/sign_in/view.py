"""The view model of the pages that sign users in and out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.tickets.actor import Actor

_SIGN_IN: Final = "Sign in to Interlock"


@dataclass(frozen=True, slots=True)
class SignInPage:
    """A page.

    Attributes:
        heading: what the page is for.
        message: what happened, or what the user can do.
        link: where the user continues; None if that is not a page.
        link_text: what the link does.
        users: each has a button that signs in; only in the demo.
        next_path: the page to which such a button leads.

    """

    heading: str
    message: str
    link: str | None = None
    link_text: str = ""
    users: Sequence[Actor] = ()
    next_path: str = ""


def sign_in_page(start_path: str | None, *, has_token: bool) -> SignInPage:
    """Return the page that signs in users.

    Args:
        start_path: leads to the OpenID provider; None without one.
        has_token: whether a proxy signs in the user already.

    """
    if has_token:
        return SignInPage(_SIGN_IN, "A proxy signs you in.", "/", "Go to the start page")
    if start_path is None:
        return SignInPage(
            _SIGN_IN, "The sign-in is not set up. Ask the operators of Interlock to set it up."
        )
    return SignInPage(
        _SIGN_IN, "Continue at the sign-in page of your organization.", start_path, "Sign in"
    )


def demo_page(users: Sequence[Actor], next_path: str) -> SignInPage:
    """Return the page of the demo; without users if its link was not opened in this browser."""
    if not users:
        return SignInPage(_SIGN_IN, "Open the link that the demo printed when it started.")
    return SignInPage(_SIGN_IN, "This is a demo. Choose a user.", users=users, next_path=next_path)


def leaving_page(url: str) -> SignInPage:
    """Return the page after signing out, which leads to the sign-out of the OpenID provider."""
    return SignInPage(
        "You are signed out of Interlock",
        "You also leave the sign-in of your organization.",
        url,
        "Continue",
    )


def signed_in_page() -> SignInPage:
    """Return the page after a sign-in for a form that waits in another tab."""
    return SignInPage("You are signed in", "Close this tab, and send your form again.")


def renewal_page(url: str) -> SignInPage:
    """Return the page that leads to the OpenID provider for newer claims of the user."""
    return SignInPage(
        "Please wait",
        "Your organization confirms who you are. Then you are back at your page.",
        url,
        "Continue",
    )
