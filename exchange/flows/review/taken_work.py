"""Who works on what: own exhibits that wait for their first review, and hits that wait for a step of somebody.

**Advice, no lock.** Whoever may do a thing may do it, whoever took it. It is local to this node and unsigned; each act
is a row of the audit log. It is told no more once nothing of the thing waits, and ends when its person leaves or gets
another role (``exchange.store.review.taken_work_rows``).

**What nobody learns by it.** Blind verifications are not taken here, and pairs never are. A hit is told of only where
it is visible (``find_link``). An exhibit is its registrar's until they, or the head, give it: of other examiners'
exhibits an examiner is told nothing, so that whoever may be asked to verify a pair knows no more than before of who
looked at its exhibits. Nor does anything of it change when somebody opens a pair: a conclusion is preceded by that,
and a control never is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.visibility import hidden_pairs
from exchange.flows.hits.history import Link, find_link, pair_id
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Actor, Deed
from exchange.store.entry.record_rows import PENDING, find_records
from exchange.store.log.audit import add_deeds
from exchange.store.review.candidate_rows import unopened_records
from exchange.store.review.taken_work_rows import TakenKind as TakenKind
from exchange.store.review.taken_work_rows import (
    colleagues,
    current_records_of,
    end_taken,
    hits_that_wait,
    put_taken,
    taken_exhibits,
    taken_of,
)
from exchange.store.scan.listed import scans_listed
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import TakenWorkRow
from schemas.vocabulary import Role

MAY_WORK_ON: Final = {
    TakenKind.EXHIBIT: frozenset({Role.EXAMINER}),
    TakenKind.HIT: frozenset({Role.EXAMINER, Role.INVESTIGATOR}),
}
MOST_TAKEN: Final = 50
"""Things that one form takes or gives."""
TAKEN_LOOKED_AT: Final = 200
"""Exhibits that are held against their first reviews in one step."""


@dataclass(frozen=True)
class WorkKey:
    """A thing that can be taken, as pages name it: an exhibit by a record of it, a hit by its link."""

    kind: TakenKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @classmethod
    def parse(cls, said: str) -> WorkKey:
        """Raises InvalidInput."""
        kind, _, name = said.partition(".")
        if kind not in set(TakenKind) or len(name) != 64 or set(name) - set("0123456789abcdef"):
            raise InvalidInput("Choose a line of the list.", code="invalid-field")
        return cls(TakenKind(kind), name)


@dataclass(frozen=True)
class TakenBy:
    """``given_by``: None where they took it themselves."""

    who: str
    at: str
    given_by: str | None


@dataclass(frozen=True)
class WorkStanding:
    """Who works on a thing, as far as this person is told; and what they may do about it."""

    key: WorkKey
    taken: TakenBy | None
    may_take: bool
    may_give: bool


@dataclass(frozen=True)
class Assigner:
    """Who takes, gives or puts back, and what they stated for this session."""

    actor: Actor
    purpose: str | None = None
    legal_basis: str | None = None


@dataclass(frozen=True)
class Colleague:
    """Somebody to whom a thing may be given."""

    pseudonym: str
    role: Role


def take_work(node: Node, by: Assigner, keys: Collection[WorkKey]) -> None:
    """Whoever asks works on these things from now on, in the place of whoever took them before. Raises NotFound,
    Forbidden, Conflict, InvalidInput."""
    _change(node, by, keys, to=by.actor.name)


def give_work(node: Node, by: Assigner, keys: Collection[WorkKey], to: str) -> None:
    """A colleague works on these things from now on. Raises as ``take_work``."""
    _change(node, by, keys, to=to)


def put_work_back(node: Node, by: Assigner, keys: Collection[WorkKey]) -> None:
    """Nobody works on these things any more. Raises as ``take_work``."""
    _change(node, by, keys, to=None)


def colleagues_for(node: Node, kinds: Iterable[TakenKind], *, besides: str) -> list[Colleague]:
    """Those to whom something of one of these kinds may be given."""
    roles = frozenset[Role]().union(*(MAY_WORK_ON[kind] for kind in kinds))
    with node.store.read() as session:
        return [Colleague(name, Role(role)) for name, role in colleagues(session, roles) if name != besides]


def work_on_records(node: Node, role: Role, pseudonym: str, records: Iterable[RecordRow]) -> dict[str, WorkStanding]:
    """By the id of each of these records whose first review is open, and of which this person is told."""
    own = {row.statement_id: row for row in records if row.issuer == node.node_id}
    with node.store.read() as session:
        return work_on_exhibits(session, role, pseudonym, _waiting(session, node, role, pseudonym, own))


def work_on_links(node: Node, role: Role, links: Iterable[Link]) -> dict[str, WorkStanding]:
    """By the id of each of these hits where something is still to be done by either side. The links are those that this
    person may read."""
    pairs = {link.link_id: pair_id(link.pair) for link in links if link.progress.due_at is not None}
    with node.store.read() as session:
        return work_on_hits(session, role, pairs)


def work_on_exhibits(
    session: Session, role: Role, pseudonym: str, records: Mapping[str, RecordRow]
) -> dict[str, WorkStanding]:
    """As ``work_on_records``, of own records whose first review is known to be open."""
    taken = taken_of(session, TakenKind.EXHIBIT, {row.exhibit for row in records.values()})
    found = {}
    for name, row in records.items():
        who = taken.get(row.exhibit)
        if role is Role.EXAMINER and pseudonym not in _concerned(row, who):
            continue
        found[name] = WorkStanding(
            WorkKey(TakenKind.EXHIBIT, name),
            _taken_by(who),
            may_take=role in MAY_WORK_ON[TakenKind.EXHIBIT],
            may_give=role in (Role.EXAMINER, Role.HEAD),
        )
    return found


def end_reviewed(node: Node, after: str = "") -> str:
    """Ends what somebody took of own exhibits, where the first review waits for nobody any more who is told of it: not
    as soon as somebody opened a pair, of which the others are told nothing. Looks at those that follow on an exhibit;
    returns the last of them, "" at the end."""
    with node.store.read() as session:
        rows = taken_exhibits(session, after=after, limit=TAKEN_LOOKED_AT)
        over = _reviewed(session, node, rows)
    if over:
        with node.store.write() as session:  # somebody may have taken one again
            again = taken_of(session, TakenKind.EXHIBIT, over).values()
            end_taken(session, TakenKind.EXHIBIT, _reviewed(session, node, again))
    return rows[-1].subject if len(rows) == TAKEN_LOOKED_AT else ""


def _reviewed(session: Session, node: Node, rows: Collection[TakenWorkRow]) -> set[str]:
    """Of these exhibits those that wait in nobody's list, and of which no scan is still to be compared."""
    exhibits = {row.subject: row for row in rows}
    records = {row.statement_id: row for row in current_records_of(session, node.node_id, exhibits)}
    examiners = {name for name, _ in colleagues(session, {Role.EXAMINER})}
    asked: dict[str | None, set[str]] = {None: set(records)}  # None: as the head is told
    for name, record in records.items():
        for who in examiners.intersection(filter(None, _concerned(record, exhibits[record.exhibit]))):
            asked.setdefault(who, set()).add(name)
    waiting = {scan.statement_id for scan in scans_listed(session, set(records)) if scan.state in PENDING}
    for reader, names in asked.items():
        found = unopened_records(session, node.node_id, submitted_by=None, blind_for=reader, only=names)
        waiting |= {name for name, _ in found}
    return exhibits.keys() - {records[name].exhibit for name in waiting}


