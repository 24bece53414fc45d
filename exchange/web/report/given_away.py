"""The papers of a pair that are given away; each is written down before it is given."""

from __future__ import annotations

from exchange.flows.access.consultation import Consultation
from exchange.flows.candidates.shown_pair import found_candidate, note_candidate
from exchange.flows.report.pair_report import gather_report
from exchange.flows.witness.pair_bundle import make_pair_bundle
from exchange.log.audit_entry import Act
from exchange.web.report.render_report import render_report


def pair_report_of(asker: Consultation, candidate_id: int) -> bytes:
    """Raises NotFound, Conflict, NotAudited."""
    found = found_candidate(asker, candidate_id)
    made = render_report(gather_report(asker.node, found, asker.caller.pseudonym))
    note_candidate(asker, Act.READ_REPORT, found)
    return made


def pair_bundle_of(asker: Consultation, candidate_id: int) -> bytes:
    """The report with every statement that it rests on. Raises NotFound, Conflict, NotAudited."""
    found = found_candidate(asker, candidate_id)
    report = gather_report(asker.node, found, asker.caller.pseudonym)
    first, second = (side.statement_id for side in report.sides)
    said = [item.statement_id for item in report.said]
    made = make_pair_bundle(asker.node, (first, second), said, render_report(report))
    note_candidate(asker, Act.READ_BUNDLE, found)
    return made
