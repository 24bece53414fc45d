"""Exhibits: a record and all its versions are one exhibit, named by its first version, which each version states.

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
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from exchange.store.database.index_hint import served_by_no_index
from exchange.store.long_lists import in_parts
from exchange.store.tables.hits import HitPairRow, HitRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.terms_tables import GrantRow, TombstoneRow
from schemas import AnyStatement, Pair, Record, Side
from schemas.sharing import OfRecord

MAX_VERSIONS = 256
"""The most versions of one exhibit that are accepted, erased ones included: a peer's endless chain must not slow the
node down."""

MAX_ENTERED_ANEW = 16
"""An exhibit is followed from one of its numbers to another at most this often: an endless chain must not slow the node
down."""

_LOOK_ALIKE = str.maketrans("АВЕЅІЈКМНОРСТУХ", "ABESIJKMHOPCTYX")
"""Cyrillic capitals that an item number may have, and the Latin capital that each looks like. Source: the table of
confusables of Unicode UTS 39."""

Exhibits = tuple[str, str]
"""Two exhibits by their names, the smaller first: a pair has no sides."""


def exhibits_of(one: str, other: str) -> Exhibits:
    return (one, other) if one < other else (other, one)


def exhibit_name(issuer: str, first_version: str) -> str:
    """The name contains the issuer, so no node's record becomes a version of another node's exhibit, whatever it
    states."""
    return f"{issuer}/{first_version}"


def owner_of_exhibit(exhibit: str) -> str:
    """The issuer in an exhibit's name."""
    return exhibit.partition("/")[0]


def number_of(record: Record) -> str | None:
    """Return a SHA-256 digest of the case reference and the exhibit's number, or None if the record states no number.
    Differences of case, spaces, the kind of dash, compatibility forms (NFKD, Unicode UAX 15) and look-alike letters
    (``_LOOK_ALIKE``) do not change it. It is a digest because it outlives the record, whose text must be erased."""
    item = record.exhibit.item
    if item is None:
        return None
    capitals = unicodedata.normalize("NFKD", item).casefold().upper().translate(_LOOK_ALIKE)
    number = "".join("-" if unicodedata.category(one) == "Pd" else one for one in capitals if not one.isspace())
    return hashlib.sha256(f"{record.case_reference.casefold()}\n{number}".encode()).hexdigest()


def exhibit_stated(statement_id: str, record: Record) -> str:
    """The exhibit of a record, stored or not."""
    return exhibit_name(record.issuer, record.first_version or statement_id)


def side_of(record: RecordRow, scan: str) -> Side:
    """One scan of a record as a pair names it."""
    first_version = record.exhibit.partition("/")[2]
    return Side(issuer=record.issuer, record=record.statement_id, first_version=first_version, scan=scan)


def exhibit_of(session: Session, issuer: str, record: str) -> str:
    """The exhibit of a record. A record that never came here is taken for a first version."""
    return exhibit_name(issuer, known_first_version(session, issuer, record) or record)


def known_first_version(session: Session, issuer: str, record: str) -> str | None:
    """The first version of a record's exhibit; None if no record of this issuer is or was here under this id."""
    row = session.get(StatementRow, record)
    is_record = row is not None and (row.issuer, row.type) == (issuer, "record")
    return (row.about or record) if row is not None and is_record else None


def states_known_exhibits(session: Session, statement: AnyStatement) -> bool:
    """Return whether a statement names for each of its records the first version that this record states and, in a
    pair, the issuer that signed the record. A record that never came here is not checked."""
    if isinstance(statement, OfRecord):
        known = known_first_version(session, statement.issuer, statement.record)
        return known in (None, statement.first_version)
    pair = getattr(statement, "pair", None)
    sides = (pair.a, pair.b) if isinstance(pair, Pair) else ()
    return all(
        session.get(StatementRow, side.record) is None
        or known_first_version(session, side.issuer, side.record) == side.first_version
        for side in sides
    )


def contradicted(session: Session, issuer: str, records: Mapping[str, Record]) -> set[str]:
    """Return the new records of an issuer for which another statement of the same issuer names another exhibit: a hit,
    a grant, or the version that the record supersedes."""
    exhibits = {name: exhibit_stated(name, record) for name, record in records.items()}
    older = {name: record.supersedes for name, record in records.items() if record.supersedes is not None}
    versions = _exhibits_of_versions(session, issuer, set(older.values())) | exhibits
    named = {(name, versions[version]) for name, version in older.items() if version in versions}
    of_pairs = select(HitRow.statement_id, HitPairRow).join(HitPairRow, HitPairRow.pair == HitRow.pair)
    for record, exhibit, statement, source in (
        (HitPairRow.record_a, HitPairRow.exhibit_a, HitRow.statement_id, of_pairs),
        (HitPairRow.record_b, HitPairRow.exhibit_b, HitRow.statement_id, of_pairs),
        (GrantRow.record, GrantRow.exhibit, GrantRow.statement_id, select(GrantRow)),
    ):
        signed = source.with_only_columns(record, exhibit, maintain_column_froms=True)
        signed = signed.join(StatementRow, StatementRow.statement_id == statement)
        signed = signed.where(StatementRow.issuer == issuer, StatementRow.refused_by.is_(None))
        for part in in_parts(sorted(exhibits)):
            named |= {(name, stated) for name, stated in session.execute(signed.where(record.in_(part)))}
    return {name for name, stated in named if stated != exhibits[name]}


