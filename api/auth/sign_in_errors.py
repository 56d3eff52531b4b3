"""Why a sign-in at an OpenID provider fails, in words for the user."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from engine.errors import InterlockError, Unavailable


class SignInProblem(StrEnum):
    """Why a sign-in fails; the `reason` in the details of `SignInFailed`."""

    NOT_STARTED = "not_started"
    DENIED = "denied"
    PROVIDER_ERROR = "provider_error"
    INVALID_ID_TOKEN = "invalid_id_token"  # noqa: S105  # not a secret


_MESSAGES: Final[Mapping[SignInProblem, str]] = {
    SignInProblem.NOT_STARTED: "This sign-in was not started in this browser, or took too long.",
    SignInProblem.DENIED: "The sign-in was cancelled, or you do not have access to Interlock.",
    SignInProblem.PROVIDER_ERROR: (
        "The OpenID provider did not sign you in. Try again. If that does not help, ask the "
        "operators of Interlock: the log of the server has the reason."
    ),
    SignInProblem.INVALID_ID_TOKEN: (
        "Interlock cannot use what the OpenID provider states about you. Ask the operators of "
        "Interlock: the log of the server has the reason."
    ),
}


class SignInFailed(InterlockError):
    """The sign-in failed. Sign in again."""

    code = "sign_in_failed"
    status = 400

    @classmethod
    def because(cls, problem: SignInProblem) -> Self:
        """Return the error with the message for its reason."""
        return cls(_MESSAGES[problem], reason=problem)


class ProviderUnavailable(Unavailable):
    """The OpenID provider does not respond. Try again."""
