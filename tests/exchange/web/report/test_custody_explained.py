"""An exhibit that arrives under another seal, under a broken one, or without a signed arrival: no confirmed hit before
the head of its owner explains that, on both nodes, on the page, by REST, in the report and in its bundle."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits.history import Link, find_link
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.report.report_statements import rows_to_report
from exchange.flows.witness.pair_bundle import make_pair_bundle
from exchange.flows.witness.verify_pair_bundle import bundled_discrepancies, verify_pair_bundle
from exchange.web.report import render_report
from schemas import CustodyExplanation, Hit
from schemas.vocabulary import HitStage, Jurisdiction
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import (
    FIRST,
    HEAD,
    INVESTIGATOR,
    SECOND,
    exhibits,
    lead,
    says,
    today,
)
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.web.conftest import problem
from tests.exchange.web.report.reports import full_report
from tests.exchange.web.rest.programs import Programs, programs_at

pytestmark = pytest.mark.slow

EXPLANATION = "Customs opened the parcel and sealed it anew."
ARRIVALS = {
    "another seal": {"seal": "RS-SEAL-2", "seal_whole": "yes"},
    "a broken seal": {"seal": "RS-SEAL-1", "seal_whole": "no"},
    "no signed arrival": None,
}


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


@pytest.fixture
def programs(network: Network) -> Iterator[Programs]:
    with programs_at([network.nodes[RS], network.nodes[MK]], (FIRST, SECOND, INVESTIGATOR, HEAD)) as made:
        yield made


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_no_confirmed_hit_without_a_signed_explanation(
    network: Network, programs: Programs, pair: dict[str, Any], arrival: str
) -> None:
    hit, answers, step = travelled(network, pair, ARRIVALS[arrival])
    rests_on = exhibits(network, pair, "identification")
    network.settle()
    confirmed = {"type": "hit", "pair": pair, "stage": "confirmed", "basis": "exhibits", "answers": answers}
    refused = programs.post(MK, FIRST, "/statements", confirmed | rests_on)
    why = NoEffect.CUSTODY_UNEXPLAINED if ARRIVALS[arrival] else NoEffect.EXHIBIT_AWAY
    problem(refused, 409, str(why))
    for node in (RS, MK):
        assert programs.read(node, FIRST, f"/hits/{hit}")["stage"] == "comparison_agreed"
        # an exhibit whose arrival nobody signed is on its way: that is no custody discrepancy until it is explained
        inside = [None] if ARRIVALS[arrival] else []
        assert explanations_at(network, programs, node, hit, pair) == NONE | {"discrepancies": inside}

    form = f'action="/app/hits/{hit}/explanation"'
    offers = {
        (node, who.role): form in programs.page(network.nodes[node], who, f"/app/hits/{hit}").text
        for node in (RS, MK)
        for who in (FIRST, INVESTIGATOR, HEAD)
    }
    assert [at for at, offered in offers.items() if offered] == [(RS, HEAD.role)]
    page = programs.page(network.nodes[RS], HEAD, f"/app/hits/{hit}").text
    fields = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', page)[0], "explains": step, "explanation": EXPLANATION}
    address = f"/app/hits/{hit}/explanation"
    assert programs.send(network.nodes[RS], HEAD, address, fields | {"explanation": ""}).status_code == 422
    assert programs.send(network.nodes[RS], HEAD, address, fields).status_code == 303
    network.settle()

    signed = programs.post(MK, FIRST, "/statements", confirmed | rests_on)
    assert signed.status_code == 201, signed.text
    network.settle()
    for node in (RS, MK):
        found = programs.read(node, FIRST, f"/hits/{hit}")
        assert (found["stage"], found["unexplained"]) == ("confirmed", [])
        assert explanations_at(network, programs, node, hit, pair) == ALL


NONE = {"heading": False, "rest": [], "report": False, "bundle": []}
ALL = {
    "heading": True,
    "rest": [EXPLANATION],
    "report": True,
    "bundle": [EXPLANATION],
    "discrepancies": [EXPLANATION],
}


def travelled(network: Network, pair: dict[str, Any], arrival: dict[str, str] | None) -> tuple[str, str, str]:
    """A lead of Serbia's, whose exhibit was sent. Returns the hit, what a confirmed one answers, and the step of the
    discrepancy."""
    *_, found = lead(network, pair)
    network.settle()
    about = {"hit": found.statement_id, "on": today()}
    says(network, MK, INVESTIGATOR, "physical-comparison", step="asked", **about)
    network.settle()
    agreed = says(network, RS, HEAD, "physical-comparison", step="agreed", **about)
    record = next(side["record"] for side in pair.values() if side["issuer"] == RS)
    sent = says(network, RS, HEAD, "physical-comparison", step="sent", record=record, seal="RS-SEAL-1", **about)
    network.settle()
    if arrival is None:
        return found.statement_id, agreed.statement_id, sent.statement_id
    here = {"record": record, "place": "Skopje", **arrival}
    received = says(network, MK, INVESTIGATOR, "physical-comparison", step="received", **about, **here).statement_id
    network.settle()
    return found.statement_id, received, received


def explanations_at(
    network: Network, programs: Programs, node: str, hit: str, pair: dict[str, Any]
) -> dict[str, object]:
    """Where a node shows the explanation: in the page's heading, by REST, in the report and in its bundle."""
    page = programs.page(network.nodes[node], INVESTIGATOR, f"/app/hits/{hit}").text
    heading = page.partition('<section class="next-step')[0]
    told = programs.read(node, INVESTIGATOR, f"/hits/{hit}")
    steps = [step for custody in told["custody"] for step in custody["steps"]]
    with network.nodes[node].store.read() as session:
        link = find_link(session, network.nodes[node], hit, Hidden())
        scans = frozenset((side["record"], side["scan"]) for side in pair.values())
        rows = rows_to_report(session, network.nodes[node], "nobody", {RS, MK}, scans, link)
    records = (pair["a"]["record"], pair["b"]["record"])
    bundle = make_pair_bundle(network.nodes[node], records, [row.statement_id for row in rows], b"%PDF")
    verified = verify_pair_bundle(bundle)
    facts = [fact.statement for fact in verified.facts]
    inside = bundled_discrepancies(verified.facts)
    is_confirmed = any(isinstance(fact, Hit) and fact.stage is HitStage.CONFIRMED for fact in facts)
    assert is_confirmed == (told["stage"] == "confirmed")
    return {
        "heading": EXPLANATION in heading and "<h1>" in heading,
        "rest": [step["explanation"]["explanation"] for step in steps if step["explanation"]],
        "report": EXPLANATION in report_of(link),
        "bundle": [fact.explanation for fact in facts if isinstance(fact, CustodyExplanation)],
        "discrepancies": [one.explanation.explanation if one.explanation else None for one in inside],
    }


def report_of(link: Link) -> str:
    """The first page of the report, with the stage of this hit."""
    pdf = render_report(full_report(hit=link, stage=str(link.progress.stage)))
    return " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
