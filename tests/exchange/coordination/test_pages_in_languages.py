"""The pages of the coordination say no word that no catalogue knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS
from exchange.web.languages import NAMES
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.test_languages import bracketed as bracketed
from tests.exchange.web.pages.test_languages import outside_of_brackets

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("bracketed")
def test_each_word_of_a_page_is_of_a_catalogue(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    head, half = signed_in(Role.HEAD), Half.of(datetime.now(UTC))
    head.http.cookies.set("ffp-language", "mk")
    shown = [node.node.node_id, f"{node.node.node_id}-law", head.pseudonym, "UTC", str(half), str(half.before())]
    for path in ("/app/monitoring", f"/app/monitoring/{half.before()}"):
        assert outside_of_brackets(head.get(path).text, [*shown, *NAMES.values()]) == [], path
    typed = [item.typed for level in MATURITY_LEVELS.values() for item in level.practices.values() if item.typed]
    shown = [*shown, *typed, node.url]
    assert outside_of_brackets(head.get("/app/maturity").text, [*shown, *NAMES.values()]) == []
