"""Four nodes that publish, amend, grant, revoke, withdraw, hold, state policies, decide, talk, are parted, crash and
start again, in any order; beside them a model that says who may have what (``tests.chaos.model``).

At every moment: nothing is served to a node that is not entitled to it; every log only grows; every lane adds up at
both ends; each node holds what the model says, and nothing else. When all are healed: everybody has all that it may
have, every withdrawal is acknowledged, all receipts add up, nothing is in quarantine, and no alarm stands.

``FFP_CHAOS_RUNS`` and ``FFP_CHAOS_STEPS`` say how many runs of how many steps. Where they do not, the same commit is
given the same runs each time; ``make chaos`` looks for new ones.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import typing
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from exchange.flows.integrity.log_check import check_log
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.status import node_status
from exchange.flows.review.statements import speak
from exchange.flows.sync.progress import sync_status
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import end_hold, place_hold, revoke_from, withdraw, withdrawal_states
from exchange.policy import Withheld
from exchange.store.sync.peers import is_on_lane
from schemas import (
    Approval,
    Conclusion,
    Feedback,
    Grant,
    Group,
    Hit,
    Hold,
    KeyRole,
    LegalBasis,
    Maker,
    Message,
    Policy,
    Record,
    Retraction,
    Verification,
    Withdrawal,
)
from schemas.vocabulary import (
    Decision,
    ErasureOutcome,
    ExhibitKind,
    Role,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.chaos.model import DECIDABLE
from tests.chaos.nodes.four_nodes import JURISDICTIONS, NAMES, PAIRS, FourNodes, scans_of
from tests.chaos.nodes.living import Clock, NoClient, fast_folder
from tests.schemas.examples import exhibit_fields
from tests.schemas.results import SCREEN

RUNS = int(os.environ.get("FFP_CHAOS_RUNS", "5"))
STEPS = int(os.environ.get("FFP_CHAOS_STEPS", "50"))

GROUPS = ("group-near", "group-far")
SCANS = [f"scan that several records name, {number}".encode() for number in range(4)]
RULES = (None, SharingRule.ALLOWED, SharingRule.ALLOWED, SharingRule.NEEDS_APPROVAL, SharingRule.BLOCKED)
SPANS = (timedelta(minutes=2), timedelta(minutes=20), timedelta(hours=3), timedelta(hours=25), timedelta(days=4))

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
FIRST, SECOND = (
    Maker(pseudonym=name, role=Role.EXAMINER, signed_in=SignedInBy.TOKEN) for name in ("examiner-1", "examiner-2")
)
WEIGHTS = {
    "work": 8,
    "read_all": 8,
    "pull": 4,
    "publish": 6,
    "grant": 4,
    "withdraw": 3,
    "revoke": 4,
    "state_policy": 2,
    "decide": 4,
    "place_hold": 3,
    "end_hold": 2,
    "send_message": 1,
    "find_a_lead": 1,
    "answer_a_lead": 1,
    "time_passes": 2,
    "part": 1,
    "heal": 1,
    "lose_an_answer": 1,
    "cut_a_scan": 1,
    "will_die": 2,
    "start_anew": 1,
    "rotate": 1,
    "compromise": 1,
    "back_up": 1,
}
ACTIONS = [action for action, weight in WEIGHTS.items() for _ in range(weight)]

COURT = "Court of a test, 1/2026"
ERROR = WithdrawalReason.ENTERED_IN_ERROR

BUSY = (NAMES[0], *NAMES, NAMES[0], NAMES[1])  # some more than others, so that one record is spoken of again
names = st.sampled_from(BUSY)
pairs = st.sampled_from([(one, other) for one in BUSY for other in BUSY if one != other])
members = st.lists(st.sampled_from(list(JURISDICTIONS.values())), unique=True, max_size=4)
legal_bases = st.tuples(st.sampled_from(RULES), st.sampled_from([3650, 3650, 2, -1]))
key_roles = st.lists(st.sampled_from(typing.get_args(KeyRole)), unique=True, min_size=1)
audiences = st.lists(st.sampled_from([*JURISDICTIONS.values(), *GROUPS]), unique=True, max_size=4)


class Chaos(RuleBasedStateMachine):
    begun: FourNodes
    steps: dict[str, int]

    @initialize()
    def begin(self) -> None:
        self.folder = fast_folder()
        self.four = self.begun.copied(Path(self.folder.name))
        self.clock = self.four.clock
        self.network = self.four.network

    def teardown(self) -> None:
        if hasattr(self, "four"):
            try:
                if sys.exc_info()[0] is None:
                    self._end_well()
            finally:
                self.network.close()
                self.folder.cleanup()

    @rule(action=st.sampled_from(ACTIONS), data=st.data())
    def act(self, action: str, data: st.DataObject) -> None:
        """One rule for all: of many rules a run would be given a few, and seldom those that make a story."""
        self.steps[action] = self.steps.get(action, 0) + 1
        # what is chosen among what there is: hypothesis must find the same draws whenever it repeats a beginning
        self.dice = random.Random(data.draw(st.integers(0, 2**32 - 1)))
        getattr(self, action)(data)

    # What owners say.

    def publish(self, data: st.DataObject) -> None:
        owner = data.draw(names)
        newest = self.four.terms[owner].newest()
        amends = self.dice.choice([None, None, *newest[-2:]])
        code = data.draw(st.sampled_from(["H0", "H0", "H1", "H2", "H3"]))
        keep_days = data.draw(st.sampled_from([3650, 3650, 3650, 3]))
        with self.four.speaks(owner, Record):
            self.network.record(
                owner,
                scan=data.draw(st.sampled_from([None, None, *SCANS])),
                audience=data.draw(audiences),
                level=data.draw(st.sampled_from(["full", "full", "full", "full", "search", "none"])),
                handling={"code": code, "restriction": "Ask the prosecutor first." if code == "H3" else None},
                exhibit=exhibit_fields(kind=data.draw(st.sampled_from(["crime_scene", "crime_scene", "test_fire"]))),
                retention_until=(self.four.today + timedelta(days=keep_days)).isoformat(),
                supersedes=amends,
            )

    def grant(self, data: st.DataObject) -> None:
        owner, reader = data.draw(pairs)
        record = self._own(owner)
        if record is not None:
            with self.four.speaks(owner, Grant, refused=record in self.four.terms[owner].withdrawn):
                grant(self.network.nodes[owner], HEAD, record, JURISDICTIONS[reader], "A late agreement")

    def withdraw(self, data: st.DataObject) -> None:
        owner = data.draw(names)
        record, terms = self._own(owner), self.four.terms[owner]
        if record is not None:
            left = [name for name in terms.chain(record) if name not in terms.withdrawn]
            with self.four.speaks(owner, *[Withdrawal] * len(left), refused=not left):
                withdraw(self.network.nodes[owner], HEAD, record, ERROR)

    def revoke(self, data: st.DataObject) -> None:
        owner, holder = data.draw(pairs)
        record, terms = self._own(owner), self.four.terms[owner]
        if record is not None:
            refused = record in terms.withdrawn or (record, holder) in terms.revoked
            node = self.network.nodes[owner]
            with node.store.read() as session:
                taken = [
                    name
                    for name in terms.chain(record)
                    if (name == record or is_on_lane(session, holder, name))
                    and name not in terms.withdrawn
                    and (name, holder) not in terms.revoked
                ]
            with self.four.speaks(owner, *[Withdrawal] * len(taken), refused=refused):
                revoke_from(node, HEAD, record, holder, WithdrawalReason.REVOKED)

    def state_policy(self, data: st.DataObject) -> None:
        owner, bases = data.draw(names), []
        for jurisdiction in JURISDICTIONS.values():
            for kind in (ExhibitKind.CRIME_SCENE, ExhibitKind.TEST_FIRE):
                allowed, days = data.draw(legal_bases)
                if allowed is not None:
                    bases.append(
                        LegalBasis(
                            jurisdiction=jurisdiction,
                            kinds=(kind,),
                            rule=allowed,
                            article="Article 2",
                            review_by=self.four.today + timedelta(days=days),
                        )
                    )
        groups = tuple(Group(name=name, members=tuple(data.draw(members))) for name in GROUPS)
        with self.four.speaks(owner, Policy):
            state_policy(self.network.nodes[owner], HEAD, groups, tuple(bases))

    def decide(self, data: st.DataObject) -> None:
        """Of what waits for a decision, or of anything."""
        owner, reader = data.draw(pairs)
        decision = data.draw(st.sampled_from([Decision.APPROVED, Decision.APPROVED, Decision.REFUSED]))
        terms = self.four.terms[owner]
        waiting = [name for name in terms.records if self._decidable(owner, name, reader)]
        record = self.dice.choice(waiting) if waiting else self._own(owner)
        if record is not None:
            needless = decision is Decision.APPROVED and not waiting
            with self.four.speaks(owner, Approval, refused=record in terms.withdrawn or needless):
                approve(self.network.nodes[owner], HEAD, record, JURISDICTIONS[reader], decision, "By agreement.")

    def place_hold(self, data: st.DataObject) -> None:
        name = data.draw(names)
        holdings = self.four.holdings[name]
        here = self._stories([*holdings.shown, *holdings.restricted])
        if here:
            with self.four.speaks(name, Hold):
                place_hold(self.network.nodes[name], HEAD, self.dice.choice(here), COURT)

    def end_hold(self, data: st.DataObject) -> None:
        name = data.draw(names)
        held = sorted(self.four.holdings[name].held)
        if held:
            with self.four.speaks(name, Hold):
                end_hold(self.network.nodes[name], HEAD, self.dice.choice(held), COURT)

    # What people tell each other.

    def send_message(self, data: st.DataObject) -> None:
        name, to = data.draw(pairs)
        about = self.dice.choice([None, *self.four.holdings[name].shown])
        self._speak(name, FIRST, Message, {"type": "message", "to": to, "about": about, "text": "A line."})

    def find_a_lead(self, data: st.DataObject) -> None:
        name = data.draw(names)
        shown = self.four.holdings[name].shown
        own = sorted(record for record, said in shown.items() if said.issuer == name)
        others = sorted(record for record, said in shown.items() if said.issuer != name)
        if not (own and others):
            return
        sides = sorted((self.dice.choice(own), self.dice.choice(others)))
        a, b = ({"issuer": shown[side].issuer, "record": side, "scan": scans_of(shown[side])[0]} for side in sides)
        found = {"pair": {"a": a, "b": b}, **SCREEN}
        first = self._speak(name, FIRST, Conclusion, {"type": "conclusion", **found})
        second = first and self._speak(name, SECOND, Verification, {"type": "verification", "verifies": first, **found})
        if second:
            lead = {"type": "hit", "pair": found["pair"], "stage": "lead", "basis": "screen"}
            said = {**lead, "conclusion": first, "verification": second}
            self._speak(name, FIRST, Hit, said, refused=self._is_withheld(name, sides, shown))

    def answer_a_lead(self, data: st.DataObject) -> None:
        name = data.draw(names)
        known = self.four.holdings[name].known
        hits = sorted(key for key, said in self.four.said.items() if isinstance(said, Hit) and key in known)
        if hits:
            hit = self.dice.choice(hits)
            if self.four.said[hit].issuer == name and self.dice.random() < 0.5:
                self._speak(name, FIRST, Retraction, {"type": "retraction", "retracts": hit, "reason": "An error."})
            else:
                self._speak(name, FIRST, Feedback, {"type": "feedback", "hit": hit, "outcome": "no_use"})

    # What happens to them.

    def pull(self, data: st.DataObject) -> None:
        self.four.pull(*data.draw(pairs))

    def read_all(self, data: st.DataObject) -> None:
        name = data.draw(names)
        for owner in NAMES:
            if owner != name:
                self.four.pull(name, owner)

    def work(self, data: st.DataObject) -> None:
        self.four.work(data.draw(names))

    def time_passes(self, data: st.DataObject) -> None:
        self.clock.pass_by(data.draw(st.sampled_from(SPANS)))

    def part(self, data: st.DataObject) -> None:
        self.network.parted.add(frozenset(data.draw(pairs)))

    def heal(self, _data: st.DataObject) -> None:
        self.network.parted.clear()

    def lose_an_answer(self, data: st.DataObject) -> None:
        self.network.lost_answers.add(data.draw(pairs))

    def cut_a_scan(self, data: st.DataObject) -> None:
        self.network.cut_scans.add(data.draw(pairs))

    def will_die(self, data: st.DataObject) -> None:
        """In the middle of whatever it does next, or of what it does after that."""
        self.network.fuses[data.draw(names)].left = data.draw(st.integers(0, 12))

    def back_up(self, data: st.DataObject) -> None:
        """The first node that is backed up loses its database in the end, and has this one put in its place."""
        name = data.draw(names)
        if not self.four.backups or name in self.four.backups:
            self.four.back_up(name)

    def rotate(self, data: st.DataObject) -> None:
        self.four.rotate(data.draw(names), data.draw(key_roles))

    def compromise(self, data: st.DataObject) -> None:
        self.four.rotate(data.draw(names), data.draw(key_roles), compromised=True)

    def start_anew(self, data: st.DataObject) -> None:
        self.network.restart(data.draw(names))

    # What holds at every moment, and at the end.

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        if hasattr(self, "four"):
            self.four.all_is_as_the_model_says()

    def _end_well(self) -> None:
        self.four.settle()
        self._is_whole()
        for name in list(self.four.backups)[:1]:
            self.four.restore(name)

    def _is_whole(self) -> None:
        self.all_is_as_the_model_says()
        for reader, owner in PAIRS:
            self._has_all_that_it_may_have(reader, owner)
        for name in NAMES:
            found = {one.cause for one in node_status(self.network.nodes[name]).findings}
            assert found <= {Cause.NO_BACKUP, Cause.RESTORE_UNTRIED}, "days pass here, and nobody runs ffp backup"
            log = check_log(self.network.nodes[name])
            assert log.good, log.findings
            self._withdrawals_are_acknowledged(name)
            for status in sync_status(self.network.nodes[name]):
                assert status.acknowledged == status.to_send
                if status.to_send:
                    assert status.receipt is not None
                    assert status.receipt.set_aside == 0
                    assert status.receipt.withheld <= self.four.holdings[status.row.node_id].withheld.get(name, 0)

    def _has_all_that_it_may_have(self, reader: str, owner: str) -> None:
        terms, holdings = self.four.terms[owner], self.four.holdings[reader]
        entitled = terms.entitled(reader, self.four.today)
        assert entitled <= holdings.shown.keys(), (
            f"{reader} lacks {sorted(entitled - holdings.shown.keys())} of {owner}"
        )
        its = {name: scans_of(record) for name, record in holdings.shown.items() if record.issuer == owner}
        with closing(self.four.database(reader)) as rows:
            # by each record itself: the same bytes may lie there by another one
            query = "SELECT statement_id, sha256 FROM acquisition WHERE delivered_at IS NOT NULL"
            delivered = set(rows.execute(query))
        lacking = {name for name, scans in its.items() if not all((name, scan) in delivered for scan in scans)}
        there = {path.name for path in self.network.nodes[reader].settings.blobs.glob("??/*")}
        assert all(there.issuperset(scans) for name, scans in its.items() if name not in lacking)
        assert not lacking & entitled, f"{reader} lacks the scans of {sorted(lacking & entitled)} of {owner}"
        alarm = self.network.peer(reader, owner).alarm
        assert (alarm is not None) == bool(lacking), f"{reader} says of {owner}: {alarm}"

    def _withdrawals_are_acknowledged(self, owner: str) -> None:
        terms = self.four.terms[owner]
        for (record, whom), withdrawal in self._told(owner):
            (state,) = [
                state
                for state in withdrawal_states(self.network.nodes[owner], record)
                if state.holder == (whom or None)
            ]
            assert state.withdrawal == withdrawal
            assert terms.records[record].issuer == owner
            for holder in state.holders:
                holdings = self.four.holdings[holder.node_id]
                if record in holdings.restricted:
                    assert holder.outcome is ErasureOutcome.RESTRICTED
                else:
                    assert holder.outcome in (ErasureOutcome.ERASED, ErasureOutcome.NEVER_HELD), (record, holder)

    def _told(self, owner: str) -> list[tuple[tuple[str, str], str]]:
        terms = self.four.terms[owner]
        for_all = [((record, ""), said) for record, said in terms.withdrawn.items()]
        return for_all + list(terms.revoked.items())

    def _own(self, owner: str) -> str | None:
        """One of the owner's records, withdrawn or not."""
        records = list(self.four.terms[owner].records)
        return self.dice.choice(self._stories(records)) if records else None

    def _stories(self, records: Iterable[str]) -> list[str]:
        """Records, those more often that were spoken of last."""
        spoken_of = self.four.spoken_of[-6:]
        return [name for name in records for _ in range(1 + 2 * spoken_of.count(name))]

    def _decidable(self, owner: str, record: str, reader: str) -> bool:
        answer = self.four.terms[owner].answer(record, reader, self.four.today)
        return isinstance(answer, Withheld) and answer.reason in DECIDABLE

    def _is_withheld(self, name: str, sides: list[str], shown: Mapping[str, Record]) -> bool:
        """Return whether the owner of the other record may not have the own one, and no hit on the pair is known."""
        said = (self.four.said[key] for key in self.four.holdings[name].known)
        if any(isinstance(one, Hit) and [one.pair.a.record, one.pair.b.record] == sides for one in said):
            return False
        own, other = sorted(sides, key=lambda side: shown[side].issuer != name)
        return isinstance(self.four.terms[name].answer(own, shown[other].issuer, self.four.today), Withheld)

    def _speak(
        self, name: str, maker: Maker, kind: type, draft: dict[str, object], *, refused: bool = False
    ) -> str | None:
        """Return the id of the new statement; None when the node died before it, or refused it."""
        before = set(self.four.said)
        with self.four.speaks(name, kind, refused=refused):
            speak(self.network.nodes[name], maker, json.dumps(draft).encode())
        new = [key for key in self.four.said if key not in before]
        return new[0] if new else None


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_served_to_the_wrong_one(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger().setLevel(logging.CRITICAL)
    run_chaos(
        tmp_path_factory.mktemp("four"),
        monkeypatch,
        settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize="FFP_CHAOS_RUNS" not in os.environ,
            print_blob=True,
        ),
    )


