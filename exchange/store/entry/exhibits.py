"""Exhibits: a record and all its versions are one exhibit, named by the first version that is known or named here.

What is decided blind is decided over exhibits: each scan of a cartridge case, of whatever region and version, tells of
the same two cases.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, and_, case, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from exchange.store.database.index_hint import served_by_no_index
from exchange.store.long_lists import in_parts
from exchange.store.tables.records import RecordRow, StatementRow
from exchange.store.tables.reviews import (
    ExhibitsSeenRow,
    OpenedListRow,
    PairSetAsideRow,
    TakenWorkRow,
    VerificationTaskRow,
)
from exchange.store.tables.terms import ApprovalRow, GrantRow, HoldRow, TombstoneRow
from schemas import Record

MAX_VERSIONS = 256
"""As many versions of one exhibit are taken, erased ones too: a chain without an end must not make the node slow."""

MAX_ENTERED_ANEW = 16
"""An exhibit is followed from one of its numbers to another at most this often: an endless chain must not slow the node
down."""

_TERMS = (ApprovalRow, GrantRow, HoldRow, TombstoneRow)
"""What was decided on an exhibit, whatever version was named."""

_LOOK_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԌԚԜѴӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧͿϜϺГЛПФ−",
    "ABESIJKMHOPCTYXYGQWVIABEZHIKMNOPTYXJFMΓΛΠΦ-",
)
"""Cyrillic and Greek capitals, and the Latin capital that each looks like; Cyrillic capitals that look only like a
Greek one; and the minus sign. Source: the table of confusables of Unicode UTS 39, without its digits, because a digit
in the place of a letter makes another number here."""

Exhibits = tuple[str, str]
"""Two exhibits by their names, the smaller first: a pair has no sides."""


def exhibits_of(one: str, other: str) -> Exhibits:
    return (one, other) if one < other else (other, one)


def exhibit_name(issuer: str, first_version: str) -> str:
    """With the issuer: no node's record becomes a version of another node's exhibit, whatever it claims to
    supersede."""
    return f"{issuer}/{first_version}"


def owner_of_exhibit(exhibit: str) -> str:
    """The issuer in an exhibit's name."""
    return exhibit.partition("/")[0]


def number_of(record: Record) -> str | None:
    """Return a SHA-256 digest of the case reference and the exhibit's number, or None if the record states no number.
    Differences of case, spaces, dashes, compatibility forms (NFKD, Unicode UAX 15) and look-alike letters
    (``_LOOK_ALIKE``) do not change it. It is a digest because it outlives the record, whose text must be erased."""
    item = record.exhibit.item
    if item is None:
        return None
    capitals = unicodedata.normalize("NFKD", item).casefold().upper().translate(_LOOK_ALIKE)
    number = "".join("-" if unicodedata.category(one) == "Pd" else one for one in capitals if not one.isspace())
    return hashlib.sha256(f"{record.case_reference.casefold()}\n{number}".encode()).hexdigest()


def exhibit_of(session: Session, issuer: str, record: str) -> str:
    """The exhibit of a record that is here, was erased, or is only named here."""
    return _known_exhibits(session, issuer, {record})[record]


def exhibit_stated(session: Session, statement_id: str, record: Record) -> str:
    """The exhibit of a record, stored or not, by what it supersedes."""
    if record.supersedes is None:
        return exhibit_name(record.issuer, statement_id)
    return exhibit_of(session, record.issuer, record.supersedes)


def _known_exhibits(session: Session, issuer: str, records: Collection[str]) -> dict[str, str]:
    """The exhibit of each of these records: as it stands with a record that is here. What was erased leads on to what
    it superseded, since statements outlive their content; so far at most, and in one query however far it is. Of no
    record nothing is asked: most records supersede none, and a writer keeps all others waiting."""
    if not records:
        return {}
    older = aliased(StatementRow)
    version = select(StatementRow.statement_id.label("name"), StatementRow.about.label("older"), RecordRow.exhibit)
    version = version.outerjoin(RecordRow, RecordRow.statement_id == StatementRow.statement_id)
    first = version.add_columns(StatementRow.statement_id.label("begin"), literal(0).label("step"))
    walk = first.where(StatementRow.statement_id.in_(records), *_versions_of(issuer, StatementRow)).cte(recursive=True)
    back = (
        select(older.statement_id, older.about, RecordRow.exhibit, walk.c.begin, walk.c.step + 1)
        .select_from(walk)
        .join(older, older.statement_id == walk.c.older)
        .outerjoin(RecordRow, RecordRow.statement_id == older.statement_id)
        .where(walk.c.exhibit.is_(None), walk.c.step < MAX_VERSIONS - 1, *_versions_of(issuer, older))
    )
    walked = walk.union_all(back)
    found = {name: exhibit_name(issuer, name) for name in records}
    for begin, name, before, exhibit in session.execute(
        select(walked.c.begin, walked.c.name, walked.c.older, walked.c.exhibit).order_by(walked.c.step)
    ):
        found[begin] = exhibit or exhibit_name(issuer, before or name)
    return found


