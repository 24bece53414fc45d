"""Which amendments of a record by a colleague need its author or the head: those that end it earlier, or let more
people have it."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, author_of, deciding_author, may_act
from exchange.flows.statement.sharing import record_of
from exchange.policy import names
from exchange.store.entry.records import find_record
from exchange.store.tables.records import RecordRow
from exchange.store.terms.terms import groups_of
from schemas import Handling, Maker, Record, Submission
from schemas.vocabulary import HandlingCode, Jurisdiction, ReleaseLevel, Role

_LEVELS: Final = (ReleaseLevel.NONE, ReleaseLevel.SEARCH, ReleaseLevel.FULL)
_CODES: Final = (HandlingCode.H0, HandlingCode.H1, HandlingCode.H2, HandlingCode.H3)


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
        widened = _widened(session, before, submission)
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


def head_decides_again(session: Session, record: Record) -> bool:
    """Return whether the head has to decide on a record that came back from a peer: as ``check_amendment`` found it
    when the record was signed. Where the version before is not here any more, the head decides."""
    if record.supersedes is None or record.made_by.role is Role.HEAD:
        return False
    found = find_record(session, record.supersedes)
    if found is None:
        return True
    if author_of(session, record.supersedes) == record.made_by.pseudonym:
        return False
    return found[0].widened or _widened(session, record_of(session, record.supersedes), record) is not None


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


def _widened(session: Session, before: Record, after: Submission | Record) -> str | None:
    """Return the field by which an amendment lets more people have a record, or None if it does not. At release level
    "none" a record is shared with nobody, whatever its other fields say."""
    if after.level is ReleaseLevel.NONE:
        return None
    if _LEVELS.index(after.level) > _LEVELS.index(before.level):
        return "level"
    groups = groups_of(session, before.issuer)
    new = set(after.audience) - set(before.audience)
    if any(not (isinstance(one, Jurisdiction) and names(before, one, groups)) for one in new):
        return "audience"
    if _is_looser(before.handling, after.handling):
        return "handling.code" if before.handling.code is not after.handling.code else "handling.restriction"
    if before.exhibit.kind is not after.exhibit.kind:
        return "exhibit.kind"  # the policy has another line for it
    return None


def _is_looser(before: Handling, after: Handling) -> bool:
    """Also where the words of a restriction change, since only a person can compare them."""
    if before.code is after.code:
        return before.restriction != after.restriction
    return _CODES.index(after.code) < _CODES.index(before.code)
