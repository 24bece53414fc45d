"""Six nodes over simulated half-years, and what is true of them: each thing that happens is signed by whose it is,
stored on the nodes that get it, and written down in the truth, which counts by rules of its own."""

from __future__ import annotations

import hashlib
import json
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

from exchange.clock import stamp
from exchange.coordination.half_year.half_year_report import approve_report, draft
from exchange.coordination.half_year.half_years import Half, Period, Year
from exchange.coordination.region_files.recipient import RecipientKey, make_recipient
from exchange.coordination.region_files.release_report import Addressed, release_report
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.log.audit_rows import dealt_with
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.log.audit_entry import Act, Actor, ActorKind
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import add_statement, append_own
from exchange.store.sync.peers import find_peer
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.trust.card import fingerprint
from schemas import Maker, Record, parse_statement, statement_id, statement_payload
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.open_policy import allow_all
from tests.schemas.examples import acquisition_fields, exhibit_fields, record_fields
from tests.schemas.results import ON
from tests.schemas.statement_examples import statement_fields

CODES = ("AL", "BA", "ME", "MK", "RS", "XK")
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
BY_HEAD = Actor(ActorKind.PERSON, "head-1", Role.HEAD)
H1, H2, YEAR = Half(2026, 1), Half(2026, 2), Year(2026)
FEEDBACK = timedelta(hours=720)


