"""All that the lists of candidates show, noted as seen by whoever is about to be shown it.

What stands out is shown with both pictures. Weaker pairs are not sent until somebody asks for them. Whoever was shown a
list verifies no pair blind that was in it, shown or not: that it was not shown tells that it is a weak one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.errors import NotFound
from exchange.flows.access.consultation import Consultation
from exchange.flows.blind.open_lists import ScoredList, scored_list
from exchange.flows.blind.visibility import note_lists, note_shown
from exchange.flows.candidates.cells import with_cells
from exchange.flows.candidates.exhibit_pairs import (
    CandidateFilter,
    ExhibitPair,
    GroupedExhibits,
    RecordExhibits,
    RestOfList,
    exhibits_across_borders,
    exhibits_of_record,
)
from exchange.flows.candidates.shown_pair import ShownPair, shown_pair
from exchange.flows.keys.suspicion import Suspicion, suspicions_of
from exchange.flows.review.taken_work import Colleague, TakenKind, WorkStanding, colleagues_for, work_on_records
from exchange.flows.scan.listed_scans import ListedScan, pictured_scans
from exchange.log.audit_entry import Act


@dataclass(frozen=True)
class CandidatesAcross:
    """``shown``: each scan pair of ``found`` by its number; ``pictures`` and ``works`` by record."""

    found: GroupedExhibits
    shown: Mapping[int, ShownPair]
    pictures: Mapping[str, ListedScan]
    works: Mapping[str, WorkStanding]
    doubted: Mapping[str, Suspicion]


@dataclass(frozen=True)
class CandidatesOfRecord:
    """``shown``: each scan pair of ``found`` by its number; ``work``: who has taken on what is to be done of the
    record, with the ``colleagues`` who may be given it."""

    found: RecordExhibits
    shown: Mapping[int, ShownPair]
    picture: ListedScan | None
    work: WorkStanding | None
    colleagues: Sequence[Colleague]
    doubted: Mapping[str, Suspicion]


def candidates_across(
    asker: Consultation, wanted: CandidateFilter, *, after: int, asked: dict[str, str]
) -> CandidatesAcross:
    """By own record, the one with the best score first; of an examiner those whose lists are open to the examiner.
    ``asked``: the filter in words, for the audit log. Raises NotAudited."""
    node, found = asker.node, exhibits_across_borders(asker.node, *asker.reader, wanted, after=after)
    note_lists(node, asker.caller.pseudonym, {of.record.exhibit: of.ranking.exhibits for of in found.groups})
    pairs = [pair for group in found.groups for pair in group.standing]
    shown = _shown(asker, pairs)
    asker.note(Act.LIST_CANDIDATES, len(pairs), asked=asked)
    records = [group.record for group in found.groups]
    return CandidatesAcross(
        found,
        shown,
        pictured_scans(node, records),
        work_on_records(node, *asker.reader, records),
        suspicions_of(node, records, (pair.other for pair in pairs)),
    )


def candidates_of_record(
    asker: Consultation, statement_id: str, *, rest: RestOfList | None, after: int, aside: bool
) -> CandidatesOfRecord | ScoredList:
    """One exhibit over all its regions. For an examiner who does not work on the exhibit and has not opened its list,
    what it costs to open it. Raises NotFound, NotAudited."""
    node, pseudonym = asker.node, asker.caller.pseudonym
    before = scored_list(node, *asker.reader, statement_id)
    if not before.is_open:
        asker.note(Act.READ_RECORD, 1, statement_id)
        return before
    found = exhibits_of_record(node, *asker.reader, statement_id, rest=rest, after=after, aside=aside)
    if found is None:
        raise NotFound("There is no such record on this node.")
    note_lists(node, pseudonym, {found.record.exhibit: found.ranking.exhibits})
    pairs = [*found.standing, *found.away, *found.rest, *found.aside]
    shown = _shown(asker, pairs)
    asked = ({"rest": str(rest), "after": str(after)} if rest else {}) | ({"aside": "1"} if aside else {})
    asker.note(Act.LIST_CANDIDATES, len(pairs), statement_id, asked=asked)
    work = work_on_records(node, *asker.reader, [found.record]).get(statement_id)
    return CandidatesOfRecord(
        found,
        shown,
        pictured_scans(node, [found.record]).get(statement_id),
        work,
        colleagues_for(node, [TakenKind.EXHIBIT], besides=pseudonym) if work else [],
        suspicions_of(node, [found.record], (pair.other for pair in pairs)),
    )


def _shown(asker: Consultation, found: Sequence[ExhibitPair]) -> dict[int, ShownPair]:
    """Each scan pair with its cells, noted as listed."""
    scan_pairs = [scans for pair in found for scans in pair.regions]
    note_shown(asker.node, *asker.reader, scan_pairs)
    with_cells(asker.node, scan_pairs)
    return {scans.row.candidate_id: shown_pair(asker.node, scans) for scans in scan_pairs}
