"""Pages of the coordination in the small world that tests in a browser look at."""

from __future__ import annotations

from exchange.clock import now
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.law_draft import law_draft, publish_law, replace_articles, save_article
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.coordination.law.made_up_law import article, made_up_law, rule
from tests.exchange.running_nodes import RunningNode


def publish_laws(rs: RunningNode, mk: RunningNode) -> None:
    """Made-up articles of both sides; Serbia's head is at a further one."""
    head = Maker(pseudonym="head-law", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
    for node, code in ((rs, "RS"), (mk, "MK")):
        replace_articles(node.node, head, made_up_law()[code])
        publish_law(node.node, head, law_draft(node.node).mark)
    save_article(rs.node, head, article("RS", "30", rule("ask", "needs_approval", "XK")))


def pages() -> dict[Role, list[tuple[str, str]]]:
    """By role, each page with a name for its picture."""
    half = Half.of(now())
    everybody = [("region", "/app/region"), ("onboarding", "/app/onboarding/MD")]
    maturity = ("maturity", "/app/maturity")
    counted = [("monitoring", "/app/monitoring"), ("incidents", "/app/incidents"), maturity]
    of_the_head = [
        ("incident_sheet", f"/app/incidents/{half}/sheet"),
        ("meeting_pack", f"/app/meetings/pack/{half}"),
        ("law", "/app/law"),
        ("law-concordance", "/app/law/concordance"),
        ("law-changes", "/app/law/changes"),
        ("law-of", "/app/law/of/RS"),
        ("law-pair", "/app/law/pair/RS/MK"),
        ("law-draft", "/app/law/draft"),
        ("law-article", "/app/law/draft/article"),
    ]
    return {
        Role.EXAMINER: everybody,
        Role.INVESTIGATOR: everybody,
        Role.OPERATOR: [*everybody, maturity],
        Role.HEAD: [*everybody, *counted, *of_the_head],
        Role.AUDITOR: [*everybody, *counted],
    }
