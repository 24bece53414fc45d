"""The first page of each role: what it is to do, in words and in local time, and nothing that it did not ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.vocabulary import Role
from tests.exchange.web.pages.conftest import Person

TITLES = {
    Role.EXAMINER: "To do",
    Role.INVESTIGATOR: "To do",
    Role.HEAD: "To do",
    Role.OPERATOR: "State of the node",
    Role.AUDITOR: "Who saw what",
}


@pytest.mark.slow
@pytest.mark.parametrize("role", TITLES)
def test_each_role_has_a_home(signed_in: Callable[[Role], Person], role: Role) -> None:
    page = signed_in(role).get("/app/").text
    assert f"<h1>{TITLES[role]}" in page
