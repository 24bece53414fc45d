"""What people do in the past, each act through the flow that does it in a node, and written down in the truth."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from exchange.coordination.training.past_stage import LaneRead, PastStage
from exchange.coordination.training.past_truth import ExhibitTruth, JoinedTruth, Truth
from exchange.errors import ConfigurationError
from exchange.flows.blind.visibility import note_shown
from exchange.flows.candidates.candidates import ranked_for_record
from exchange.flows.entry.submit import submit_record
from exchange.flows.node.node import Node
from exchange.flows.query.ask import Question, ask
from exchange.flows.review.approvals import sign_decision
from exchange.flows.review.statements import speak
from exchange.flows.statement.received_scan import ReceivedScan, arriving_scan
from exchange.flows.terms.withdraw import withdraw
from schemas import Maker
from schemas.vocabulary import (
    AfteConclusion,
    Basis,
    Decision,
    FeedbackOutcome,
    Jurisdiction,
    LawfulPurpose,
    Role,
    ScreenConclusion,
    SignedInBy,
    WithdrawalReason,
)

SECOND_REVIEW = timedelta(hours=24)
DECISION = timedelta(days=2)
COMPARED_REGION: Final = "breech_face"
OTHER_REGION: Final = "ejector_mark"
QUERY_BASIS: Final = "Made-up agreement on police cooperation, article 12"


def person(name: str, role: Role) -> Maker:
    return Maker(pseudonym=name, role=role, signed_in=SignedInBy.TOKEN)


EXAMINER: Final = person("examiner-1", Role.EXAMINER)
SECOND: Final = person("examiner-2", Role.EXAMINER)
INVESTIGATOR: Final = person("investigator-1", Role.INVESTIGATOR)
PAST_HEAD: Final = person("head-1", Role.HEAD)


@dataclass(frozen=True)
class PastExhibit:
    """An exhibit that a jurisdiction registered: the id of its record, and its scan."""

    code: str
    record: str
    scan: str
    truth: ExhibitTruth


@dataclass
class PastHit:
    """A lead, and what is said of it later: ids of statements."""

    one: PastExhibit
    other: PastExhibit
    statement: str
    truth: JoinedTruth
    step: str = ""

    @property
    def codes(self) -> tuple[str, str]:
        return self.one.code, self.other.code


@dataclass
class AskedQuestion:
    """A question with a scan, on its way there and back."""

    asker: str
    asked: str
    at: datetime
    received: datetime | None = None
    answered: datetime | None = None


Steps = Iterator[float]
"""An act of several steps: after each, how many hours it waits for the next."""


class Story:
    """What is told between two sides counts from when the other side signed that it had read it: so the truth waits for
    that too (``_between``)."""

    def __init__(self, stage: PastStage, truth: Truth) -> None:
        self.stage, self.truth, self.clock = stage, truth, stage.clock
        self._coming = defaultdict[tuple[str, str], list[Callable[[datetime], object]]](list)
        self._unsearched = defaultdict[str, list[PastExhibit]](list)
        self._asked: list[AskedQuestion] = []
        self._answers = False
        self._numbers = defaultdict[str, int](int)

    def node(self, code: str) -> Node:
        return self.stage.nodes[code]

    def settle(self, *, answers: bool = False) -> None:
        """``answers``: questions that were delivered before are answered too."""
        self._answers = answers
        self.stage.settle(self._worked, self._read, answers=answers)

    # exhibits

    def enter(
        self,
        code: str,
        scan: Path,
        calibre: str,
        to: Sequence[str],
        *,
        keeps: Mapping[str, str] = MappingProxyType({}),
        kind: str = "crime_scene",
        compared: bool = True,
    ) -> PastExhibit:
        """Register an exhibit for these. ``keeps``: from whom a line of the policy keeps it, and which. ``compared``:
        its scan is of a region that nodes compare; else examiners alone do."""
        node, at = self.node(code), self.clock.on(minutes=1)
        self._numbers[code] += 1
        metadata = {
            "case_reference": f"{code}-{at:%y}-P{self._numbers[code]:03d}",
            "exhibit": {"kind": kind, "calibre": calibre},
            "acquisitions": [
                {"roi": COMPARED_REGION if compared else OTHER_REGION, "modality": "topography", "file": "scan"}
            ],
            "handling": {"code": "H0"},
            "level": "full",
            "audience": list(to),
            "retention_until": f"{at.year + 12}-12-31",
        }
        with arriving_scan(node) as arrival:
            arrival.write(scan.read_bytes())
            received = ReceivedScan("scan", arrival, arrival.finish())
            receipt = submit_record(node, EXAMINER, json.dumps(metadata).encode(), [received], None)
        truth = ExhibitTruth(code, calibre, at, dict(keeps))
        self.truth.exhibits.append(truth)
        entered = PastExhibit(code, receipt.statement_id, received.sha256, truth)
        if compared:
            self._unsearched[code].append(entered)
        self._shared(entered, [partner for partner in to if partner not in keeps])
        for partner, line in keeps.items():
            if line == "needs_approval":
                self.truth.undecided.append((f"{code}>{partner}", at + DECISION))
        return entered

    def decide(self, entered: PastExhibit, partner: str, *, approved: bool) -> None:
        """The head decides on what needs an approval."""
        decision = Decision.APPROVED if approved else Decision.REFUSED
        at, key = self.clock.on(minutes=1), f"{entered.code}>{partner}"
        because = "A made-up decision, to practise with."
        sign_decision(self.node(entered.code), PAST_HEAD, entered.record, Jurisdiction(partner), decision, because)
        self.truth.count(at, "releases_approved" if approved else "releases_refused", key)
        self.truth.undecided.remove((key, entered.truth.entered + DECISION))
        self.truth.lasted("decision", entered.truth.entered, at)
        if approved:
            self._shared(entered, [partner])

    def withdraw(self, entered: PastExhibit) -> None:
        withdraw(self.node(entered.code), PAST_HEAD, entered.record, WithdrawalReason.ENTERED_IN_ERROR)
        entered.truth.withdrawn = self.clock.on(minutes=1)
        self.stage.told(entered.code, entered.truth.given)

    def open_pair(self, code: str, own: PastExhibit, other: PastExhibit) -> None:
        """An examiner looks at a pair that the matcher ranked."""
        node, at = self.node(code), self.clock.on(minutes=1)
        found = ranked_for_record(node, EXAMINER.role, EXAMINER.pseudonym, own.record, limit=200)
        wanted = {own.record, other.record}
        pairs = [
            pair for pair in (found.pairs if found else ()) if {pair.row.statement_a, pair.row.statement_b} == wanted
        ]
        if not pairs:
            raise ConfigurationError(f"The matcher of {code} did not compare {own.record} with {other.record}.")
        note_shown(node, EXAMINER.role, EXAMINER.pseudonym, pairs, opened=True)
        for side in (own, other):
            if side.code == code and side.truth.opened is None:
                side.truth.opened = at

    # hits

    def together(self, acts: Iterable[Steps]) -> None:
        """Acts that go on beside each other, each by its own hours. They begin a minute apart."""
        waiting: list[tuple[datetime, int, Steps]] = []
        for number, act in enumerate(acts, start=1):
            waiting.append((self.clock() + timedelta(minutes=number), number, act))
        while waiting:
            due, number, act = heappop(waiting)
            self.clock.to(due)
            hours = next(act, None)
            if hours is not None:
                heappush(waiting, (self.clock() + timedelta(hours=hours), number, act))

    def conclude(self, code: str, one: PastExhibit, other: PastExhibit, basis: Basis) -> str:
        """The first examiner's conclusion."""
        said = self._say(code, EXAMINER, "conclusion", pair=_pair(one, other), **_associated(basis))
        key = code if one.code == other.code else f"{code}>{_other(code, (one.code, other.code))}"
        self.truth.count(self.clock(), "conclusions", key)
        return said

    def leave_unverified(self, one: PastExhibit, other: PastExhibit) -> None:
        """A conclusion that no second examiner gets to."""
        self.clock.on(minutes=1)
        self.conclude(one.code, one, other, Basis.SCREEN)
        self.truth.unverified.append((one.code, self.clock() + SECOND_REVIEW))

    def lead(self, one: PastExhibit, other: PastExhibit, *, after_h: float, hits: list[PastHit] | None = None) -> Steps:
        """Two examiners of the first side hold the pair for a lead, and tell the other side; the hit comes to
        ``hits``."""
        code, truth = one.code, JoinedTruth(one.code, other.code)
        since, rests = yield from self._two_examiners(code, one, other, Basis.SCREEN, after_h)
        self.truth.joined.append(truth)
        said = self._say(code, EXAMINER, "hit", pair=_pair(one, other), stage="lead", basis="screen", **rests)
        if truth.across:
            self.truth.lasted("dissemination", since, self.clock())
            self._between(code, other.code, lambda read_at: setattr(truth, "known", read_at))
        else:
            truth.known = self.clock()
        if hits is not None:
            hits.append(PastHit(one, other, said, truth))

    def _two_examiners(
        self, code: str, one: PastExhibit, other: PastExhibit, basis: Basis, after_h: float
    ) -> Generator[float, None, tuple[datetime, dict[str, str]]]:
        """One concludes, the other verifies so many hours later, and an hour after that the first goes on. Returns when
        the first concluded, and what a hit rests on."""
        since, conclusion = self.clock(), self.conclude(code, one, other, basis)
        yield after_h
        fields = {"pair": _pair(one, other), "verifies": conclusion}
        verification = self._say(code, SECOND, "verification", **fields, **_associated(basis))
        self.truth.lasted("verification", since, self.clock())
        yield 1
        return since, {"conclusion": conclusion, "verification": verification}

    def retract(self, hit: PastHit) -> None:
        code, partner = hit.codes
        self.clock.on(minutes=1)
        self._say(code, PAST_HEAD, "retraction", retracts=hit.statement, reason="Made up: the wrong exhibit.")
        self._between(code, partner, lambda at: setattr(hit.truth, "retracted", at))

    def ask_comparison(self, hit: PastHit) -> None:
        code, partner = hit.codes
        self.clock.on(minutes=1)
        self._step(partner, hit, "asked", INVESTIGATOR)
        self._between(partner, code, lambda at: setattr(hit.truth, "asked", at))

    def agree(self, hit: PastHit, on: datetime) -> None:
        code, partner = hit.codes
        self.clock.on(minutes=1)
        hit.step = self._step(code, hit, "agreed", PAST_HEAD, on=on)
        self._between(code, partner)

    def move(self, hit: PastHit, step: str, code: str) -> None:
        """The exhibit of the first side travels, a step further; by the side of ``code``."""
        self.clock.on(minutes=1)
        fields = {"answers": hit.step, "record": hit.one.record, "seal": f"{hit.one.code}-0001"}
        if step == "received":
            fields |= {"place": "The laboratory", "seal_whole": "yes"}
        hit.step = self._step(code, hit, step, INVESTIGATOR, on=self.clock(), **fields)
        self._between(code, _other(code, hit.codes))

    def confirm(self, hit: PastHit, *, after_h: float) -> Steps:
        """Both examiners of the side that received the exhibit identify, at the microscope."""
        code, partner = hit.codes[::-1]
        since, rests = yield from self._two_examiners(code, hit.one, hit.other, Basis.EXHIBITS, after_h)
        fields = {"pair": _pair(hit.one, hit.other), "stage": "confirmed", "basis": "exhibits", "answers": hit.step}
        self._say(code, EXAMINER, "hit", **fields, **rests)
        self.truth.lasted("dissemination", since, self.clock())
        self._between(code, partner, lambda read_at: setattr(hit.truth, "confirmed", read_at))

    def feedback(self, hit: PastHit, code: str, outcome: str) -> None:
        self.clock.on(minutes=1)
        self._say(code, INVESTIGATOR, "feedback", hit=hit.statement, outcome=outcome)
        if outcome == FeedbackOutcome.UNDER_INVESTIGATION:
            hit.truth.investigating.add(code)
        self._between(code, _other(code, hit.codes), lambda at: hit.truth.feedback.setdefault(code, at))

    # questions

    def ask(self, entered: PastExhibit, partner: str) -> None:
        """Ask a partner with the scan of an own exhibit."""
        at = self.clock.on(minutes=1)
        question = Question(entered.record, 0, LawfulPurpose.INVESTIGATION, QUERY_BASIS)
        ask(self.node(entered.code), INVESTIGATOR, question, [self.node(partner).node_id])
        self.truth.count(at, "queries_asked", f"{entered.code}>{partner}")
        self._asked.append(AskedQuestion(entered.code, partner, at))
        self.clock.on(minutes=1)  # it is sent once a head covers it

    def say_to_all(self, code: str) -> None:
        """Something was signed for all partners."""
        self.stage.told(code, self.stage.nodes)

    # how the truth learns what the nodes did

    def _shared(self, entered: PastExhibit, partners: Iterable[str]) -> None:
        owner = entered.code
        for partner in partners:

            def came(at: datetime, partner: str = partner) -> None:
                entered.truth.given[partner] = at
                self.truth.count(at, "exhibits_shared", f"{owner}>{partner}")
                self.truth.count(at, "exhibits_received", f"{partner}>{owner}")

            self._between(owner, partner, came)

    def _between(self, code: str, partner: str, read: Callable[[datetime], object] = lambda _at: None) -> None:
        self.stage.told(code, [partner])
        self._coming[code, partner].append(read)

    def _read(self, lane: LaneRead) -> None:
        for read in self._coming.pop((lane.owner, lane.reader), ()):
            read(lane.at)
        for question in [item for item in self._asked if (item.asked, item.asker) == (lane.owner, lane.reader)]:
            if question.answered is not None:
                self.truth.lasted("answer_received", question.at, lane.at)
                self._asked.remove(question)

    def _worked(self, code: str) -> None:
        """What was due of a node is done: own scans are compared, questions delivered, and others' answered."""
        now = self.clock()
        for entered in self._unsearched.pop(code, ()):
            entered.truth.searched = now
        for question in self._asked:
            if question.asker == code and question.received is None:
                question.received = now
                self.truth.count(now, "queries_received", f"{question.asked}>{code}")
            elif self._answers and question.asked == code and question.received and question.answered is None:
                question.answered = now
                self.truth.lasted("answer_given", question.received, now)
                self.stage.told(code, [question.asker])

    def _step(
        self, code: str, hit: PastHit, step: str, maker: Maker, *, on: datetime | None = None, **fields: Any
    ) -> str:
        said = {"hit": hit.statement, "step": step, "on": (on or self.clock()).date().isoformat(), **fields}
        return self._say(code, maker, "physical-comparison", **said)

    def _say(self, code: str, maker: Maker, kind: str, **fields: Any) -> str:
        return speak(self.node(code), maker, json.dumps({"type": kind, **fields}).encode()).statement_id


_ASSOCIATED: Final = {
    Basis.SCREEN: ScreenConclusion.POSSIBLE_ASSOCIATION,
    Basis.EXHIBITS: AfteConclusion.IDENTIFICATION,
}


def _associated(basis: Basis) -> dict[str, Any]:
    return {"result": {"basis": basis, "conclusion": _ASSOCIATED[basis]}, "remark": None}


def _pair(one: PastExhibit, other: PastExhibit) -> dict[str, Any]:
    sides = sorted((one, other), key=lambda side: side.record)
    return {
        name: {"issuer": f"ffp-{side.code.lower()}", "record": side.record, "scan": side.scan}
        for name, side in zip("ab", sides, strict=True)
    }


def _other(code: str, codes: tuple[str, str]) -> str:
    return codes[1] if code == codes[0] else codes[0]
