"""One record, with all that was signed, and what was disclosed on it; of one that was withdrawn, what became of it here
and at each holder."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.responses import Response

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.review.disclosures import disclosures_on
from exchange.flows.review.records import read_record
from exchange.flows.review.statements import may_say
from exchange.flows.review.taken_work import TakenKind, colleagues_for, work_on_records
from exchange.flows.scan.listed_scans import listed_scan
from exchange.flows.terms.proposals import withdrawal_rights
from exchange.flows.terms.withdraw import withdrawal_states
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import StatementId
from exchange.web.pages.approval_pages import Doubts
from exchange.web.pages.entry.withdrawal_pages import WITHDRAWAL_REASONS
from exchange.web.pages.layout import Reading, Visitor, page
from exchange.web.wording.started_search import outcome_words
from schemas.vocabulary import Role

router = APIRouter()


@router.get("/records/{statement_id}")
def record_page(node: OpenNode, who: Reading, statement_id: StatementId, doubt: Doubts = ()) -> Response:
    """``doubt``: what the reason of a proposal that was just made may tell of a person."""
    asker = who.consultation
    found = read_record(node, *asker.reader, statement_id)
    if found is None:
        return _withdrawn(node, who, statement_id)
    disclosed = disclosures_on(node, *asker.reader, [found.row.exhibit])
    asker.note(Act.READ_RECORD, 1, statement_id)
    if disclosed:
        asker.note(Act.LIST_STATEMENTS, len(disclosed), *(item.statement_id for item in disclosed))
    row = found.row
    signed = json.dumps(found.said.model_dump(mode="json"), indent=2, ensure_ascii=False)
    current = row.issuer == node.node_id and row.superseded_by is None
    mine = row.submitted_by == who.caller.pseudonym and who.caller.role is Role.EXAMINER
    may_ask = row.issuer == node.node_id and who.caller.role in (Role.EXAMINER, Role.HEAD)
    rights = withdrawal_rights(node, *asker.reader, row) if may_ask else None
    work = work_on_records(node, *asker.reader, [row]).get(statement_id)
    return page(
        "record",
        who,
        work=work,
        colleagues=colleagues_for(node, [TakenKind.EXHIBIT], besides=who.caller.pseudonym) if work else [],
        record=row,
        read=found,
        said=found.said,
        signed=signed,
        pictures={scan.position: listed_scan(scan) for scan in found.scans},
        own=current and who.caller.role is Role.EXAMINER,
        disclosed=disclosed,
        may_disclose=current and may_say("disclosure", who.caller.role),
        mine=mine,
        rights=rights,
        doubts=doubt,
        reasons=WITHDRAWAL_REASONS,
        holders=[shared.peer for shared in found.shared if shared.peer is not None and shared.state != "withheld"],
        searched=[] if found.started is None else outcome_words(found.started),
    )


def _withdrawn(node: Node, who: Visitor, statement_id: str) -> Response:
    unknown = NotFound("There is no such record on this node.")
    if who.caller.role is Role.INVESTIGATOR:
        raise unknown
    try:
        states = withdrawal_states(node, statement_id)
    except NotFound as error:
        raise unknown from error
    return page("withdrawn", who, states=states)
