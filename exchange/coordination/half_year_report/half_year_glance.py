"""The half-year so far in four figures, for the first page of the head of a node. The report has all figures, by its
own definitions and without small counts; these stay on the node."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from exchange.clock import now
from exchange.coordination.half_year.half_years import Half
from exchange.flows.hits.vocabulary import CLOSED, Stage
from exchange.flows.node.node import Node
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.web.languages import gettext as _
from exchange.web.pages.extended import FigureCard
from exchange.web.wording.explained_terms import sign_of


def half_year_card(node: Node) -> FigureCard:
    """Exhibits and decisions since the half-year began; hits as they stand now."""
    half = Half.of(now())
    with node.store.read() as session:
        stages = _stages_of_hits(session)
        entered, decided = _count_entered(session, node.node_id, half.start), _count_decided(session, half.start)
    open_hits = sum(count for stage, count in stages.items() if stage not in CLOSED and stage != Stage.CONFIRMED)
    return FigureCard(
        _("The half-year so far"),
        str(half),
        (
            (_("Exhibits entered"), "/app/search", entered),
            (sign_of(_("Hits that are open"), "hit"), "/app/hits", open_hits),
            (_("Hits that are confirmed"), "/app/hits", stages.get(Stage.CONFIRMED, 0)),
            (_("Questions decided"), "/app/approvals", decided),
        ),
        (_("All figures of the half-year"), "/app/monitoring"),
    )


def _count_entered(session: Session, issuer: str, since: str) -> int:
    """Own records that replace none, of the time since a moment. They are found by who issued them: by their time, or
    by what they are about, SQLite would read those of all partners, too."""
    first = select(func.count()).where(
        StatementRow.issuer == issuer,
        StatementRow.type == "record",
        func.coalesce(StatementRow.about, "") == "",
        func.coalesce(StatementRow.received_at, "") >= since,
        StatementRow.refused_by.is_(None),
    )
    return session.scalar(first) or 0


def _stages_of_hits(session: Session) -> dict[str, int]:
    """How many pairs stand at each stage."""
    return {
        row[0]: row[1] for row in session.execute(select(HitPairRow.stage, func.count()).group_by(HitPairRow.stage))
    }


def _count_decided(session: Session, since: str) -> int:
    decided = select(func.count()).where(ApprovalRow.decision.is_not(None), ApprovalRow.decided_at >= since)
    return session.scalar(decided) or 0