def _versions_of(issuer: str, row: type[StatementRow]) -> tuple[ColumnElement[bool], ...]:
    return row.issuer == issuer, row.type == "record"


def exhibits_of_new(session: Session, issuer: str, superseded: Mapping[str, str | None]) -> dict[str, str]:
    """The exhibit of each new record of one issuer by what it supersedes; one may supersede another of them."""
    outside = {older for older in superseded.values() if older is not None and older not in superseded}
    known = _known_exhibits(session, issuer, outside)
    found: dict[str, str] = {}
    for name in superseded:
        first, passed = name, {name}
        while first not in found and (older := superseded.get(first)) is not None:
            exhibit = known.get(older)  # its first version may be one of the new ones
            older = older if exhibit is None else exhibit.partition("/")[2]
            if older in passed:
                break
            first = older
            passed.add(first)
        found |= dict.fromkeys(passed, found.get(first) or exhibit_name(issuer, first))
    return {name: found[name] for name in superseded}


def too_many_versions(session: Session, issuer: str, superseded: Mapping[str, str | None]) -> set[str]:
    """Those of the new records of one issuer by which an exhibit would get more versions than one may have. Versions
    that were erased since count too: they are walked as well."""
    exhibits = exhibits_of_new(session, issuer, superseded)
    own = {name: exhibit_name(issuer, name) for name in superseded}
    known = _stored_versions(session, {*exhibits.values(), *own.values()})
    sizes = Counter(known.values())
    refused = set()
    for name, exhibit in exhibits.items():
        joined = 0 if own[name] == exhibit else sizes[own[name]]  # those that were known by its name alone
        size = sizes[exhibit] + joined + (name not in known)
        if size > MAX_VERSIONS and name not in known:
            refused.add(name)
        else:
            sizes[exhibit] = size
    return refused


def versions_of_exhibits(session: Session, exhibits: Collection[str]) -> dict[str, str]:
    """Every version of these exhibits that is known here, erased ones too, each with its exhibit."""
    return {name.partition("/")[2]: name for name in exhibits} | _stored_versions(session, exhibits)


@dataclass(frozen=True)
class SameExhibits:
    """Records that may be of the same exhibits. ``versions`` has the exhibit of each record. ``stated`` has, for each
    record with a number, its place in its owner's log, its exhibit and the number, sorted by the place."""

    versions: Mapping[str, str]
    stated: Sequence[tuple[int, str, str]]

    @cached_property
    def names(self) -> dict[str, str]:
        """Map each exhibit to one name for its group: the exhibits of one owner that are linked by numbers which two of
        them have, or had, in common."""
        names = {exhibit: exhibit for exhibit in self.versions.values()}
        for _ in self._joining(names):
            pass
        return names

    def one_since(self, exhibit: str, other: str) -> int | None:
        """Return the place in the owner's log of the record whose number links two exhibits; -1 if both are one
        exhibit; None if nothing links them."""
        names = {exhibit: exhibit, other: other}
        together = (place for place in self._joining(names) if names[exhibit] == names[other])
        return -1 if exhibit == other else next(together, None)

    def _joining(self, names: dict[str, str]) -> Iterator[int]:
        first: dict[tuple[str, str], str] = {}
        for place, exhibit, number in self.stated:
            one = first.setdefault((owner_of_exhibit(exhibit), number), exhibit)
            known, new = names.setdefault(one, one), names.setdefault(exhibit, exhibit)
            if known != new:
                names.update({name: known for name, joined in names.items() if joined == new})
            yield place


def same_exhibits(session: Session, records: Collection[tuple[str, str]]) -> SameExhibits:
    """Return every version of the exhibits of these records (issuer, id), and of each exhibit of the same issuer that
    is linked to one of them by a number which both have or had. This follows an exhibit through amendments, corrected
    numbers, and withdrawal and new entry."""
    frontier: set[str] = set()
    for issuer in {issuer for issuer, _ in records}:
        frontier |= {*_known_exhibits(session, issuer, {name for one, name in records if one == issuer}).values()}
    seen: set[str] = set()
    stated: set[tuple[int, str, str]] = set()
    for _ in range(MAX_ENTERED_ANEW):
        own = _stated_numbers(session, "exhibit", frontier)
        seen |= frontier
        stated |= own
        numbers = {(owner_of_exhibit(exhibit), number) for _, exhibit, number in own}
        found = _stated_numbers(session, "number", {number for _, number in numbers})
        frontier = {one for _, one, number in found if (owner_of_exhibit(one), number) in numbers} - seen
    versions: dict[str, str] = {}
    for part in in_parts(sorted(seen)):
        versions |= versions_of_exhibits(session, part)
    return SameExhibits(versions, sorted(stated))


def _stated_numbers(session: Session, column: str, values: Collection[str]) -> set[tuple[int, str, str]]:
    """Return place, exhibit and number of the records with these values, erased records included."""
    found: set[tuple[int, str, str]] = set()
    for table, record in ((RecordRow, RecordRow.statement_id), (TombstoneRow, TombstoneRow.record)):
        rows = select(StatementRow.log_index, table.exhibit, table.number).join(
            table, record == StatementRow.statement_id
        )
        for part in in_parts(sorted(values)):
            chosen = session.execute(rows.where(getattr(table, column).in_(part), table.number.is_not(None)))
            found |= {(place, exhibit, number or "") for place, exhibit, number in chosen}
    return found


