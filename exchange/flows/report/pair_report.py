"""What a report on one pair tells: the two records, the comparison, what its score is worth, what people said of it.

The report's words and its form are the pages' affair (``web/report``); here is only what they are about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from sqlalchemy.orm import Session

import schemas
from exchange.errors import NotFound
from exchange.flows.candidates.cells import with_its_cells
from exchange.flows.hits.history import Link, links_of, pair_id
from exchange.flows.hits.vocabulary import NoEffect, Stage
from exchange.flows.keys.suspicion import Suspicion, suspicion_of
from exchange.flows.node.likelihood_ratio import ScoreRatio, worth_of
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import not_validated
from exchange.flows.report.report_sources import (
    NOT_STATED,
    Authorisation,
    Laboratory,
    ReportedReference,
    ReportedView,
    authorisations_of,
    laboratory_of,
    numbers_of,
    views_to_print,
)
from exchange.flows.report.report_statements import rows_to_report, statement_in
from exchange.flows.scan.pair_picture import pair_picture
from exchange.flows.statement.sharing import record_of
from exchange.store.log.statement_rows import find_statement
from exchange.store.review.candidate_rows import StoredCandidate
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas import AnyStatement, Conclusion, ConclusionResult, Pair, Record
from schemas.record import Acquisition
from schemas.vocabulary import AfteConclusion, Basis, ScreenConclusion


@dataclass(frozen=True)
class ReportSide:
    """One specimen: its record as it was signed, its place in its issuer's log, and the scan that was compared."""

    statement_id: str
    issuer: str
    log_index: int
    received_at: str
    record: Record
    acquisition: Acquisition
    doubted: Suspicion | None
    """That the key which signed the record was in wrong hands."""
    laboratory: Laboratory = NOT_STATED


@dataclass(frozen=True)
class ReportedStatement:
    """One statement about the pair, with its place in its issuer's log. ``retracted``: its issuer took it back;
    ``no_effect``: why it counts for nothing by the rules of hits."""

    statement_id: str
    kind: str
    log_index: int
    received_at: str
    statement: AnyStatement
    retracted: bool
    no_effect: NoEffect | None = None


@dataclass(frozen=True)
class PairReport:
    """All that a report holds; the same store gives the same, for the same reader."""

    node_id: str
    candidate_id: int
    roi: str
    score: float
    not_validated: str | None
    congruent_cells: int | None
    cells: int | None
    """None: they could not be found."""
    comparison: dict[str, Any]
    parameters: str
    worth: ScoreRatio
    sides: tuple[ReportSide, ReportSide]
    said: tuple[ReportedStatement, ...]
    stage: str
    """candidate, what the newest conclusion states, or how far its hit is."""
    dated: str
    """When the newest of all this came to be known here: the date of the report."""
    picture: bytes
    hit: Link | None = None
    """With the exhibits that travelled, and who signed the confirmed hit."""
    authorisations: Mapping[str, Authorisation] = field(default_factory=dict)
    """By pseudonym, of this node's own people alone."""
    views: tuple[ReportedView, ...] = ()
    views_left_out: int = 0
    references: tuple[ReportedReference, ...] = ()


def gather_report(node: Node, found: StoredCandidate, pseudonym: str) -> PairReport:
    """The report on a pair for one reader, who must not be told what he or she may still verify blind.

    1. Read both records as they were signed.
    2. Read what was said of the pair, who may say it, under which numbers others know it, and the saved views.
    3. Work out what the score is worth.
    4. Find the cells, where nobody asked for them yet, and draw both scans, aligned.

    Raises NotFound where a record was withdrawn meanwhile, and what drawing raises.
    """
    with node.store.read() as session:
        # 1.
        first = _side(session, node, found.record_a, found.acquisition_a)
        second = _side(session, node, found.record_b, found.acquisition_b)
        # 2.
        hit = _link(session, node, first, second)
        said = in_order_of_answers(tuple(_said(session, node, pseudonym, first, second, hit)))
        own = [item.statement for item in said] + [side.record for side in (first, second)]
        makers = {one.made_by.pseudonym for one in own if one.issuer == node.node_id}
        allowed = authorisations_of(session, makers)
        issuers = {side.statement_id: side.issuer for side in (first, second)}
        references = numbers_of(session, issuers, [item.statement_id for item in said])
        views, left_out = views_to_print(session, found.acquisition_a.sha256, found.acquisition_b.sha256)

    # 3.
    worth = worth_of(node.calibration, found)

    # 4.
    with_its_cells(node, found)
    picture = pair_picture(node, found)
    known_at = [
        *(found.row.created_at, first.received_at, second.received_at),
        *(item.received_at for item in said),
        *(reference.received_at for reference in references),
        *(view.made_at for view in views),
        *(one.entered_at for one in allowed.values()),
    ]
    return PairReport(
        node_id=node.node_id,
        candidate_id=found.row.candidate_id,
        roi=found.roi,
        score=found.row.score,
        not_validated=not_validated(found),
        congruent_cells=found.row.congruent_cells if found.row.cells_found else None,
        cells=found.row.cells if found.row.cells_found else None,
        comparison=json.loads(found.row.comparison),
        parameters=found.row.parameters,
        worth=worth,
        sides=(first, second),
        said=said,
        stage=stage_of(said, hit.progress.stage if hit is not None else None),
        hit=hit,
        dated=max(known_at),
        picture=picture,
        authorisations=allowed,
        views=views,
        views_left_out=left_out,
        references=references,
    )