def _exhibits_of_versions(session: Session, issuer: str, records: Collection[str]) -> dict[str, str]:
    """Map each of these records that the issuer signed, and that is or was here, to its exhibit."""
    found: dict[str, str] = {}
    stored = select(StatementRow.statement_id, StatementRow.about)
    stored = stored.where(StatementRow.issuer == issuer, served_by_no_index(StatementRow.type) == "record")
    for part in in_parts(sorted(records)):
        rows = session.execute(stored.where(StatementRow.statement_id.in_(part)))
        found |= {name: exhibit_name(issuer, first or name) for name, first in rows}
    return found


def first_versions_of(session: Session, records: Collection[str]) -> set[str]:
    """The first versions of the exhibits of these records. Records that never came here are left out."""
    found: set[str] = set()
    for part in in_parts(sorted(records)):
        first = func.coalesce(StatementRow.about, StatementRow.statement_id)
        found |= set(session.scalars(select(first).where(StatementRow.statement_id.in_(part))))
    return found


def versions_of_exhibits(session: Session, exhibits: Collection[str]) -> dict[str, str]:
    """Map each known version of these exhibits to its exhibit, erased versions included. A first version that never
    came here is known too, from the name of its exhibit."""
    versions = _stored_versions(session, exhibits)
    firsts = {name.partition("/")[2]: name for name in exhibits}
    foreign = _known(session, firsts.keys() - versions.keys())
    return {first: name for first, name in firsts.items() if first not in foreign} | versions


def superseding(session: Session, exhibits: Collection[str]) -> dict[str, str]:
    """Map each older version of these exhibits to the version that supersedes it: the next one in the owner's log,
    erased or not. Only believed versions count."""
    versions: dict[str, list[str]] = {}
    for name, exhibit in _stored_versions(session, exhibits, believed=True).items():
        versions.setdefault(exhibit, []).append(name)
    return {older: newer for some in versions.values() for older, newer in pairwise(some)}


def _stored_versions(session: Session, exhibits: Collection[str], *, believed: bool = False) -> dict[str, str]:
    """In the order of their owners' logs."""
    wanted = set(exhibits)
    found: list[Any] = []
    named = select(StatementRow.log_index, StatementRow.statement_id, StatementRow.issuer, StatementRow.about)
    named = named.where(served_by_no_index(StatementRow.type) == "record")
    if believed:
        named = named.where(StatementRow.refused_by.is_(None))
    for part in in_parts(sorted(name.partition("/")[2] for name in wanted)):
        of_these = or_(StatementRow.statement_id.in_(part), StatementRow.about.in_(part))
        found += session.execute(named.where(of_these)).all()
    stated = {name: exhibit_name(issuer, first or name) for _, name, issuer, first in sorted(found)}
    return {name: exhibit for name, exhibit in stated.items() if exhibit in wanted}


def _known(session: Session, statements: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in in_parts(sorted(statements)):
        found |= set(session.scalars(select(StatementRow.statement_id).where(StatementRow.statement_id.in_(part))))
    return found


def too_many_versions(session: Session, exhibits: Mapping[str, str]) -> set[str]:
    """Return the new records with which an exhibit would have more than ``MAX_VERSIONS`` versions, erased ones
    included. ``exhibits`` has the exhibit of each new record."""
    known = versions_of_exhibits(session, set(exhibits.values()))
    sizes, refused = Counter(known.values()), set()
    for name, exhibit in exhibits.items():
        if name in known:
            continue
        if sizes[exhibit] >= MAX_VERSIONS:
            refused.add(name)
        else:
            sizes[exhibit] += 1
    return refused


@dataclass(frozen=True)
class SameExhibits:
    """Exhibits, with others that may be the same objects entered anew. ``stated`` has an entry for each record with a
    number: the record's place in its owner's log, its exhibit and its number. It is sorted by the place."""

    exhibits: frozenset[str]
    stated: Sequence[tuple[int, str, str]]

    @cached_property
    def names(self) -> dict[str, str]:
        """Map each exhibit to one name for its group: the exhibits of one owner that are linked by numbers which two of
        them have, or had, in common."""
        names = {exhibit: exhibit for exhibit in self.exhibits}
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


def same_exhibits(session: Session, exhibits: Collection[str]) -> SameExhibits:
    """Return these exhibits, and each exhibit of the same owner that is linked to one of them by a number which both
    have or had. This follows an exhibit through corrected numbers, and through withdrawal and new entry."""
    frontier, seen = set(exhibits), set[str]()
    stated: set[tuple[int, str, str]] = set()
    for _ in range(MAX_ENTERED_ANEW):
        own = _stated_numbers(session, "exhibit", frontier)
        seen |= frontier
        stated |= own
        numbers = {(owner_of_exhibit(exhibit), number) for _, exhibit, number in own}
        found = _stated_numbers(session, "number", {number for _, number in numbers})
        frontier = {one for _, one, number in found if (owner_of_exhibit(one), number) in numbers} - seen
    return SameExhibits(frozenset(seen), sorted(stated))


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