def _concerned(row: RecordRow, who: TakenWorkRow | None) -> tuple[str | None, ...]:
    """Who registered an exhibit, works on it, or gave it."""
    return (row.submitted_by, who.taken_by, who.given_by) if who is not None else (row.submitted_by,)


def work_on_hits(session: Session, role: Role, pairs: Mapping[str, str]) -> dict[str, WorkStanding]:
    """``pairs``: by the id of each hit that this person may read, its pair."""
    taken = taken_of(session, TakenKind.HIT, set(pairs.values()))
    return {
        link_id: WorkStanding(
            WorkKey(TakenKind.HIT, link_id),
            _taken_by(taken.get(pair)),
            may_take=role in MAY_WORK_ON[TakenKind.HIT],
            may_give=True,
        )
        for link_id, pair in pairs.items()
    }


def _taken_by(row: TakenWorkRow | None) -> TakenBy | None:
    return None if row is None else TakenBy(row.taken_by, row.taken_at, row.given_by)


def _waiting(
    session: Session, node: Node, role: Role, pseudonym: str, own: Mapping[str, RecordRow]
) -> dict[str, RecordRow]:
    """Those of these own records whose first review is open, as this person's list of what is to be done tells it."""
    blind_for = pseudonym if role is Role.EXAMINER else None
    waiting = unopened_records(session, node.node_id, submitted_by=None, blind_for=blind_for, only=own) if own else []
    return {name: own[name] for name, _ in waiting}


