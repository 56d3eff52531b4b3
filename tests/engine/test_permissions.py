"""Only admins can do what requires an admin."""

import pytest

from engine.errors import Forbidden
from engine.permissions import require_admin
from engine.tickets.actor import Actor


def test_an_admin_is_allowed() -> None:
    require_admin(Actor("u_ada", "Ada", is_admin=True), "see a plan")


def test_another_user_is_refused() -> None:
    with pytest.raises(Forbidden) as refused:
        require_admin(Actor("u_anna", "Anna"), "see a plan")
    assert refused.value.message == "Only admins can see a plan; you are not an admin."
    assert refused.value.details == {"reason": "admin_required"}
