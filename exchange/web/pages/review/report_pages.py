"""What is given away of a pair and of a record: the report for people, the bundle for whoever verifies."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from exchange.flows.witness.bundle import make_bundle
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.path_types import RowNumber, StatementId
from exchange.web.languages import spoken
from exchange.web.pages.layout import Reading
from exchange.web.report.given_away import pair_bundle_of, pair_report_of
from schemas.bundle import BUNDLE_MEDIA_TYPE
from schemas.pair_bundle import PAIR_BUNDLE_MEDIA_TYPE

router = APIRouter()


@router.get("/pairs/{candidate_id}/report.pdf")
async def pair_report(request: Request, node: OpenNode, who: Reading, candidate_id: RowNumber) -> Response:
    """One page in plain language, then the technical annex, in the language of the pages."""
    made = await heavily(request, WorkKind.REPORTS, pair_report_of, who.consultation, candidate_id)
    name = f"{node.node_id}-pair-{candidate_id}-{spoken().code}.pdf"
    return Response(made, media_type="application/pdf", headers=_file(name))


@router.get("/pairs/{candidate_id}/bundle.zip")
async def pair_bundle(request: Request, node: OpenNode, who: Reading, candidate_id: RowNumber) -> Response:
    """The report with every statement that it rests on, each with what proves it."""
    made = await heavily(request, WorkKind.REPORTS, pair_bundle_of, who.consultation, candidate_id)
    return Response(
        made, media_type=PAIR_BUNDLE_MEDIA_TYPE, headers=_file(f"{node.node_id}-pair-{candidate_id}-bundle.zip")
    )


@router.get("/records/{statement_id}/bundle")
def bundle(node: OpenNode, who: Reading, statement_id: StatementId) -> Response:
    """A record of this node's own with all that proves it, to be verified without any node."""
    asker = who.consultation
    made = make_bundle(node, statement_id).model_dump_json() + "\n"
    asker.note(Act.READ_BUNDLE, 1, statement_id)
    return Response(made, media_type=BUNDLE_MEDIA_TYPE, headers=_file(f"{node.node_id}-{statement_id[:16]}.json"))


def _file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
