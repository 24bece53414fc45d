"""Three nodes that publish, pull, meet, are parted, start anew, are set back and show two histories, in any order.

What must hold at every moment: nobody cosigns a head smaller than one that it cosigned in the same life of its
database; and of a log that was not forked on purpose, set back or not, everybody accepts one head for a size. And when
all have met again: where two nodes accepted different heads of one size of one log, both have evidence or an alarm.
"""

from __future__ import annotations

import contextlib
import tempfile
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exchange.errors import PeerError, PeerMisbehaved, PeerUnreachable
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.operate.status import node_status
from exchange.flows.statement.heads import head_of
from exchange.log.checkpoint import Checkpoint
from schemas.vocabulary import Jurisdiction
from tests.chaos.sizes import is_full, sized
from tests.exchange.flows.network import MK, RS, XK, Network

NAMES = (RS, MK, XK)
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]
names, pairs = st.sampled_from(NAMES), st.sampled_from(PAIRS)


class Witnesses(RuleBasedStateMachine):
    template: Network

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.network = self.template.copied(Path(self.folder.name))
        self.backups: dict[str, bytes] = {}
        self.set_back: set[str] = set()
        self.met = False
        self.signed: dict[tuple[str, int], bytes] = {}
        self.cosigned: dict[tuple[str, str], Checkpoint] = {}
        self.accepted: dict[tuple[str, str, int], bytes] = {}

    def teardown(self) -> None:
        if hasattr(self, "network"):
            try:
                self._everybody_meets()
            finally:
                self.network.close()
                self.folder.cleanup()

    @rule(name=names, count=st.integers(1, 3))
    def publish(self, name: str, count: int) -> None:
        self.network.publish(name, count)

    @rule(pair=pairs)
    def pull(self, pair: tuple[str, str]) -> None:
        with contextlib.suppress(PeerError):
            self.network.pull(*pair)

    @rule(pair=pairs)
    def meet(self, pair: tuple[str, str]) -> None:
        with contextlib.suppress(PeerError):
            self.network.meet(*pair)

    @rule(pair=pairs)
    def get_back(self, pair: tuple[str, str]) -> None:
        """What a worker does with a peer beside the pull: nothing at all, unless its own log was set back."""
        with contextlib.suppress(PeerError):
            self.network.get_back(*pair)

    @rule(pair=pairs)
    def part(self, pair: tuple[str, str]) -> None:
        self.network.parted.add(frozenset(pair))

    @rule()
    def heal(self) -> None:
        self.network.parted.clear()

    @rule(name=names)
    def start_anew(self, name: str) -> None:
        self.network.restart(name)

    @rule(name=names)
    def back_up(self, name: str) -> None:
        self.backups[name] = self.network.backup(name)

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self._set_back(data.draw(st.sampled_from(sorted(self.backups))))

    @rule(pair=pairs)
    def restore_behind_what_a_peer_saw_and_go_on(self, pair: tuple[str, str]) -> None:
        """The story that the start is for: lost is what one peer alone may have seen."""
        witness, name = pair
        self.back_up(name)
        self.publish(name, 1)
        self.pull((witness, name))
        self.a_log_that_was_never_forked_has_one_head_for_a_size()
        self.a_witness_never_goes_back()
        self._set_back(name)
        self.publish(name, 1)

    def _set_back(self, name: str) -> None:
        self.network.restart(name, self.backups[name])
        self.set_back.add(name)
        for key in [key for key in self.cosigned if key[0] == name]:
            del self.cosigned[key]
        for size in [key for key in self.accepted if key[0] == name]:
            del self.accepted[size]

    @precondition(lambda self: not self.network.routes)
    @rule(data=st.data(), count=st.integers(1, 3))
    def fork(self, data: st.DataObject, count: int) -> None:
        """Serbia's node shows one of its peers another history from now on."""
        reader = data.draw(st.sampled_from((MK, XK)))
        other = self.network.twin(RS)
        self.network.routes[reader, RS] = other
        self.set_back.add(RS)
        self.network.publish(other, count)
        self.network.publish(RS, count)

    @rule()
    @precondition(lambda self: self.network.routes)
    def fork_grows(self) -> None:
        for other in self.network.routes.values():
            self.network.publish(other)

    @invariant()
    def a_witness_never_goes_back(self) -> None:
        for witness, log in PAIRS:
            head, before = self.network.cosigned(witness, log), self.cosigned.get((witness, log))
            if before is not None:
                assert head is not None
                assert head.size >= before.size
                assert head == before or head.size > before.size
            if head is not None:
                self.cosigned[witness, log] = head

    @invariant()
    def a_log_that_was_never_forked_has_one_head_for_a_size(self) -> None:
        """Set back or not: what its peers accepted of it is one history."""
        for name in NAMES:
            head = self.network.head(name)
            if head is not None and name not in self.set_back:
                assert self.signed.setdefault((name, head.size), head.root) == head.root
        for witness, log in PAIRS:
            note = self.network.peer(witness, log).checkpoint
            if note is not None:
                head = head_of(note)
                assert self.accepted.setdefault((witness, log, head.size), head.root) == head.root or (
                    self.network.routes and log == RS
                )
        for log in NAMES:
            if log != RS or not self.network.routes:
                assert not any(self._contradict(log, one, other) for one, other in combinations(NAMES, 2))

    @precondition(lambda self: not self.met)
    @rule()
    def everybody_meets_once_on_the_way(self) -> None:
        self.met = True
        self._everybody_meets()

    def _everybody_meets(self) -> None:
        """And nothing stays unnoticed."""
        self.network.parted.clear()
        noticed = self._rounds(3)
        self.a_log_that_was_never_forked_has_one_head_for_a_size()
        for log in NAMES:
            others = [name for name in NAMES if name != log and name not in self.set_back]
            for one, other in combinations(others, 2):
                if self._contradict(log, one, other):
                    for witness in (one, other):
                        assert self.network.evidence(witness, log) or (witness, log) in noticed, "a fork goes unnoticed"
        for name in NAMES:
            self._whole_or_alarmed(name)

    def _rounds(self, count: int) -> set[tuple[str, str]]:
        """Everybody meets everybody. Returns who found whom misbehaving, which is an alarm of a running node."""
        noticed = set()
        for _ in range(count):
            for pair in PAIRS:
                steps = (self.network.meet, self.network.get_back, self.network.pull, self.network.meet)
                for step in steps:
                    try:
                        step(*pair)
                    except PeerMisbehaved:
                        noticed.add(pair)
                    except PeerUnreachable:
                        pass  # the hashes of a log's end that nobody mirrored
        return noticed

    def _contradict(self, log: str, one: str, other: str) -> bool:
        """Whether the two ever accepted two heads of one size."""
        return any(
            self.accepted.get((other, log, size), root) != root
            for (witness, of, size), root in self.accepted.items()
            if (witness, of) == (one, log)
        )

    def _whole_or_alarmed(self, name: str) -> None:
        """Without a restore or a fork anywhere all is well. A log that is behind what a peer cosigned says so."""
        alarms = node_status(self.network.nodes[name]).alarms
        if not self.set_back:
            assert alarms == []
            sign_head(self.network.nodes[name])
            head = self.network.head(name)
            assert head is not None
            assert head.size == self.network.size(name)
        if not self.network.routes:
            assert not self.network.evidence(name, name), "set back, it signed a second history"
            for other in NAMES:
                assert not self.network.evidence(other, name), "its witnesses saw two histories"
        for witness in NAMES:
            head = self.network.cosigned(witness, name) if witness != name else None
            if head is not None and head.size > self.network.size(name) and (witness, name) not in self.network.routes:
                assert alarms, f"{name} is behind what {witness} cosigned and does not know"


@pytest.mark.slow
def test_whatever_happens_no_two_heads_of_one_size_pass_unnoticed(tmp_path_factory: pytest.TempPathFactory) -> None:
    network = Network(tmp_path_factory.mktemp("machine"))
    network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
    for node in network.nodes.values():
        begin_log_start(node)
        sign_head(node)
    network.close()
    Witnesses.template = network
    run_state_machine_as_test(
        Witnesses,
        settings=settings(
            max_examples=sized(10, 200),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not is_full(),
        ),
    )
