"""Four nodes with their model: what is said is heard, what is served is judged, what lies there is compared."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import func, select

from exchange.errors import Conflict
from exchange.flows.keys.rotate import cosigned_up_to, replace_keys
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.operate.status import node_status
from exchange.flows.terms.withdraw import purge
from exchange.log import merkle
from exchange.policy import Release
from exchange.store.log.statement_rows import node_reader
from exchange.store.node.jobs import JobKind
from exchange.store.sync.peers import lane_of
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.trust.keys import load_identity
from schemas import (
    Acknowledgement,
    AnyStatement,
    Conclusion,
    Feedback,
    Grant,
    Hit,
    KeyEvent,
    KeyRole,
    Message,
    Policy,
    Receipt,
    Record,
    Retraction,
    Verification,
    Withdrawal,
    about,
    open_envelope,
    parse_statement,
)
from schemas.lane import EMPTY_HEAD, next_head
from schemas.vocabulary import Jurisdiction
from tests.chaos.model import Holdings, Terms
from tests.chaos.nodes.living import Clock, Crash, LivingNetwork, Watch
from tests.exchange.flows.network import AL, MK, RS, XK, Network
from tests.exchange.open_policy import LEGAL_BASIS

JURISDICTIONS = {RS: Jurisdiction.RS, MK: Jurisdiction.MK, XK: Jurisdiction.XK, AL: Jurisdiction.AL}
NAMES = tuple(JURISDICTIONS)
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]


class FourNodes:
    """A network of four, and the model beside it. ``begun`` is what copies begin with."""

    def __init__(self, network: LivingNetwork, clock: Clock) -> None:
        self.clock = clock
        self.network = network
        self.network.watch = Watch(self._judge, self._judge_scan)
        self.terms = {name: Terms(name, LEGAL_BASIS, JURISDICTIONS) for name in NAMES}
        self.holdings = {name: Holdings(name) for name in NAMES}
        self.said: dict[str, AnyStatement] = {}
        self.spoken: dict[str, dict[int, str]] = {name: {} for name in NAMES}
        self.heard = dict.fromkeys(NAMES, 1)  # the card, the first leaf of each log, was read at enrolment
        self.lanes: dict[tuple[str, str], list[bytes]] = {pair: [EMPTY_HEAD] for pair in PAIRS}
        self.heads: dict[str, tuple[int, bytes]] = {}
        self.sizes = dict.fromkeys(NAMES, 0)
        self.spoken_of: list[str] = []
        self.backups: dict[str, tuple[object, int]] = {}
        self.set_back: set[str] = set()
        """Who was restored from a backup: the model does not know what such a node has lost."""

    @classmethod
    def begun(cls, folder: Path, clock: Clock) -> FourNodes:
        """Four that are enrolled with each other and have started; closed, to be copied."""
        clock.begin_anew()
        network = Network(folder / "first")
        network.make(*JURISDICTIONS.values())
        for node in network.nodes.values():
            begin_log_start(node)
            sign_head(node)
        network.close()
        living = LivingNetwork(folder / "begun")
        living.take_over(network)
        return cls(living, clock)

    def copied(self, folder: Path) -> FourNodes:
        """The same four, with what the model knows of them; this one must be closed."""
        network = LivingNetwork(folder)
        copy = FourNodes(network, self.clock)
        for part in ("terms", "holdings", "said", "heard", "lanes", "heads", "sizes", "spoken_of", "spoken"):
            setattr(copy, part, deepcopy(getattr(self, part)))
        network.take_over(self.network)
        return copy

    @property
    def today(self) -> date:
        return self.clock.moment.date()

    # What happens.

    @contextmanager
    def may_die(self, name: str) -> Iterator[list[str]]:
        """Whoever dies in this block is started again; the list then names it."""
        died: list[str] = []
        try:
            yield died
        except Crash as crash:
            if crash.node_id != name:
                raise
            died.append(name)
            self.network.crashes += 1
            self.network.restart(name)

    @contextmanager
    def speaks(self, owner: str, *kinds: type[AnyStatement], refused: bool = False) -> Iterator[None]:
        """The block makes these statements, or is refused, as the model foresees. If the node dies, it makes all of
        them or none."""
        turned_down = False
        with self.may_die(owner) as died:
            try:
                yield
            except Conflict:
                turned_down = True
        found = [type(said) for said in self.listen(owner)]
        if died:
            assert found in ([], list(kinds)), f"{owner} died and has said half: {found}"
        else:
            assert turned_down == refused, f"{owner} was refused: {turned_down}, the model says {refused}"
            assert found == ([] if refused else list(kinds)), f"{owner} has said {found}"

    def listen(self, owner: str) -> list[AnyStatement]:
        """What entered an owner's log since it was last heard. A restored one is heard no more: it says some things
        again, at other places."""
        if owner in self.set_back:
            return []
        with self.network.nodes[owner].store.read() as session:
            new = select(StatementRow).where(StatementRow.issuer == owner, StatementRow.log_index >= self.heard[owner])
            rows = session.scalars(new.order_by(StatementRow.log_index)).all()
        found = []
        for row in rows:
            assert row.envelope is not None
            statement = parse_statement(open_envelope(row.envelope).payload)
            self.said[row.statement_id] = statement
            self.spoken[owner][row.log_index] = row.statement_id
            self.terms[owner].hear(row.statement_id, statement)
            self.holdings[owner].speak(row.statement_id, statement)
            found.append(statement)
            self.spoken_of.append(row.statement_id if isinstance(statement, Record) else about(statement) or "")
        self.heard[owner] += len(rows)
        return found

    def rotate(self, name: str, roles: Sequence[KeyRole], *, compromised: bool = False) -> None:
        """The node is stopped, keys of it are replaced, and it is started again; refused while the head is owed that
        the former keys sign too, and before the node has met its peers.

        Of ``compromised`` keys everything is believed that was said so far: those that sign the log and what is in it
        are replaced only when a peer has cosigned all of it.
        """
        with self.may_die(name):
            node = self.network.nodes[name]
            size = self.network.size(name)
            if compromised and cosigned_up_to(node) < size:
                roles = [role for role in roles if role in ("witness", "transport")]
            with suppress(Conflict):
                if roles:
                    identity = load_identity(node.settings.keys)
                    from_index = size if compromised else None
                    done = replace_keys(node, identity, roles, compromised=compromised, from_index=from_index)
                    assert done.refused == 0
            self.network.restart(name)
        assert {type(said) for said in self.listen(name)} <= {KeyEvent}

    def pull(self, reader: str, owner: str) -> bool:
        """One page, cosigned, with a receipt and a report when it was the last; returns whether more waits."""
        more = False
        with self.may_die(reader):
            more = self.network.hands[reader].pull_from(owner)
        for page in self.network.watch.pages:
            self._absorb(page.owner, page.reader, page.start, page.items)
        self.network.watch.pages.clear()
        self.listen(reader)
        return more

    def work(self, name: str) -> None:
        """What the worker does beside pulling."""
        hands, over = self.network.hands[name], self.holdings[name].outlived(self.today)
        with self.may_die(name) as died, self.network.hands[name].tried_again_later():
            hands.beat()
            purge(self.network.nodes[name])
        self._bury(name, over, all_of_it=not died)
        self.listen(name)
        with self.may_die(name) as died:
            hands = self.network.hands[name]
            hands.drain(JobKind.FETCH_SCAN)
            hands.drain(JobKind.ERASE)
            sign_head(self.network.nodes[name])
            swept = hands.sweep()
        self.listen(name)
        if not died and swept and name not in self.set_back:
            self._nothing_is_left(name)

    def settle(self) -> None:
        """Everybody works and reads everybody, until nobody has anything more to say."""
        self.network.parted.clear()
        self.network.lost_answers.clear()
        self.network.cut_scans.clear()
        for fuse in self.network.fuses.values():
            fuse.left = None
        self.clock.pass_by(timedelta(hours=25))  # receipts are given once a day
        for turn in range(15):
            before = self._sizes()
            self.clock.pass_by(timedelta(minutes=20))
            for name in NAMES:
                self.work(name)
            for pair in self._unread() if turn and not self.set_back else PAIRS:
                while self.pull(*pair):
                    pass
            if self._sizes() == before and not self._unread():
                for name in NAMES:  # a scan that came another way is taken up
                    self.work(name)
                for pair in PAIRS:  # an alarm about a head with keys that were not known yet goes with the next answer
                    self.pull(*pair)
                return
        raise AssertionError(f"the nodes never come to rest: {self._sizes()}, {self._unread()}, {self._alarms()}")

    def _alarms(self) -> dict[str, list[str]]:
        """What the operators are told."""
        told = {name: list(node_status(self.network.nodes[name]).alarms) for name in NAMES}
        for reader, owner in PAIRS:
            alarm = self.network.peer(reader, owner).alarm
            told[reader] += [f"of {owner}: {alarm}"] if alarm else []
        return told

    def _sizes(self) -> list[int]:
        return [self.network.size(name) for name in NAMES]

    def _unread(self) -> dict[tuple[str, str], int]:
        """How much of each lane its reader has not asked to go on from."""
        unread = {}
        for reader, owner in PAIRS:
            with self.network.nodes[owner].store.read() as session:
                lane = lane_of(session, reader)
            if lane.count > lane.acknowledged_count:
                unread[reader, owner] = lane.count - lane.acknowledged_count
        return unread

    def back_up(self, name: str) -> None:
        self.backups[name] = self.network.backup(name), self.network.size(name)

    def restore(self, name: str) -> None:
        """Its database is lost, and the last backup is put in its place; its scans are still there. What it said is in
        the backup, or comes back from a peer that keeps it, or is listed as lost by its index: so is a record that was
        withdrawn and erased everywhere. And what others gave it comes again."""
        backup, size = self.backups[name]
        shown, log = set(self.holdings[name].shown), self.network.size(name)
        self.set_back.add(name)
        self.network.restart(name, backup)
        self.settle()
        with closing(self.database(name)) as rows:
            places = rows.execute("SELECT statement_id, log_index FROM statement WHERE issuer = ?", (name,))
            own = dict(places.fetchall())
            lost = {row[0] for row in rows.execute("SELECT log_index FROM lost")}
            here = {row[0] for row in rows.execute("SELECT statement_id FROM record")}
        assert self.network.size(name) >= log
        assert not lost & set(own.values())
        assert lost | set(own.values()) == set(range(self.network.size(name))), f"{name} says nothing of what it lost"
        for index, statement_id in self.spoken[name].items():
            others = [self.holdings[peer] for peer in NAMES if peer != name]
            if index < size or any(peer.keeps(statement_id, self.said[statement_id]) for peer in others):
                assert own.get(statement_id) == index, f"{name} lost {statement_id}, which its backup or a peer has"
            elif index < log and not any(statement_id in peer.known for peer in others):
                assert index in lost
        for owner in NAMES:
            if owner != name:
                lacking = (self.terms[owner].entitled(name, self.today) & shown) - here
                assert not lacking, f"{name} did not get {sorted(lacking)} of {owner} again"

    def _absorb(self, owner: str, reader: str, start: int, items: tuple[tuple[str, AnyStatement | None], ...]) -> None:
        """A page was stored whole, or not at all."""
        if reader in self.set_back:
            return
        cursor = self.network.peer(reader, owner).cursor_count
        if cursor == start + len(items):
            self.holdings[reader].read(owner, items)
        else:
            assert cursor == start

    def _bury(self, name: str, over: list[str], *, all_of_it: bool) -> None:
        if name in self.set_back:
            return
        with self.network.nodes[name].store.read() as session:
            for record in over:
                here = session.scalar(
                    select(func.count())
                    .select_from(TombstoneRow)
                    .where(TombstoneRow.record == record, TombstoneRow.holder == "")
                )
                assert here or not all_of_it, f"the retention of {record} is over and {name} keeps it"
                if here:
                    self.holdings[name].take_away(record, "")

    # What is served, in the moment in which it is.

    def _judge(self, owner: str, reader: str, statement_id: str, said: AnyStatement) -> None:
        if owner not in self.set_back or statement_id in self.said:  # else said anew since the restore
            assert self.said[statement_id] == said
        match said:
            case Record():
                answer = self.terms[owner].answer(statement_id, reader, self.today)
                assert isinstance(answer, Release), f"{owner} gives {reader} {statement_id}, which is {answer}"
            case Grant():
                assert said.jurisdiction is JURISDICTIONS[reader]
            case Withdrawal():
                assert said.holder in (None, reader)
            case Acknowledgement() | Receipt():
                assert said.owner == reader
            case Message():
                assert said.to == reader
            case Hit() | Conclusion() | Verification():
                assert reader in (said.pair.a.issuer, said.pair.b.issuer)
            case Feedback():
                self._concerns(said.hit, reader)
            case Retraction():
                self._concerns(said.retracts, reader)
            case Policy() | KeyEvent():
                pass
            case _:
                raise AssertionError(f"{owner} puts a {said.type} on a lane")

    def _concerns(self, hit: str, reader: str) -> None:
        said = self.said[hit]
        assert isinstance(said, Hit)
        assert reader in (said.issuer, said.pair.a.issuer, said.pair.b.issuer)

    def _judge_scan(self, owner: str, reader: str, sha256: str, served: bool) -> None:
        terms = self.terms[owner]
        naming = [name for name, record in terms.records.items() if sha256 in scans_of(record)]
        entitled = any(isinstance(terms.answer(name, reader, self.today), Release) for name in naming)
        assert served == entitled, f"{reader} asks {owner} for the scan {sha256} of {naming}; served: {served}"

    # What must hold at every moment.

    def all_is_as_the_model_says(self) -> None:
        """The databases are read with nothing but SQL: what the nodes' own code says of itself is no evidence."""
        assert self.network.watch.refusals == []
        with ExitStack() as opened:
            databases = {name: opened.enter_context(closing(self.database(name))) for name in NAMES}
            for name, rows in databases.items():
                self._log_only_grows(name, rows)
                self._lanes_add_up(name, rows)
            for name, rows in databases.items():
                self._cursors_agree(name, rows)
                aside = rows.execute("SELECT peer, reason, detail FROM quarantine").fetchall()
                unforeseen = rows.execute("SELECT kind, error FROM job WHERE error LIKE 'unforeseen%'").fetchall()
                assert not (aside + unforeseen), f"{name}: {aside + unforeseen}"
                self._holds_what_the_model_says(name, rows)

    def database(self, name: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.network.nodes[name].settings.database}?mode=ro", uri=True)

    def _log_only_grows(self, name: str, rows: sqlite3.Connection) -> None:
        (size,) = rows.execute("SELECT size FROM log_state").fetchone()
        entries = rows.execute("SELECT count(*), max(log_index) FROM statement WHERE issuer = ?", (name,)).fetchone()
        assert entries == (size, size - 1), f"{name}'s log has a gap"
        assert size >= self.sizes[name]
        self.sizes[name] = size
        latest = rows.execute("SELECT size, root FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        before = self.heads.get(name)
        if latest is None or latest == before:
            return
        if before is not None:
            with self.network.nodes[name].store.read() as session:
                proof = merkle.consistency_proof(before[0], latest[0], node_reader(session))
            merkle.verify_consistency(before[0], latest[0], before[1], latest[1], proof)
        self.heads[name] = latest

    def _lanes_add_up(self, name: str, rows: sqlite3.Connection) -> None:
        for reader, count, head in rows.execute("SELECT peer, count, head FROM lane").fetchall():
            before = self.lanes[reader, name]
            new = rows.execute(
                "SELECT position, statement_id, head FROM lane_item WHERE peer = ? AND position >= ? ORDER BY position",
                (reader, len(before) - 1),
            )
            for position, statement_id, after in new:
                assert position == len(before) - 1, f"{name}'s lane for {reader} has a gap"
                assert after == next_head(before[-1], statement_id)
                before.append(after)
            assert (count, head) == (len(before) - 1, before[-1]), f"{name}'s lane for {reader} does not add up"

    def _cursors_agree(self, name: str, rows: sqlite3.Connection) -> None:
        model = self.holdings[name]
        for owner, *cursor in rows.execute("SELECT node_id, cursor_count, cursor_head, withheld FROM peer"):
            read = model.places.get(owner, 0)
            assert cursor == [read, self.lanes[name, owner][read], model.withheld.get(owner, 0)]

    def _holds_what_the_model_says(self, name: str, rows: sqlite3.Connection) -> None:
        model = self.holdings[name]
        found = rows.execute("SELECT statement_id, restricted, superseded_by IS NOT NULL FROM record").fetchall()
        whole = rows.execute("SELECT statement_id FROM statement WHERE type = 'record' AND envelope IS NOT NULL")
        assert {row[0] for row in whole} == {row[0] for row in found}
        for what, here, expected in (
            ("holds", {row[0] for row in found if not row[1]}, set(model.shown)),
            ("restricts", {row[0] for row in found if row[1]}, set(model.restricted)),
            ("shows as newest", {row[0] for row in found if not row[1] and not row[2]}, model.current()),
        ):
            lacking, too_much = sorted(expected - here), sorted(here - expected)
            assert here == expected, f"{name} {what} {too_much} and should not, and not {lacking}, although it should"

    def _nothing_is_left(self, name: str) -> None:
        """Its jobs are done: of what it does not hold there is nothing beside the database either."""
        node, model = self.network.nodes[name], self.holdings[name]
        named = {scan for record in (*model.shown.values(), *model.restricted.values()) for scan in scans_of(record)}
        assert {path.name for path in node.settings.blobs.glob("??/*")} <= named
        assert {path.name.split(".")[0] for path in node.settings.incoming.iterdir()} <= named


def scans_of(record: Record) -> list[str]:
    return [acquisition.blob.sha256 for acquisition in record.acquisitions]
