"""Serbia's node with three partners and a clock that the test sets: what happens is signed, stored, and counted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from exchange.coordination.half_year.half_year_report import ReportDraft, draft
from exchange.coordination.half_year.half_years import Half
from exchange.flows.log.audit_rows import dealt_with
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import add_statement, append_own
from exchange.store.review.review_rows import scans_of
from exchange.store.sync.peers import add_peer, find_peer, new_peer
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from exchange.store.tables.review_tables import ScoreSeenRow, VerificationTaskRow
from exchange.store.tables.terms_tables import ApprovalRow
from schemas import AnyStatement, Record, parse_statement, statement_id, statement_payload
from tests.exchange.peer_cards import card_of
from tests.schemas.examples import acquisition_fields, exhibit_fields, record_fields
from tests.schemas.results import ON
from tests.schemas.statement_examples import statement_fields

RS, MK, XK, AL = "ffp-rs", "ffp-mk", "ffp-xk", "ffp-al"
LONG_BEFORE = datetime(2026, 3, 5, tzinfo=UTC)
BASIS = "Test agreement, article 1"


@dataclass
class Clock:
    """Stands for ``exchange.clock.now``."""

    moment: datetime

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class World:
    node: Node
    clock: Clock
    made: int = 0
    scans: dict[str, str] = field(default_factory=dict)
    issuers: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    """The first hit of each pair."""

    def at(self, when: str) -> None:
        """``2026-08-01`` or ``2026-08-01 12:30``, in UTC."""
        self.clock.moment = datetime.fromisoformat(f"{when}+00:00" if " " in when else f"{when} 00:00+00:00")

    def enrol(self, *node_ids: str, basis: str = BASIS) -> None:
        with self.node.store.write() as session:
            for node_id in node_ids:
                peer = new_peer(
                    node_id=node_id,
                    jurisdiction=node_id[-2:].upper(),
                    url="http://127.0.0.1:9",
                    card=card_of(node_id),
                    legal_basis=basis,
                )
                add_peer(session, peer)

    def record(self, issuer: str = RS, *, case: str | None = None, kind: str = "crime_scene", **changes: Any) -> str:
        """A record of somebody's, as a submission or a page brings it; returns its statement id."""
        number = self._next()
        scan = hashlib.sha256(b"scan %d" % number).hexdigest()
        blob = {"sha256": scan, "size": 9, "media_type": "application/x-x3p"}
        fields = record_fields(
            issuer=issuer,
            jurisdiction=issuer[-2:].upper(),
            nonce=f"{number:064x}",
            case_reference=case or f"case-{number}",
            exhibit=exhibit_fields(kind=kind),
            acquisitions=[acquisition_fields(blob=blob)],
            handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            audience=["MK", "XK", "AL"],
        )
        name = self._store(fields | changes)
        self.scans[name], self.issuers[name] = scan, issuer
        return name

    def say(self, kind: str, issuer: str = RS, **changes: Any) -> str:
        """A statement about something, by its type; returns its id."""
        return self._store({**statement_fields()[kind], "nonce": f"{self._next():064x}", "issuer": issuer, **changes})

    def pair(self, one: str, other: str) -> dict[str, Any]:
        low, high = sorted((one, other))
        a, b = (
            {"issuer": self.issuers[name], "record": name, "first_version": name, "scan": self.scans[name]}
            for name in (low, high)
        )
        return {"a": a, "b": b}

    def hit(self, one: str, other: str, *, issuer: str = RS, confirmed: bool = False, conclusion: str = "") -> str:
        """With what it rests on, which was said long before, unless the conclusion is given."""
        stage, basis = ("confirmed", "exhibits") if confirmed else ("lead", "screen")
        pair, moment = self.pair(one, other), self.clock.moment
        self.clock.moment = LONG_BEFORE
        answers = self._agree(pair, issuer) if confirmed else None
        found = {"pair": pair, **ON[basis]}
        conclusion = conclusion or self.say("conclusion", issuer, **found)
        second = {"pseudonym": "examiner-8", "role": "examiner", "signed_in": "token"}
        verification = self.say("verification", issuer, verifies=conclusion, made_by=second, **found)
        self.clock.moment = moment
        rests_on = {"conclusion": conclusion, "verification": verification}
        hit = self.say("hit", issuer, pair=pair, stage=stage, basis=basis, score=None, answers=answers, **rests_on)
        self.leads.setdefault(json.dumps(pair), hit)
        return hit

    def _agree(self, pair: dict[str, Any], issuer: str) -> str:
        other = next(side["issuer"] for side in pair.values() if side["issuer"] != issuer)
        lead = self.leads[json.dumps(pair)]
        asked = self.say("physical-comparison", issuer, hit=lead, step="asked")
        return self.say("physical-comparison", other, hit=lead, step="agreed", answers=asked, on="2026-03-06")

    def conclude(self, one: str, other: str) -> str:
        return self.say("conclusion", pair=self.pair(one, other))

    def given(self, peer: str, *records: str) -> None:
        """The peer read these from its lane."""
        with self.node.store.read() as session:
            row = find_peer(session, peer)
        assert row is not None
        self.node.audit.note(dealt_with(row, Act.GIVE_PAGE, records, len(records)))

    def correlated(self, record: str, when: str) -> None:
        with self.node.store.write() as session:
            for row in session.query(AcquisitionRow).filter_by(statement_id=record):
                row.correlated_at = row.first_correlated_at = f"{when}T00:00:00.000Z"

    def compared(self, one: str, other: str) -> None:
        """A pair across a border, as correlation leaves it."""
        with self.node.store.write() as session:
            a, b = (session.query(AcquisitionRow).filter_by(statement_id=name).one() for name in (one, other))
            session.add(
                CandidateRow(
                    pair=f"{a.acquisition_id}-{b.acquisition_id}",
                    acquisition_a=a.acquisition_id,
                    acquisition_b=b.acquisition_id,
                    statement_a=one,
                    statement_b=other,
                    cross_border=True,
                    same_case=False,
                    score=0.5,
                    congruent_cells=5,
                    cells=9,
                    matcher_version="1",
                    comparison="{}",
                    parameters="0" * 64,
                    created_at="2026-07-01T00:00:00.000Z",
                )
            )

    def opened(self, one: str, other: str, when: str) -> None:
        low, high = scans_of(self.scans[one], self.scans[other])
        at = f"{when}T00:00:00.000Z"
        with self.node.store.write() as session:
            session.add(ScoreSeenRow(pseudonym="e", scan_low=low, scan_high=high, listed_at=at, opened_at=at))

    def task(self, *, due: str, done: str | None = None, conclusion: str | None = None) -> None:
        with self.node.store.write() as session:
            session.add(
                VerificationTaskRow(
                    task_id=f"{self._next():032x}",
                    conclusion=conclusion,
                    basis="screen",
                    scan_low="a",
                    scan_high="b",
                    exhibit_low="ffp-mk/a",
                    exhibit_high="ffp-rs/b",
                    statement_a="a",
                    statement_b="b",
                    pair="{}",
                    created_at="2026-07-01T00:00:00.000Z",
                    due_at=f"{due}T00:00:00.000Z",
                    done_at=f"{done}T00:00:00.000Z" if done else None,
                )
            )

    def asked(self, to: str, *, at: str, due: str, decided: str | None = None, decision: str | None = None) -> None:
        with self.node.store.write() as session:
            session.add(
                ApprovalRow(
                    concerns=f"{self._next():064x}",
                    jurisdiction=to,
                    decision=decision,
                    asked_at=f"{at}T00:00:00.000Z",
                    due_at=f"{due}T00:00:00.000Z",
                    decided_at=f"{decided}T00:00:00.000Z" if decided else None,
                )
            )

    def draft(self, half: str = "2026H2") -> ReportDraft:
        return draft(self.node, Half.parse(half))

    def counts(self, half: str = "2026H2") -> dict[str, dict[str, int | None]]:
        return {name: dict(counts) for name, counts in self.draft(half).counted.counts.items()}

    def _next(self) -> int:
        self.made += 1
        return self.made

    def _store(self, fields: dict[str, Any]) -> str:
        statement: AnyStatement = parse_statement(json.dumps(fields).encode())
        payload = statement_payload(statement)
        name, envelope = statement_id(payload), self.node.keys.statement.sign(payload)
        with self.node.store.write() as session:
            if statement.issuer == RS:
                append_own(session, name, statement, statement.type, envelope)
            else:
                add_statement(session, name, statement, statement.type, envelope, self._next())
            if isinstance(statement, Record):
                add_record(session, name, statement, submitted_by=None, state=AcquisitionState.QUEUED)
        return name