class Clock:
    """Stands for ``exchange.clock.now``."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment


def half_of(at: datetime) -> str:
    return f"{at.year}H{1 if at.month <= 6 else 2}"


@dataclass
class Joined:
    """Two cases: when the first hit of them came to be known on each side, and the first confirmed one; who signed
    it; which feedback each side gave when."""

    known: dict[str, datetime]
    by: str
    confirmed: dict[str, datetime] = field(default_factory=dict)
    feedback: dict[str, datetime] = field(default_factory=dict)

    @property
    def lead_half(self) -> str:
        return min(half_of(at) for at in self.known.values())

    @property
    def confirmed_half(self) -> str | None:
        return min((half_of(at) for at in self.confirmed.values()), default=None)


@dataclass
class Truth:
    """By half-year. Pairs of jurisdictions in the order of their codes; ``one>other`` where they are not alike."""

    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    hours: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    joined: dict[frozenset[tuple[str, str]], Joined] = field(default_factory=dict)

    def count(self, half: str, name: str, key: str, by: int = 1) -> None:
        self.counts[half, name][key] += by

    def median(self, half: str, stage: str) -> float | None:
        found = self.hours[half, stage]
        return round(statistics.median(found), 1) if found else None


class RegionWorld:
    def __init__(self, folder: Path, clock: Clock, seed: int) -> None:
        self.clock, self.random, self.truth = clock, random.Random(seed), Truth()
        self.nodes: dict[str, Node] = {}
        self.made = 0
        self.records: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        """By jurisdiction: statement id, case, scan."""
        self.indices: dict[str, int] = {}
        for code in CODES:
            home = folder / f"ffp-{code.lower()}"
            create_node(home, jurisdiction=Jurisdiction(code), url=f"http://{code.lower()}.test", port=9)
            self.nodes[code] = open_node(home)
            allow_all(self.nodes[code])
        for one, other in permutations(self.nodes.values(), 2):
            found = read_introduction(one, other.card_envelope.raw)
            enrol(one, found, confirmed=found.fingerprint, legal_basis="Test agreement, article 1")
        self.recipient = make_recipient("Regional coordination (made up)")

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()

    def at(self, when: datetime) -> None:
        self.clock.moment = when

    def fingerprints(self) -> list[str]:
        """Each with its node, as a coordinator gives them."""
        return [f"{node.node_id}={fingerprint(node.history.card.identity)}" for node in self.nodes.values()]

    # what happens

    def receipts(self, codes: Sequence[str] = CODES) -> None:
        """Each signs for each other's lane, as it does within a day of the first exchange."""
        for one, other in permutations(codes, 2):
            owner = self.nodes[other].node_id
            self.say(
                "receipt",
                one,
                [other],
                owner=owner,
                count=0,
                head="0" * 64,
                accepted=0,
                withheld=0,
                set_aside=0,
                refused=[],
            )

    def enter(
        self, code: str, *, case: str | None = None, to: Iterable[str] = (), searched_after_h: float | None = 5
    ) -> str:
        """An exhibit, shared with these."""
        self.made += 1
        scan = hashlib.sha256(b"scan %d" % self.made).hexdigest()
        blob = {"sha256": scan, "size": 9, "media_type": "application/x-x3p"}
        fields = record_fields(
            issuer=self.nodes[code].node_id,
            jurisdiction=code,
            nonce=f"{self.made:064x}",
            case_reference=case or f"{code}-K-{self.made}",
            exhibit=exhibit_fields(kind="crime_scene"),
            acquisitions=[acquisition_fields(blob=blob)],
            handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            audience=[other for other in CODES if other != code],
        )
        to = list(to)
        name = self._store(fields, code, to)
        self.records[code].append((name, fields["case_reference"], scan))
        half = half_of(self.clock.moment)
        self.truth.count(half, "exhibits_entered", code)
        for other in to:
            with self.nodes[code].store.read() as session:
                peer = find_peer(session, self.nodes[other].node_id)
            assert peer is not None
            self.nodes[code].audit.note(dealt_with(peer, Act.GIVE_PAGE, (name,), 1))
            self.truth.count(half, "exhibits_shared", f"{code}>{other}")
            self.truth.count(half, "exhibits_received", f"{other}>{code}")
        if searched_after_h is not None:
            searched = self.clock.moment + timedelta(hours=searched_after_h)
            with self.nodes[code].store.write() as session:
                for row in session.query(AcquisitionRow).filter_by(statement_id=name):
                    row.correlated_at = row.first_correlated_at = stamp(searched)
            self.truth.count(half_of(searched), "exhibits_searched", code)
            self.truth.hours[half_of(searched), "search"].append(searched_after_h)
        return name

    def lead(
        self,
        one: tuple[str, str],
        other: tuple[str, str],
        *,
        thinking_h: float = 24,
        late_on_the_other_side: timedelta = timedelta(0),
    ) -> str:
        """The first of both signs a hit between two records, each given with its jurisdiction; returns its id."""
        return self._hit(one, other, "lead", "screen", thinking_h, late_on_the_other_side)

    def confirm(self, one: tuple[str, str], other: tuple[str, str], lead: str) -> str:
        code, partner = one[0], other[0]
        issuer_ids = self.nodes[code].node_id, self.nodes[partner].node_id
        moment = self.clock.moment
        asked = self.say("physical-comparison", code, [partner], hit=lead, step="asked", on=None)
        day = (moment - timedelta(days=1)).date().isoformat()
        agreed = self.say("physical-comparison", partner, [code], hit=lead, step="agreed", answers=asked, on=day)
        assert issuer_ids[0] != issuer_ids[1]
        return self._hit(one, other, "confirmed", "exhibits", 24, timedelta(0), answers=agreed)

    def _hit(
        self,
        one: tuple[str, str],
        other: tuple[str, str],
        stage: str,
        basis: str,
        thinking_h: float,
        late: timedelta,
        answers: str | None = None,
    ) -> str:
        code, partner = one[0], other[0]
        pair, moment = self.pair(one, other), self.clock.moment
        others = [] if code == partner else [partner]
        found = {"pair": pair, **ON[basis], "remark": None}
        self.at(moment - timedelta(hours=thinking_h))
        conclusion = self.say("conclusion", code, others, **found)
        self.truth.count(half_of(self.clock.moment), "conclusions", f"{code}>{partner}" if others else code)
        self.at(moment - timedelta(hours=thinking_h / 2))
        second = {"pseudonym": "examiner-8", "role": "examiner", "signed_in": "token"}
        verification = self.say("verification", code, others, verifies=conclusion, made_by=second, **found)
        self.truth.hours[half_of(self.clock.moment), "verification"].append(round(thinking_h / 2, 2))
        self.at(moment)
        rests = {"conclusion": conclusion, "verification": verification, "score": None, "answers": answers}
        hit = self.say("hit", code, others, late=late, pair=pair, stage=stage, basis=basis, **rests)
        if others:
            self.truth.hours[half_of(moment), "dissemination"].append(round(thinking_h, 2))
        self._note_joined(one, other, stage, moment, late)
        return hit

    def _note_joined(
        self, one: tuple[str, str], other: tuple[str, str], stage: str, moment: datetime, late: timedelta
    ) -> None:
        cases = frozenset((code, self.case_of(name)) for code, name in (one, other))
        known = {one[0]: moment}
        if other[0] != one[0]:
            known[other[0]] = moment + late
        joined = self.truth.joined.setdefault(cases, Joined(known=dict(known), by=one[0]))
        if stage == "confirmed" and not joined.confirmed:
            joined.confirmed = dict(known)

    def feedback(self, code: str, partner: str, hit: str, one: str, other: str) -> None:
        self.say("feedback", code, [partner], hit=hit)
        cases = frozenset(((code, self.case_of(one)), (partner, self.case_of(other))))
        joined = self.truth.joined[cases]
        if code not in joined.feedback:
            joined.feedback[code] = self.clock.moment
            waited = (self.clock.moment - joined.known[code]).total_seconds() / 3600
            self.truth.hours[half_of(self.clock.moment), "feedback"].append(round(waited, 2))

    def retract(self, code: str, partner: str, hit: str, one: str, other: str) -> None:
        """Take back the only hit of two cases, within the half-year in which it was signed."""
        self.say("retraction", code, [partner], retracts=hit)
        del self.truth.joined[frozenset(((code, self.case_of(one)), (partner, self.case_of(other))))]
        half = half_of(self.clock.moment)
        self.truth.count(half, "hits_retracted", "-".join(sorted((code, partner))))

    def ask(self, code: str, partner: str, answered_after_h: float | None) -> None:
        query = self.say("query", code, [partner], to=self.nodes[partner].node_id)
        at = self.clock.moment
        answered = at + timedelta(hours=answered_after_h) if answered_after_h is not None else None
        for own in (code, partner):
            with self.nodes[own].store.write() as session:
                session.add(
                    QueryRow(
                        statement_id=query,
                        asker=self.nodes[code].node_id,
                        asked=self.nodes[partner].node_id,
                        roi="breech_face",
                        calibre="9 mm Luger",
                        case_reference="made-up",
                        purpose="investigation",
                        legal_basis="Test",
                        made_by="investigator-1",
                        state="asked",
                        at=stamp(at),
                        due_at=stamp(at + timedelta(days=3)),
                        answered_at=stamp(answered) if answered else None,
                    )
                )
        half = half_of(at)
        self.truth.count(half, "queries_asked", f"{code}>{partner}")
        self.truth.count(half, "queries_received", f"{partner}>{code}")
        if answered is not None and answered_after_h is not None:
            for stage in ("answer_given", "answer_received"):
                self.truth.hours[half_of(answered), stage].append(answered_after_h)

    def decide(self, code: str, partner: str, approved: bool, after_h: float) -> None:
        self.made += 1
        at = self.clock.moment
        decided = at + timedelta(hours=after_h)
        with self.nodes[code].store.write() as session:
            session.add(
                ApprovalRow(
                    concerns=f"{self.made:064x}",
                    jurisdiction=partner,
                    decision="approved" if approved else "refused",
                    asked_at=stamp(at),
                    due_at=stamp(at + timedelta(days=30)),
                    decided_at=stamp(decided),
                )
            )
        name = "releases_approved" if approved else "releases_refused"
        self.truth.count(half_of(decided), name, f"{code}>{partner}")
        self.truth.hours[half_of(decided), "decision"].append(after_h)

    # what is known of it

    def case_of(self, record: str) -> str:
        return next(case for found in self.records.values() for name, case, _ in found if name == record)

    def pair(self, one: tuple[str, str], other: tuple[str, str]) -> dict[str, Any]:
        sides = {}
        for code, name in (one, other):
            scan = next(scan for found, _, scan in self.records[code] if found == name)
            sides[name] = {"issuer": self.nodes[code].node_id, "record": name, "first_version": name, "scan": scan}
        a, b = (sides[name] for name in sorted(sides))
        return {"a": a, "b": b}

    def settled(self, moment: datetime) -> Truth:
        """The truth with what follows from the joined cases."""
        found = Truth(joined=self.truth.joined)
        found.counts |= {key: Counter(counts) for key, counts in self.truth.counts.items()}
        found.hours |= {key: list(hours) for key, hours in self.truth.hours.items()}
        for cases, joined in self.truth.joined.items():
            codes = sorted({code for code, _ in cases})
            key = "-".join(codes)
            found.count(joined.lead_half, "leads", key)
            if len(codes) == 2:
                found.count(joined.lead_half, "leads_first_signed", joined.by)
            if joined.confirmed_half is not None:
                found.count(joined.confirmed_half, "confirmed_hits", key)
                for code in codes:
                    waited = (joined.confirmed[code] - joined.known[code]).total_seconds() / 3600
                    found.hours[half_of(joined.confirmed[code]), "confirmation"].append(round(waited, 2))
            for code in codes if len(codes) == 2 else ():
                (other,) = set(codes) - {code}
                due = joined.known[code] + FEEDBACK
                if due < moment:
                    given = joined.feedback.get(code)
                    is_given = given is not None and half_of(given) <= half_of(due)
                    name = "feedback_given" if is_given else "feedback_missing"
                    found.count(half_of(due), name, f"{code}>{other}")
        return found

    # the reports

    def approve(self, period: Period) -> None:
        for node in self.nodes.values():
            approve_report(node, HEAD, period, draft(node, period).sha256, "To the coordinator.")
            sign_head(node)

    def file(self, code: str, period: Period, key: RecipientKey | None = None) -> bytes:
        key = key or self.recipient
        to = Addressed(key.recipient, key.recipient.fingerprint, "The region's half-yearly meeting")
        return release_report(self.nodes[code], BY_HEAD, period, to)

    def files(self, period: Period) -> list[tuple[str, bytes]]:
        return [(f"{code.lower()}.json", self.file(code, period)) for code in CODES]

    # how it is stored

    def say(
        self, kind: str, code: str, others: Sequence[str], *, late: timedelta = timedelta(0), **changes: Any
    ) -> str:
        self.made += 1
        fields = {**statement_fields()[kind], "nonce": hashlib.sha256(b"nonce %d" % self.made).hexdigest()}
        return self._store({**fields, "issuer": self.nodes[code].node_id, **changes}, code, others, late)

    def _store(self, fields: dict[str, Any], code: str, others: Sequence[str], late: timedelta = timedelta(0)) -> str:
        statement = parse_statement(json.dumps(fields).encode())
        payload = statement_payload(statement)
        name, owner, moment = statement_id(payload), self.nodes[code], self.clock.moment
        envelope = owner.keys.statement.sign(payload)
        with owner.store.write() as session:
            index = append_own(session, name, statement, statement.type, envelope)
            if isinstance(statement, Record):
                add_record(session, name, statement, submitted_by=None, state=AcquisitionState.QUEUED)
        self.at(moment + late)
        for other in others:
            with self.nodes[other].store.write() as session:
                add_statement(session, name, statement, statement.type, envelope, index)
                if isinstance(statement, Record):
                    add_record(session, name, statement, submitted_by=None, state=AcquisitionState.QUEUED)
        self.at(moment)
        return name


