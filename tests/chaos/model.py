"""What four nodes have said and read, in plain Python: who may have what now, and what lies where.

It knows nothing of tables, lanes or jobs. It is told each signed statement when it enters its issuer's log, and each
page of a lane when its reader has stored it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date

from exchange.policy import Purpose, Reason, Recipient, Release, Standing, Withheld, release
from schemas import AnyStatement, Approval, Grant, Hold, LegalBasis, Policy, Record, Withdrawal
from schemas.vocabulary import Decision, Jurisdiction

DECIDABLE = (Reason.NEEDS_APPROVAL, Reason.APPROVAL_REFUSED)


@dataclass
class Terms:
    """What one owner has said of its own records."""

    owner: str
    legal_basis: str
    jurisdictions: Mapping[str, Jurisdiction]
    records: dict[str, Record] = field(default_factory=dict)
    groups: Mapping[str, Set[Jurisdiction]] = field(default_factory=dict)
    bases: tuple[LegalBasis, ...] | None = None
    grants: dict[tuple[str, Jurisdiction], int] = field(default_factory=dict)
    """By exhibit and jurisdiction the place of the last grant among all that was said."""
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Records that nobody may have any more, with the statement that said so."""
    revoked: dict[tuple[str, str], str] = field(default_factory=dict)
    """The same of one record and one holder."""
    decisions: dict[tuple[str, Jurisdiction], list[tuple[int, Decision]]] = field(default_factory=dict)
    """By exhibit and jurisdiction, in the order of the log."""
    heard: int = 0

    def exhibit(self, record: str) -> str:
        """The first version of a record."""
        return self.records[record].first_version or record

    def hear(self, statement_id: str, said: AnyStatement) -> None:
        self.heard += 1
        match said:
            case Record():
                self.records[statement_id] = said
            case Grant():
                exhibit = self.exhibit(said.record)
                self.grants[exhibit, said.jurisdiction] = self.heard
                self.revoked = {
                    (record, holder): by
                    for (record, holder), by in self.revoked.items()
                    if self.jurisdictions[holder] != said.jurisdiction or self.exhibit(record) != exhibit
                }
            case Withdrawal(holder=None):
                self.withdrawn[said.record] = statement_id
            case Withdrawal(holder=str(holder)):
                self.revoked[said.record, holder] = statement_id
                self.grants.pop((self.exhibit(said.record), self.jurisdictions[holder]), None)
            case Policy():
                self.groups = {group.name: frozenset(group.members) for group in said.groups}
                self.bases = said.bases
            case Approval():
                about = self.exhibit(said.concerns), said.jurisdiction
                self.decisions.setdefault(about, []).append((self.heard, said.decision))
            case _:
                pass  # it changes nobody's right to a record

    def answer(self, record: str, reader: str, today: date) -> Release | Withheld:
        """May this reader have this record today? The rule itself, asked with what the model knows."""
        jurisdiction = self.jurisdictions[reader]
        exhibit = self.exhibit(record)
        granted_at = self.grants.get((exhibit, jurisdiction))
        standing_decisions = [
            decision
            for place, decision in self.decisions.get((exhibit, jurisdiction), [])
            if decision is Decision.APPROVED or place > (granted_at or -1)
        ]
        decision = standing_decisions[-1] if standing_decisions else None
        taken_back = any(holder == reader and self.exhibit(one) == exhibit for one, holder in self.revoked)
        standing = Standing(
            groups=self.groups,
            bases=self.bases,
            granted=granted_at is not None,
            withdrawn=record in self.withdrawn or taken_back,
            denied=decision is Decision.REFUSED,
            decision=decision,
        )
        return release(
            self.records[record],
            Recipient(reader, jurisdiction, enrolled=True),
            Purpose.CORRELATION,
            self.legal_basis,
            today,
            owner=self.owner,
            standing=standing,
        )

    def entitled(self, reader: str, today: date) -> set[str]:
        return {record for record in self.records if isinstance(self.answer(record, reader, today), Release)}

    def newest(self) -> list[str]:
        """The records that may be amended: not withdrawn, and no other supersedes them."""
        amended = {record.supersedes for record in self.records.values()}
        return [name for name in self.records if name not in amended and name not in self.withdrawn]

    def chain(self, record: str) -> list[str]:
        """All versions of a record, the oldest first."""
        first = self.exhibit(record)
        return [name for name, said in self.records.items() if (said.first_version or name) == first]