def _stored_versions(session: Session, exhibits: Collection[str]) -> dict[str, str]:
    """In one query, however long the chains are. Type and issuer are asked of the few rows that ``about`` finds."""
    names = {name.partition("/")[2]: name for name in exhibits}
    version, newer = StatementRow, aliased(StatementRow)
    first = case((version.statement_id.in_(names), version.statement_id), else_=version.about)
    found = select(version.statement_id.label("name"), version.issuer, first.label("first"))
    named = or_(version.statement_id.in_(names), version.about.in_(names))
    known = found.where(served_by_no_index(version.type) == "record", named).cte(recursive=True)
    known = known.union(
        select(newer.statement_id, newer.issuer, known.c.first)
        .join(known, and_(newer.about == known.c.name, served_by_no_index(newer.issuer) == known.c.issuer))
        .where(served_by_no_index(newer.type) == "record")
    )
    return {
        name: names[first]
        for name, issuer, first in session.execute(select(known.c.name, known.c.issuer, known.c.first))
        if names[first].partition("/")[0] == issuer
    }


def join_new(session: Session, issuer: str, exhibits: Mapping[str, str]) -> None:
    """New records, each with its exhibit: where one was known by its own name alone, all of that follows. Needs a write
    transaction."""
    joined = {exhibit_name(issuer, name): exhibit for name, exhibit in exhibits.items()}
    for one in _in_use(session, {one for one, exhibit in joined.items() if one != exhibit}):
        join_exhibits(session, one, joined[one])


def _in_use(session: Session, exhibits: Collection[str]) -> set[str]:
    if not exhibits:
        return set()
    task, seen = VerificationTaskRow, ExhibitsSeenRow
    of_pairs = (task.exhibit_low, task.exhibit_high, seen.exhibit_low, seen.exhibit_high)
    named = (RecordRow.exhibit, *of_pairs, *(table.exhibit for table in _TERMS))
    found = [session.scalars(select(column).where(column.in_(exhibits)).distinct()) for column in named]
    return {one for some in found for one in some if one is not None}


def join_exhibits(session: Session, one: str, first: str) -> None:
    """What was taken for an exhibit of its own turns out to be a version of another: all that is known of it follows.
    Needs a write transaction."""
    if one == first:
        return
    for table in (RecordRow, *_TERMS):
        session.execute(update(table).where(table.exhibit == one).values(exhibit=first))
    task, seen = VerificationTaskRow, ExhibitsSeenRow
    for row in session.scalars(select(task).where(or_(task.exhibit_low == one, task.exhibit_high == one))):
        row.exhibit_low, row.exhibit_high = _renamed((row.exhibit_low, row.exhibit_high), one, first)
    for known in session.scalars(select(seen).where(or_(seen.exhibit_low == one, seen.exhibit_high == one))).all():
        low, high = _renamed((known.exhibit_low, known.exhibit_high), one, first)
        if session.get(seen, (known.pseudonym, low, high)) is None:
            session.add(seen(pseudonym=known.pseudonym, exhibit_low=low, exhibit_high=high, seen_at=known.seen_at))
        session.delete(known)
    for opened in session.scalars(select(OpenedListRow).where(OpenedListRow.exhibit == one)).all():
        if session.get(OpenedListRow, (opened.pseudonym, first)) is None:
            session.add(OpenedListRow(pseudonym=opened.pseudonym, exhibit=first, opened_at=opened.opened_at))
        session.delete(opened)
    _join_own_views(session, one, first)
    session.flush()


def _join_own_views(session: Session, one: str, first: str) -> None:
    """Who works on it, and what was set aside with it: what is known of the first stands."""
    aside = PairSetAsideRow
    for row in session.scalars(select(aside).where(or_(aside.exhibit_low == one, aside.exhibit_high == one))).all():
        low, high = _renamed((row.exhibit_low, row.exhibit_high), one, first)
        if session.get(aside, (row.pseudonym, low, high)) is None:
            again = {"pseudonym": row.pseudonym, "exhibit_low": low, "exhibit_high": high}
            session.add(aside(**again, highest=row.highest, validated=row.validated, set_aside_at=row.set_aside_at))
        session.delete(row)
    for taken in session.scalars(select(TakenWorkRow).where(TakenWorkRow.subject == one)).all():
        if session.get(TakenWorkRow, (taken.kind, first)) is None:
            who = {"taken_by": taken.taken_by, "taken_at": taken.taken_at, "given_by": taken.given_by}
            session.add(TakenWorkRow(kind=taken.kind, subject=first, **who))
        session.delete(taken)


def _renamed(exhibits: Exhibits, one: str, first: str) -> Exhibits:
    low, high = (first if name == one else name for name in exhibits)
    return exhibits_of(low, high)