def live(world: RegionWorld, halves: Sequence[Half]) -> None:
    """Half-years in which pairs of jurisdictions have anything from nothing to more than may be hidden."""
    draws = world.random
    for half in halves:
        begin = datetime.fromisoformat(half.start)
        for code in CODES:
            for _ in range(draws.choice((0, 2, 6, 9))):
                world.at(begin + timedelta(days=draws.randint(3, 60)))
                to = [other for other in CODES if other != code and draws.random() < 0.5]
                world.enter(code, to=to, searched_after_h=draws.choice((None, 2, 7.5, 30)))
            world.at(begin + timedelta(days=draws.randint(3, 60)))
            if draws.random() < 0.5:
                a, b = world.enter(code), world.enter(code)
                world.at(begin + timedelta(days=80))
                world.lead((code, a), (code, b))
        for one, other in combinations(CODES, 2):
            _between(world, one, other, begin)
        for one, other in permutations(CODES, 2):
            for _ in range(draws.choice((0, 0, 1, 5))):
                world.at(begin + timedelta(days=draws.randint(1, 150)))
                world.ask(one, other, draws.choice((None, 3, 40)))
            for _ in range(draws.choice((0, 0, 0, 2, 6))):
                world.at(begin + timedelta(days=draws.randint(1, 150)))
                world.decide(one, other, draws.random() < 0.6, draws.choice((4, 50)))


def _between(world: RegionWorld, one: str, other: str, begin: datetime) -> None:
    draws = world.random
    for _ in range(draws.choice((0, 0, 1, 3, 5, 7))):
        first, second = draws.sample((one, other), 2)
        world.at(begin + timedelta(days=draws.randint(5, 20)))
        a = world.enter(first, to=[second])
        b = world.enter(second, to=[first])
        world.at(begin + timedelta(days=draws.randint(30, 100)))
        hit = world.lead((first, a), (second, b), thinking_h=draws.choice((6, 24, 90)))
        moment = world.clock.moment
        if draws.random() < 0.1:
            world.at(moment + timedelta(days=1))
            world.retract(first, second, hit, a, b)
            continue
        if draws.random() < 0.5:
            world.at(moment + timedelta(days=draws.randint(3, 20)))
            world.confirm((first, a), (second, b), hit)
        for code, partner, own, its in ((first, second, a, b), (second, first, b, a)):
            if draws.random() < 0.5:
                world.at(moment + timedelta(days=draws.randint(5, 50)))
                world.feedback(code, partner, hit, own, its)


def start_of_2026() -> Clock:
    return Clock(datetime(2026, 1, 2, tzinfo=UTC))
