"""Serbia's node with five partners whose made-up compendia came on their lanes, and a clock that the test sets."""

from __future__ import annotations

from exchange.coordination.law.compendium import Compendium, LawEdition
from schemas import LawArticle
from schemas.vocabulary import Jurisdiction
from tests.exchange.coordination.half_year.monitoring_world import World
from tests.exchange.coordination.law.made_up_law import made_up_law

PARTNERS = ("ffp-al", "ffp-ba", "ffp-xk", "ffp-me", "ffp-mk")


def say_law(world: World, issuer: str, articles: tuple[LawArticle, ...]) -> str:
    """A compendium of somebody's, as its own node or a page of its lane brings it."""
    return world.say("law", issuer, articles=[article.model_dump(mode="json") for article in articles])


def say_all(world: World) -> None:
    for code, articles in made_up_law().items():
        if articles:
            say_law(world, f"ffp-{code.lower()}", articles)


def compendium(code: str, articles: tuple[LawArticle, ...] | None = None) -> Compendium:
    """Without a node."""
    found = made_up_law()[code] if articles is None else articles
    edition = LawEdition("ab" * 32, 1, "2026-08-01T00:00:00.000Z", None, found) if found else None
    return Compendium(Jurisdiction(code), f"ffp-{code.lower()}", code == "RS", edition)