def _change(node: Node, by: Assigner, keys: Collection[WorkKey], *, to: str | None) -> None:
    """1. What this person may read of the things, and whether anything of them waits.
    2. Whether they may take or give them, and to whom.
    3. Who works on them from now on, with the row that tells it.
    """
    if not 0 < len(keys) <= MOST_TAKEN:
        raise InvalidInput(f"Choose at least one line, and at most {MOST_TAKEN}.", code="invalid-field")
    role, pseudonym = by.actor.role, by.actor.name
    # 1.
    hits = _open_hits(node, role, pseudonym, [key for key in keys if key.kind is TakenKind.HIT])
    note_hits(node, role, pseudonym, set(hits.values()))
    with node.store.write() as session:
        exhibits = _open_exhibits(
            session, node, role, pseudonym, [key for key in keys if key.kind is TakenKind.EXHIBIT]
        )
        if to is not None and set(hits.values()) - hits_that_wait(session, hits.values()):
            raise _nothing_waits()  # withdrawn meanwhile
        # 2.
        _check_may(session, role, {key.kind for key in keys}, to, own=to == pseudonym)
        # 3.
        for key, subject in (hits | exhibits).items():
            if to is None:
                end_taken(session, key.kind, {subject})
            else:
                put_taken(session, key.kind, subject, by=to, given_by=None if to == pseudonym else pseudonym)
        did = "put-back" if to is None else "take" if to == pseudonym else "give"
        asked = json.dumps({"did": did} | ({"to": to} if did == "give" else {}), ensure_ascii=False)
        names = tuple(dict.fromkeys(key.name for key in keys))
        add_deeds(session, [Deed(by.actor, Act.TAKE_WORK, len(names), names, asked, by.purpose, by.legal_basis)])


def _open_hits(node: Node, role: Role, pseudonym: str, keys: Sequence[WorkKey]) -> dict[WorkKey, str]:
    """The pair of each. Raises NotFound, also for a hit that is hidden from this person; Conflict."""
    if not keys:
        return {}
    with node.store.read() as session:
        hidden = hidden_pairs(session, role, pseudonym)
        links = {key: find_link(session, node, key.name, hidden) for key in keys}
    if any(link.progress.due_at is None for link in links.values()):
        raise _nothing_waits()
    return {key: pair_id(link.pair) for key, link in links.items()}


def _nothing_waits() -> Conflict:
    return Conflict("All is said of this hit: nothing of it waits.", code="nothing-waits")


def _open_exhibits(
    session: Session, node: Node, role: Role, pseudonym: str, keys: Sequence[WorkKey]
) -> dict[WorkKey, str]:
    """The exhibit of each. Raises NotFound, also for one of which this person is told nothing."""
    if not keys:
        return {}
    records = find_records(session, {key.name for key in keys})
    own = {name: row for name, row in records.items() if row.issuer == node.node_id}
    waiting = work_on_exhibits(session, role, pseudonym, _waiting(session, node, role, pseudonym, own))
    if {key.name for key in keys} - waiting.keys():
        raise NotFound("There is no such exhibit that waits for its first review, or it is another examiner's.")
    return {key: records[key.name].exhibit for key in keys}


def _check_may(session: Session, role: Role, kinds: Collection[TakenKind], to: str | None, *, own: bool) -> None:
    if own or role is not Role.HEAD:
        for kind in kinds:
            if role not in MAY_WORK_ON[kind]:
                raise Forbidden(f"Whoever works on that has the role {' or '.join(sorted(MAY_WORK_ON[kind]))}.")
    if to is None:
        return
    roles = {name: Role(has) for name, has in colleagues(session, list(Role))}
    if to not in roles or any(roles[to] not in MAY_WORK_ON[kind] for kind in kinds):
        raise InvalidInput(
            "An exhibit is given to an examiner, a hit to an examiner or an investigator.", code="not-theirs-to-do"
        )