def stage_of(said: tuple[ReportedStatement, ...], hit: Stage | None) -> str:
    """How far the pair is: what its hit is, as every page says it; where no hit stands, what the newest conclusion is,
    else it is a candidate."""
    if hit is not None and hit not in (Stage.RETRACTED, Stage.NO_EFFECT):
        return str(hit)
    standing = [item.statement for item in said if not item.retracted]
    results = [item.result for item in standing if isinstance(item, Conclusion)]
    on_exhibits = [result for result in results if result.basis is Basis.EXHIBITS]
    return _stage_of_result((on_exhibits or results)[-1]) if results else "candidate"


def _stage_of_result(result: ConclusionResult) -> str:
    match result.conclusion:
        case ScreenConclusion.POSSIBLE_ASSOCIATION:
            return "associated"
        case ScreenConclusion.INCONCLUSIVE:
            return "inconclusive_on_screen"
        case ScreenConclusion.NO_ASSOCIATION_INDICATED:
            return "not_associated"
        case ScreenConclusion.UNSUITABLE_FOR_EXAMINATION:
            return "unsuitable_on_screen"
        case AfteConclusion.IDENTIFICATION:
            return "concluded"
        case AfteConclusion.INCONCLUSIVE_A | AfteConclusion.INCONCLUSIVE_B | AfteConclusion.INCONCLUSIVE_C:
            return "inconclusive"
        case AfteConclusion.ELIMINATION:
            return "eliminated"
        case AfteConclusion.UNSUITABLE:
            return "unsuitable"
        case _:
            assert_never(result.conclusion)


def in_order_of_answers(said: tuple[ReportedStatement, ...]) -> tuple[ReportedStatement, ...]:
    """The same, each behind what it answers, however late that came to be known here."""
    known = {item.statement_id: item for item in said}
    placed: dict[str, ReportedStatement] = {}
    for item in said:
        waiting: dict[str, ReportedStatement] = {}
        behind: ReportedStatement | None = item
        while behind is not None and behind.statement_id not in placed.keys() | waiting.keys():
            waiting[behind.statement_id] = behind
            behind = known.get(getattr(behind.statement, "answers", None) or "")
        placed.update(reversed(waiting.items()))
    return tuple(placed.values())


def _side(session: Session, node: Node, row: RecordRow, scan: AcquisitionRow) -> ReportSide:
    statement = find_statement(session, row.statement_id)
    if statement is None or statement.envelope is None:
        raise NotFound("There is no such record on this node.")
    record = record_of(session, row.statement_id)
    acquisition = next(item for item in record.acquisitions if item.blob.sha256 == scan.sha256)
    doubted = suspicion_of(session, node, row.statement_id, row.issuer)
    return ReportSide(
        row.statement_id,
        row.issuer,
        statement.log_index,
        row.received_at,
        record,
        acquisition,
        doubted,
        laboratory_of(session, node, row.issuer),
    )


def _link(session: Session, node: Node, first: ReportSide, second: ReportSide) -> Link | None:
    low, high = sorted((first, second), key=lambda side: side.statement_id)
    a, b = (
        schemas.Side(
            issuer=side.issuer,
            record=side.statement_id,
            first_version=side.record.first_version or side.statement_id,
            scan=side.acquisition.blob.sha256,
        )
        for side in (low, high)
    )
    return next(iter(links_of(session, node, [pair_id(Pair(a=a, b=b))])), None)


def _said(
    session: Session, node: Node, pseudonym: str, first: ReportSide, second: ReportSide, hit: Link | None
) -> Iterator[ReportedStatement]:
    """In the order in which it came to be known here."""
    sides = (first, second)
    scans = frozenset((side.statement_id, side.acquisition.blob.sha256) for side in sides)
    issuers = {side.issuer for side in sides}
    rows = {row.statement_id: row for row in rows_to_report(session, node, pseudonym, issuers, scans, hit)}
    counts_not = hit.progress.no_effect if hit is not None else {}
    backs = [row for row in rows.values() if row.type == "retraction"]
    retracted = {row.about for row in backs if row.about in rows and rows[row.about].issuer == row.issuer}
    for row in rows.values():
        yield ReportedStatement(
            row.statement_id,
            row.type,
            row.log_index,
            row.received_at,
            statement_in(row),
            row.statement_id in retracted,
            counts_not.get(row.statement_id),
        )