@dataclass
class Holdings:
    """What lies on one node: own records and those of others."""

    node_id: str
    shown: dict[str, Record] = field(default_factory=dict)
    restricted: dict[str, Record] = field(default_factory=dict)
    """Withdrawn, and kept for a court."""
    held: set[str] = field(default_factory=set)
    came: dict[str, Record] = field(default_factory=dict)
    """Each record that came, erased or not."""
    stones: set[tuple[str, str]] = field(default_factory=set)
    """What keeps a record away: its id, and for whom it was withdrawn, empty for everybody."""
    known: set[str] = field(default_factory=set)
    withdrawals: dict[tuple[str, str], str] = field(default_factory=dict)
    """The last withdrawal of a record, for whom, that was read here: what this node must acknowledge."""
    places: dict[str, int] = field(default_factory=dict)
    """How far each peer's lane was read."""
    withheld: dict[str, int] = field(default_factory=dict)
    """How many places of each peer's lane came without content."""

    def speak(self, statement_id: str, said: AnyStatement) -> None:
        """It said something itself."""
        self.known.add(statement_id)
        match said:
            case Record():
                self._store(statement_id, said)
            case Withdrawal(holder=None):
                self.take_away(said.record, "")
            case Hold(placed=True):
                self.held.add(said.record)
            case Hold(placed=False):
                self.held.discard(said.record)
                over = [name for name in self.restricted if self.exhibit(name) == self.exhibit(said.record)]
                for name in over:
                    del self.restricted[name]
            case _:
                pass

    def read(self, owner: str, items: Sequence[tuple[str, AnyStatement | None]]) -> None:
        """It stored a page of a peer's lane; a place without content brings None."""
        self.places[owner] = self.places.get(owner, 0) + len(items)
        for statement_id, said in items:
            self.known.add(statement_id)
            match said:
                case None:
                    self.known.discard(statement_id)
                    self.withheld[owner] = self.withheld.get(owner, 0) + 1
                case Record() if not self.stones & {(statement_id, ""), (statement_id, self.node_id)}:
                    self._store(statement_id, said)
                case Grant():
                    exhibit = self.exhibit(said.record)
                    own = {(name, whom) for name, whom in self.stones if whom == self.node_id}
                    self.stones -= {stone for stone in own if self.exhibit(stone[0]) == exhibit}
                case Withdrawal():
                    whom = said.holder or ""
                    self.withdrawals[said.record, whom] = statement_id
                    self.take_away(said.record, whom)
                case _:
                    pass

    def exhibit(self, record: str) -> str:
        """The first version of a record."""
        said = self.came.get(record)
        return record if said is None else said.first_version or record

    def take_away(self, record: str, whom: str) -> None:
        self.stones.add((record, whom))
        found = self.shown.pop(record, None) or self.restricted.pop(record, None)
        if found is not None and self.exhibit(record) in {self.exhibit(name) for name in self.held}:
            self.restricted[record] = found

    def keeps(self, statement_id: str, said: AnyStatement) -> bool:
        """Whether its content lies here: of a record it goes once the record is withdrawn."""
        here = statement_id in self.shown or statement_id in self.restricted
        return statement_id in self.known and (here or not isinstance(said, Record))

    def outlived(self, today: date) -> list[str]:
        """Others' records of which the retention is over, that nobody has taken away yet."""
        return [
            name
            for name, record in self.shown.items()
            if record.issuer != self.node_id and record.retention_until < today
        ]

    def current(self) -> set[str]:
        """What is shown to examiners: no version of which a newer one is known."""
        newest: dict[str, str] = {}
        for name, _ in sorted(self.came.items(), key=lambda item: item[1].nonce):  # the nonces count the records
            newest[self.exhibit(name)] = name
        return self.shown.keys() & set(newest.values())

    def _store(self, statement_id: str, record: Record) -> None:
        self.came[statement_id] = record
        self.restricted.pop(statement_id, None)
        self.shown[statement_id] = record
