"""Proposals to withdraw a record: kept here alone, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, true, update
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.tables.terms_tables import WITHDRAWN, WithdrawalProposalRow

MOST_PROPOSALS: Final = 200
"""Open proposals that are read at once: more than a laboratory has records in doubt."""


def add_proposal(session: Session, row: WithdrawalProposalRow) -> int:
    session.add(row)
    session.flush()
    return row.proposal_id


def find_proposal(session: Session, proposal_id: int) -> WithdrawalProposalRow | None:
    return session.get(WithdrawalProposalRow, proposal_id)


def open_proposals(session: Session, *, record: str | None = None) -> Sequence[WithdrawalProposalRow]:
    """The oldest first. ``record``: of this one alone."""
    row = WithdrawalProposalRow
    of_record = true() if record is None else row.record == record
    found = select(row).where(row.decision.is_(None), of_record).order_by(row.proposed_at, row.proposal_id)
    return session.scalars(found.limit(MOST_PROPOSALS)).all()


def settle_proposal(row: WithdrawalProposalRow, decision: str, by: str) -> None:
    row.decision, row.decided_by, row.decided_at = decision, by, stamp()


def settle_proposals_on(session: Session, record: str, holder: str | None, by: str) -> None:
    """The record was withdrawn from a holder, or from everybody, whoever had proposed what."""
    row = WithdrawalProposalRow
    concerned = row.holder == holder if holder else true()
    session.execute(
        update(row)
        .where(row.record == record, row.decision.is_(None), concerned)
        .values(decision=WITHDRAWN, decided_by=by, decided_at=stamp())
    )


def forget_words_on(session: Session, record: str) -> None:
    """What was said of a record that is erased goes with it."""
    session.execute(update(WithdrawalProposalRow).where(WithdrawalProposalRow.record == record).values(because=""))