@pytest.mark.slow
def test_a_record_that_was_erased_everywhere_is_listed_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was published and withdrawn after the backup: nobody has its content, and its index says so."""
    monkeypatch.setattr("exchange.worker.PeerClient", NoClient)
    clock = Clock()
    clock.install(monkeypatch)
    four, owner = FourNodes.begun(tmp_path / "four", clock), NAMES[1]
    publish_first(four)
    four = four.copied(tmp_path / "copy")
    four.back_up(owner)
    with four.speaks(owner, Record):
        four.network.record(owner, audience=[JURISDICTIONS[NAMES[0]]], retention_until="2036-12-31")
    four.settle()
    name = four.terms[owner].newest()[-1]
    with four.speaks(owner, Withdrawal):
        withdraw(four.network.nodes[owner], HEAD, name, ERROR)
    four.settle()
    four.restore(owner)
    with closing(four.database(owner)) as rows:
        assert rows.execute("SELECT count(*) FROM lost").fetchone() == (1,)
        assert rows.execute("SELECT count(*) FROM statement WHERE statement_id = ?", (name,)).fetchone() == (0,)
    four.network.close()


def run_chaos(folder: Path, monkeypatch: pytest.MonkeyPatch, how: settings) -> None:
    for client in ("PeerClient", "TimeAuthorityClient"):
        monkeypatch.setattr(f"exchange.worker.{client}", NoClient)
    clock = Clock()
    clock.install(monkeypatch)
    Chaos.steps = {}
    Chaos.begun = FourNodes.begun(folder, clock)
    publish_first(Chaos.begun)
    run_state_machine_as_test(Chaos, settings=how)


def publish_first(four: FourNodes) -> None:
    """What a run begins with: each has given something to all, one of it to a group."""
    everybody = tuple(JURISDICTIONS.values())
    bases = tuple(
        LegalBasis(
            jurisdiction=jurisdiction,
            kinds=(ExhibitKind.CRIME_SCENE, ExhibitKind.TEST_FIRE),
            rule=SharingRule.ALLOWED,
            article="Article 1",
            review_by=four.today + timedelta(days=3650),
        )
        for jurisdiction in everybody
    )
    for name in NAMES:
        with four.speaks(name, Policy):
            state_policy(four.network.nodes[name], HEAD, (Group(name=GROUPS[0], members=everybody),), bases)
        for audience in (list(everybody), [GROUPS[0]]):
            with four.speaks(name, Record):
                four.network.record(name, audience=audience, retention_until="2036-12-31")
    four.settle()
    four.all_is_as_the_model_says()
    four.network.close()
