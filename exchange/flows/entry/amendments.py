"""Which amendments of a record by a colleague need its author or the head: those that end it earlier, or let more
people have it."""

from __future__ import annotations

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, author_of, deciding_author, may_act
from exchange.flows.statement.sharing import record_of
from exchange.flows.statement.widening import widened_field
from exchange.store.entry.record_rows import find_record
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.terms_rows import groups_of
from schemas import Maker, Submission


def check_amendment(node: Node, maker: Maker, submission: Submission) -> bool:
    """Return whether the head has to decide, for each jurisdiction, if it may have the new version. This is so when
    somebody other than the author or the head widens the sharing of a record whose author cannot be asked (is a
    program, or has left), or amends a version that was widened so.

    Raises InvalidInput, code "retention-shortened", or "sharing-widened" where the author can be asked.
    """
    if submission.supersedes is None:
        return False
    with node.store.read() as session:
        found = find_record(session, submission.supersedes)
        if found is None:
            return False
        author = author_of(session, submission.supersedes)
        asked = deciding_author(session, node.settings, submission.supersedes)
        before = record_of(session, submission.supersedes)
        widened = widened_field(before, submission, groups_of(session, node.node_id))
    _check_retention(found[0], maker, submission, author)
    if may_act(WorkAct.WIDEN_SHARING, maker.role, maker.pseudonym, author):
        return False
    if widened is not None and asked is not None:
        raise InvalidInput(
            f"This version would let more people have the record. Only {asked}, its author, may amend it so. Ask "
            f"{asked}; or ask the head, who can grant the record to a jurisdiction.",
            code="sharing-widened",
            problems=((widened, "lets more people have it than the version that it amends"),),
        )
    return widened is not None or found[0].widened


def _check_retention(row: RecordRow, maker: Maker, submission: Submission, author: str | None) -> None:
    """An earlier retention date withdraws a record everywhere and for good."""
    if submission.retention_until.isoformat() >= row.retention_until:
        return
    if not may_act(WorkAct.SHORTEN_RETENTION, maker.role, maker.pseudonym, author):
        raise InvalidInput(
            f"The record is kept until {row.retention_until}. Only {author} may bring that forward; propose to "
            "withdraw it instead.",
            code="retention-shortened",
            problems=(("retention_until", "lies before that of the version it amends"),),
        )
