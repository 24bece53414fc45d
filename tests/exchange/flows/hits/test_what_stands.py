"""Of one hit all say the same: what is not believed stands in no report, and a question is asked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import Conflict
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.stage import Stage
from exchange.flows.report import pair_report as report
from exchange.flows.report import report_statements
from exchange.flows.report.pair_report import gather_report
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.tables.record_tables import StatementRow
from schemas import Conclusion, Feedback, Pair, ScreenResult
from schemas.vocabulary import Basis, FeedbackOutcome, ScreenConclusion
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, _ = REGIONS
NOT_ASSOCIATED = ScreenResult(basis=Basis.SCREEN, conclusion=ScreenConclusion.NO_ASSOCIATION_INDICATED)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BlindWorld]:
    """A lead that North Macedonia told."""
    with blind_world(tmp_path) as made:
        made.exhibit("a", RS)
        made.exhibit("b", MK)
        made.compare("a", "b")
        made.hit(MK, "a", "b", BREECH)
        yield made


def stage(world: BlindWorld) -> Stage | None:
    with world.rs.store.read() as session:
        found = links_of(session, world.rs, [pair_id(Pair.model_validate(world.pair("a", "b", BREECH)))])
    return found[0].progress.stage if found else None


def test_what_keys_in_wrong_hands_signed_stands_in_no_report(
    world: BlindWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "pair_picture", lambda *_: b"")
    candidate = world.candidate("a", "b", BREECH)
    told = gather_report(world.rs, candidate, FIRST.pseudonym)
    assert (told.stage, [item.kind for item in told.said]) == ("lead", ["conclusion", "verification", "hit"])
    with world.rs.store.write() as session:
        for item in told.said:
            session.get_one(StatementRow, item.statement_id).refused_by = told.said[0].statement_id
    told = gather_report(world.rs, candidate, FIRST.pseudonym)
    assert (stage(world), told.stage, told.said) == (None, "candidate", ())


def test_what_a_peer_signs_without_an_end_takes_nobodys_place_in_a_report(
    world: BlindWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It concludes and answers again and again; what this side signed of the hit is told all the same."""
    monkeypatch.setattr(report, "pair_picture", lambda *_: b"")
    monkeypatch.setattr(report_statements, "MOST_OF_SIDE", 6)
    candidate, mk = world.candidate("a", "b", BREECH), world.network.nodes[MK]
    [lead] = [item for item in gather_report(world.rs, candidate, FIRST.pseudonym).said if item.kind == "hit"]
    with mk.store.write() as session:
        for number in range(12):
            drawn = {"result": NOT_ASSOCIATED, "remark": f"No. {number}"}
            pair = Pair.model_validate(world.pair("a", "b", BREECH))
            enter(session, say(mk, Conclusion, FIRST, pair=pair, **drawn), to=[RS])
            fields = {"hit": lead.statement_id, "outcome": FeedbackOutcome.NO_USE}
            enter(session, say(mk, Feedback, HEAD, **fields), to=[RS])
    world.network.settle()
    asked = world.says(
        FIRST, "physical-comparison", hit=lead.statement_id, step="asked", on="2100-01-01", place="Skopje"
    )
    ours = world.hit(RS, "a", "b", BREECH)
    told = gather_report(world.rs, candidate, FIRST.pseudonym).said
    assert {lead.statement_id, asked.statement_id, ours.statement_id} <= {item.statement_id for item in told}
    assert Counter(item.statement.issuer for item in told) == {RS: 4, MK: 6}


def test_a_comparison_is_asked_for_once_and_one_decline_ends_the_question(world: BlindWorld) -> None:
    """From two tabs: of two open questions the other side would have to decline each."""
    with world.rs.store.read() as session:
        [link] = links_of(session, world.rs, [pair_id(Pair.model_validate(world.pair("a", "b", BREECH)))])
    asked = {"hit": link.link_id, "step": "asked", "place": "Skopje"}
    world.says(FIRST, "physical-comparison", **asked, on="2100-01-01")
    with pytest.raises(Conflict, match="asked for the comparison already"):
        world.says(FIRST, "physical-comparison", **asked, on="2100-01-02")
    world.network.settle()
    world.says(FIRST, "physical-comparison", MK, hit=link.link_id, step="declined")
    world.network.settle()
    assert stage(world) is Stage.LEAD
    world.says(FIRST, "physical-comparison", **asked, on="2100-01-02")
