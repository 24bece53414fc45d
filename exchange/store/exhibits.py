"""Exhibits: a record and all its versions are one exhibit, named by the first version that is known or named here.

What is decided blind is decided over exhibits: each scan of a cartridge case, of whatever region and version, tells of
the same two cases.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from exchange.store.review_tables import ExhibitsSeenRow, VerificationTaskRow
from exchange.store.tables import RecordRow, StatementRow

Exhibits = tuple[str, str]
"""Two exhibits by their names, the smaller first: a pair has no sides."""


def exhibits_of(one: str, other: str) -> Exhibits:
    return (one, other) if one < other else (other, one)


def exhibit_name(issuer: str, first_version: str) -> str:
    """With the issuer: no node's record becomes a version of another node's exhibit, whatever it claims to
    supersede."""
    return f"{issuer}/{first_version}"


def exhibit_of(session: Session, issuer: str, record: str) -> str:
    """The exhibit of a record that is here, was erased, or is only named here: its chain leads through the statements,
    which outlive their content."""
    first, seen = record, {record}
    while (row := session.get(StatementRow, first)) is not None:
        if row.issuer != issuer or row.type != "record" or row.about is None or row.about in seen:
            break
        first = row.about
        seen.add(first)
    return exhibit_name(issuer, first)


def versions_of_exhibits(session: Session, exhibits: Collection[str]) -> dict[str, str]:
    """Every version of these exhibits that is known here, erased ones too, each with its exhibit."""
    found = {name.partition("/")[2]: name for name in exhibits}
    newest: Collection[str] = found
    while newest:
        rows = session.execute(
            select(StatementRow.about, StatementRow.statement_id, StatementRow.issuer).where(
                StatementRow.about.in_(list(newest)), StatementRow.type == "record"
            )
        )
        newer = {
            version: found[older]
            for older, version, issuer in rows
            if older is not None and version not in found and found[older].partition("/")[0] == issuer
        }
        found |= newer
        newest = newer
    return found


def join_exhibits(session: Session, one: str, first: str) -> None:
    """What was taken for an exhibit of its own turns out to be a version of another: all that is known of it follows.
    Needs a write transaction."""
    if one == first:
        return
    session.execute(update(RecordRow).where(RecordRow.exhibit == one).values(exhibit=first))
    task, seen = VerificationTaskRow, ExhibitsSeenRow
    for row in session.scalars(select(task).where(or_(task.exhibit_low == one, task.exhibit_high == one))):
        row.exhibit_low, row.exhibit_high = _renamed((row.exhibit_low, row.exhibit_high), one, first)
    for known in session.scalars(select(seen).where(or_(seen.exhibit_low == one, seen.exhibit_high == one))).all():
        low, high = _renamed((known.exhibit_low, known.exhibit_high), one, first)
        if session.get(seen, (known.pseudonym, low, high)) is None:
            session.add(seen(pseudonym=known.pseudonym, exhibit_low=low, exhibit_high=high, seen_at=known.seen_at))
        session.delete(known)
    session.flush()


def _renamed(exhibits: Exhibits, one: str, first: str) -> Exhibits:
    low, high = (first if name == one else name for name in exhibits)
    return exhibits_of(low, high)
