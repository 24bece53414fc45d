"""Each practice is seen to hold and not to hold, by what really happens at a node; no data is told as neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import typer
from sqlalchemy import update

from exchange.cli.main import app
from exchange.config import Settings
from exchange.coordination.half_year.half_year_report import approve_report
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, Evidence, State
from exchange.coordination.maturity.practices_here import Maturity, maturity_of, rungs_of
from exchange.errors import TimeStampUnavailable
from exchange.flows.integrity.log_check import check_when_due
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.stamping import note_stamp_failure, stamp_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.recovery import find_last_backup, note_backup
from exchange.flows.statement.peer import note_alarm
from exchange.flows.sync.progress import note_quarantine
from exchange.flows.terms.terms import state_policy
from exchange.net.time_authority import TimeAuthorityClient
from exchange.store.access.user_rows import add_user, revoke_user
from exchange.store.sync.peers import quarantine
from exchange.store.tables.peer_tables import QuarantineRow
from exchange.store.tables.review_tables import VerificationTaskRow
from matcher.likelihood.calibration_file import CalibrationModels
from schemas import LegalBasis, Maker
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.coordination.half_year.monitoring_world import MK, Clock, World
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.flows.network import RS, Network, resting
from tests.exchange.flows.node.test_likelihood_ratio import MODEL
from tests.exchange.flows.owner import owner_of
from tests.exchange.log.authority import Authority, served, url_of
from tests.exchange.running_nodes import free_port
from tests.exchange.trust.rounds import Capitals
from tests.schemas.examples import record_fields
from tests.schemas.results import EXHIBITS, INCONCLUSIVE, NOT_ASSOCIATED, ON, SCREEN

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
HOLDS, FAILS, NO_DATA = State.HOLDS, State.DOES_NOT_HOLD, State.NO_DATA
FEW = Figure(Told.BETWEEN, 1, 4)
PRACTICES = [(number, name) for number, level in MATURITY_LEVELS.items() for name in level.practices]

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)


@dataclass
class Ahead:
    """Stands for ``exchange.clock.now``: the true time, and so many hours."""

    hours: float = 0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self.hours)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases) -> Iterator[World]:
    """Serbia's node since March 2026, without peers; its clock is the test's."""
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", clock)
    create_node(
        tmp_path / "node",
        jurisdiction=Jurisdiction.RS,
        url="https://ffp-rs.example",
        port=9,
        database_url=databases.new(),
    )
    node = open_node(tmp_path / "node")
    yield World(node, clock)
    node.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Ahead:
    made = Ahead()
    monkeypatch.setattr("exchange.clock.now", made)
    return made


@pytest.fixture
def network(tmp_path: Path, clock: Ahead) -> Iterator[Network]:
    """Serbia and North Macedonia, enrolled with each other."""
    with resting(tmp_path / "nodes", Jurisdiction.RS, Jurisdiction.MK) as made:
        yield made


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Makes a node with these lines in its settings."""
    nodes: list[Node] = []

    def make(settings: str = "", url: str = "http://127.0.0.1:9") -> Node:
        home = tmp_path / f"made-{len(nodes)}"
        create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=9)
        with (home / "config.toml").open("a") as config:
            config.write(settings)
        nodes.append(open_node(home))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


def proof(node: Node, name: str) -> Evidence:
    [found] = [item.proof for rung in maturity_of(node).rungs for item in rung.seen if item.name == name]
    return found


# The levels


@pytest.mark.parametrize("state", [FAILS, NO_DATA])
@pytest.mark.parametrize(("number", "name"), PRACTICES)
def test_a_level_needs_each_of_its_practices_and_those_below(number: int, name: str, state: State) -> None:
    proofs = {practice: Evidence(HOLDS) for _, practice in PRACTICES}
    assert Maturity(RS, "RS", "", rungs_of(proofs)).reached == 4
    assert Maturity(RS, "RS", "", rungs_of(proofs | {name: Evidence(state)})).reached == number - 1


def test_a_node_that_was_just_made_has_reached_nothing(world: World) -> None:
    found = maturity_of(world.node)
    assert (found.node_id, found.jurisdiction, found.at) == (RS, "RS", "2026-03-01T00:00:00.000Z")
    assert found.reached == 0
    states = {item.name: item.proof.state for rung in found.rungs for item in rung.seen}
    assert {name for name, state in states.items() if state is HOLDS} == {"reached_over_tls", "no_alarm", "deadlines"}
    assert {name for name, state in states.items() if state is NO_DATA} == {
        "peers_answer",
        "log_signed",
        "first_reviews",
        "lead_verified",
        "log_checked",
        "log_cosigned",
        "backup",
        "report_approved",
        "feedback_given",
        "legal_bases",
    }


def test_the_next_step_stands_where_there_is_one_to_take(world: World) -> None:
    seen = {item.name: item for rung in maturity_of(world.node).rungs for item in rung.seen}
    assert seen["reached_over_tls"].then is None
    assert seen["policy_in_force"].then == MATURITY_LEVELS[1].practices["policy_in_force"].then
    assert seen["peers_answer"].then is None, "nobody is silent where nobody is enrolled"
    assert seen["backup"].then == MATURITY_LEVELS[3].practices["backup"].then


def test_what_is_to_be_typed_exists() -> None:
    typed = [
        practice.typed for level in MATURITY_LEVELS.values() for practice in level.practices.values() if practice.typed
    ]
    known = {f"FFP_NODE_{name.upper()}" for name in Settings.model_fields}
    commands = [text for text in typed if text.startswith("ffp ")]
    assert set(typed) - set(commands) <= known
    assert len(commands) > 10
    for text in commands:
        command, words = typer.main.get_command(app), text.split()[1:]
        while (inside := getattr(command, "commands", None)) is not None:
            command = inside[words.pop(0)]
        options = {name for parameter in command.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", text)) <= options, text


# 1 Connected


def test_the_address_that_peers_reach(world: World, made: Callable[..., Node]) -> None:
    assert proof(world.node, "reached_over_tls") == Evidence(HOLDS, names=("https://ffp-rs.example",))
    assert proof(made(url="http://ffp-rs.example"), "reached_over_tls").state is FAILS


def test_a_policy_of_the_nodes_own(world: World) -> None:
    assert proof(world.node, "policy_in_force").state is FAILS
    world.enrol(MK)
    world.say("policy", MK, groups=[], bases=[])
    assert proof(world.node, "policy_in_force").state is FAILS, "that of a peer is none"
    world.at("2026-03-05")
    state_policy(world.node, HEAD, (), ())
    assert proof(world.node, "policy_in_force") == Evidence(HOLDS, at="2026-03-05T00:00:00.000Z")


def test_a_peer_is_enrolled(world: World) -> None:
    assert proof(world.node, "peer_enrolled") == Evidence(FAILS, exact(0))
    world.enrol(MK)
    assert proof(world.node, "peer_enrolled") == Evidence(HOLDS, exact(1))


def test_every_peer_answers(network: Network, clock: Ahead) -> None:
    rs = network.nodes[RS]
    assert proof(rs, "peers_answer") == Evidence(FAILS, names=(MK,)), "it was never read"
    network.pull(RS, MK)
    assert proof(rs, "peers_answer") == Evidence(HOLDS, at=network.peer(RS, MK).pulled_at)
    clock.hours = 25
    assert proof(rs, "peers_answer") == Evidence(FAILS, at=network.peer(RS, MK).pulled_at, names=(MK,))


def test_nothing_waits_unsigned(network: Network, clock: Ahead) -> None:
    rs = network.nodes[RS]
    network.record(RS)
    assert proof(rs, "log_signed").state is HOLDS
    add_unsigned(network)
    assert proof(rs, "log_signed").state is HOLDS, "for a moment it may wait"
    clock.hours = 0.05
    found = proof(rs, "log_signed")
    assert (found.state, found.figure) == (FAILS, exact(1))
    sign_head(rs)
    assert proof(rs, "log_signed").state is HOLDS


def test_of_a_log_without_a_head_nothing_is_known_for_a_moment(world: World) -> None:
    assert proof(world.node, "log_signed") == Evidence(NO_DATA)
    world.at("2026-03-01 00:02")
    assert proof(world.node, "log_signed") == Evidence(FAILS, exact(1))


def add_unsigned(network: Network) -> None:
    node = network.nodes[RS]
    network.published += 1
    record, envelope = network.signed(node, record_fields(issuer=RS, nonce=f"{network.published:064x}"))
    network.enter(node, record, envelope)


# 2 Exchanging


def test_an_exhibit_was_shared_lately(world: World) -> None:
    world.enrol(MK)
    record = world.record()
    assert proof(world.node, "exhibit_shared") == Evidence(FAILS)
    world.given(MK, record)
    assert proof(world.node, "exhibit_shared") == Evidence(HOLDS, at="2026-03-01T00:00:00.000Z")
    world.at("2026-05-31")
    assert proof(world.node, "exhibit_shared") == Evidence(FAILS, at="2026-03-01T00:00:00.000Z")


def test_a_peer_that_reads_was_given_an_exhibit(network: Network) -> None:
    network.share(RS, Jurisdiction.MK)
    assert proof(network.nodes[RS], "exhibit_shared").state is FAILS, "on its lane is not there"
    network.pull(MK, RS)
    assert proof(network.nodes[RS], "exhibit_shared").state is HOLDS
    assert proof(network.nodes[MK], "exhibit_received").state is HOLDS


def test_an_exhibit_arrived_lately(world: World) -> None:
    world.enrol(MK)
    world.record()
    assert proof(world.node, "exhibit_received") == Evidence(FAILS)
    world.record(MK)
    assert proof(world.node, "exhibit_received") == Evidence(HOLDS, at="2026-03-01T00:00:00.000Z")
    world.at("2026-05-31")
    assert proof(world.node, "exhibit_received").state is FAILS


def test_two_examiners(world: World) -> None:
    with world.node.store.write() as session:
        add_user(session, "examiner-1", Role.EXAMINER)
        add_user(session, "head-1", Role.HEAD)
    assert proof(world.node, "two_examiners") == Evidence(FAILS, exact(1))
    with world.node.store.write() as session:
        add_user(session, "examiner-2", Role.EXAMINER)
    assert proof(world.node, "two_examiners") == Evidence(HOLDS, exact(2))
    with world.node.store.write() as session:
        revoke_user(session, "examiner-1")
    assert proof(world.node, "two_examiners").state is FAILS


def test_first_reviews(world: World) -> None:
    world.enrol(MK)
    own, other = world.record(), world.record(MK)
    assert proof(world.node, "first_reviews") == Evidence(NO_DATA)
    world.correlated(own, "2026-03-01")
    world.compared(own, other)
    assert proof(world.node, "first_reviews") == Evidence(HOLDS, exact(0)), "there is time yet"
    world.at("2026-03-03")
    assert proof(world.node, "first_reviews") == Evidence(FAILS, FEW), "of so few only the range is told"
    world.opened(own, other, "2026-03-03")
    assert proof(world.node, "first_reviews") == Evidence(HOLDS, exact(0))


def test_leads_that_were_verified_blind(world: World) -> None:
    world.enrol(MK)
    pair = world.pair(world.record(), world.record(MK))
    assert proof(world.node, "lead_verified") == Evidence(NO_DATA)
    world.say("conclusion", pair=pair, **NOT_ASSOCIATED)
    on_exhibits = world.say("conclusion", pair=pair, **EXHIBITS)
    world.say("verification", verifies=on_exhibits, pair=pair, **ON["exhibits"])
    world.say("conclusion", MK, pair=pair, **SCREEN)
    assert proof(world.node, "lead_verified") == Evidence(NO_DATA), "no lead, no screen, not this node's own"
    world.at("2026-03-10")
    lead = world.say("conclusion", pair=pair, **INCONCLUSIVE)
    assert proof(world.node, "lead_verified") == Evidence(FAILS, exact(0))
    second = world.say("verification", verifies=lead, pair=pair, **INCONCLUSIVE)
    assert proof(world.node, "lead_verified") == Evidence(HOLDS, FEW)
    world.say("retraction", retracts=second)
    assert proof(world.node, "lead_verified") == Evidence(FAILS, exact(0))
    world.say("retraction", retracts=lead)
    assert proof(world.node, "lead_verified") == Evidence(NO_DATA)


def test_a_lead_is_old_after_half_a_year(world: World) -> None:
    world.enrol(MK)
    pair = world.pair(world.record(), world.record(MK))
    lead = world.say("conclusion", pair=pair, **INCONCLUSIVE)
    world.at("2026-03-02")
    world.say("verification", verifies=lead, pair=pair, **ON["screen"])
    world.at("2026-08-31 12:00")
    assert proof(world.node, "lead_verified").state is HOLDS, "the conclusion is too old, its verification is not"
    world.at("2026-09-02")
    assert proof(world.node, "lead_verified") == Evidence(NO_DATA)


# 3 Dependable


def test_keys_at_rest(made: Callable[..., Node], monkeypatch: pytest.MonkeyPatch) -> None:
    assert proof(made(), "keys_encrypted").state is FAILS
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", "a passphrase that is long enough")
    node = made()
    assert proof(node, "keys_encrypted").state is HOLDS
    for path in node.settings.keys.iterdir():
        path.chmod(0o644)
    assert proof(node, "keys_encrypted").state is FAILS, "open to others"


def test_the_trust_root(made: Callable[..., Node], clock: Ahead) -> None:
    node = made()
    assert proof(node, "trust_root") == Evidence(FAILS)
    trust = Capitals().round(expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=70))
    install_trust(node.settings, trust, confirmed=trust.fingerprint)
    assert proof(node, "trust_root") == Evidence(HOLDS, at=f"{trust.expires:%Y-%m-%d}")
    clock.hours = 11 * 24
    assert proof(node, "trust_root") == Evidence(FAILS, at=f"{trust.expires:%Y-%m-%d}")
    clock.hours = 0
    next(node.settings.trust_root.glob("*.root.json")).write_bytes(b"{}")
    assert proof(node, "trust_root") == Evidence(FAILS), "what is there is not believed"


def test_all_at_rest_is_read_again(network: Network, clock: Ahead) -> None:
    rs = network.nodes[RS]
    network.record(RS, scan=b"one scan")
    assert proof(rs, "log_checked") == Evidence(NO_DATA)
    check_when_due(rs)
    assert proof(rs, "log_checked").state is HOLDS
    clock.hours = 49
    assert proof(rs, "log_checked").state is FAILS, "too long ago"
    next(rs.settings.blobs.glob("??/*")).unlink()
    check_when_due(rs)
    found = proof(rs, "log_checked")
    assert found.state is FAILS, "a scan is gone"
    assert found.at is not None
    assert found.at[:10] == f"{clock():%Y-%m-%d}"


def test_another_jurisdiction_cosigns(network: Network, clock: Ahead) -> None:
    rs = network.nodes[RS]
    network.publish(RS)
    assert proof(rs, "log_cosigned") == Evidence(NO_DATA)
    network.round(MK, RS)
    found = proof(rs, "log_cosigned")
    assert (found.state, found.partners) == (HOLDS, ("MK",))
    assert found.at is not None
    clock.hours = 2
    assert proof(rs, "log_cosigned").state is HOLDS, "nothing new waits"
    network.publish(RS)
    assert proof(rs, "log_cosigned").state is HOLDS, "for an hour it may wait"
    clock.hours = 4
    assert proof(rs, "log_cosigned").state is FAILS


def test_a_head_that_nobody_ever_cosigned(network: Network, clock: Ahead) -> None:
    network.publish(RS)
    clock.hours = 2
    assert proof(network.nodes[RS], "log_cosigned") == Evidence(FAILS)


def test_time_stamps(made: Callable[..., Node], tmp_path: Path, clock: Ahead) -> None:
    assert proof(made(), "time_stamps") == Evidence(FAILS), "nobody is asked for any"
    authority, port = Authority(tmp_path / "authority"), free_port()
    roots = f'timestamp_roots = "{authority.roots}"\n'
    node = made(f'timestamp_url = "{url_of(port)}"\n{roots}')
    owner = owner_of(node)
    owner.publish()
    assert proof(node, "time_stamps") == Evidence(NO_DATA)
    client = TimeAuthorityClient(guard=ANYWHERE, timeout_s=5)
    with served(authority, port):
        assert stamp_head(node, client)
    found = proof(node, "time_stamps")
    assert found.state is HOLDS
    assert found.at is not None
    owner.publish()
    assert proof(node, "time_stamps").state is HOLDS, "the next is not due yet"
    clock.hours = 3
    assert proof(node, "time_stamps") == replace(found, state=FAILS)
    clock.hours = 0
    note_stamp_failure(node, TimeStampUnavailable("It is away."))
    assert proof(node, "time_stamps") == replace(found, state=FAILS)
    client.close()


def test_backups(network: Network, tmp_path: Path, clock: Ahead) -> None:
    rs = network.nodes[RS]
    network.record(RS, scan=b"one scan")
    assert proof(rs, "backup") == Evidence(NO_DATA)
    assert back_up(rs.settings.home, tmp_path / "backups").noted
    found = proof(rs, "backup")
    assert found.state is HOLDS
    clock.hours = 49
    assert proof(rs, "backup") == replace(found, state=FAILS)
    next(rs.settings.blobs.glob("??/*")).unlink()
    assert not back_up(rs.settings.home, tmp_path / "others").noted, "it lacks a scan"
    assert proof(rs, "backup") == replace(found, state=FAILS)
    noted = find_last_backup(rs.settings.home)
    assert noted is not None
    note_backup(rs.settings.home, replace(noted, made_at="2099-01-01T00:00:00.000Z"))
    assert proof(rs, "backup") == replace(found, state=FAILS, at="2099-01-01T00:00:00.000Z"), "its clock was ahead"
    (rs.settings.home / "last-backup").write_text("yesterday\n")
    assert proof(rs, "backup") == Evidence(NO_DATA)


def test_a_backup_that_the_node_cannot_be_told_of(network: Network, tmp_path: Path) -> None:
    rs = network.nodes[RS]
    (rs.settings.home / "last-backup").with_suffix(".part").mkdir()
    made = back_up(rs.settings.home, tmp_path / "backups")
    assert (made.folder / "manifest.json").is_file()
    assert not made.noted
    assert proof(rs, "backup") == Evidence(NO_DATA)


def test_alarms(network: Network) -> None:
    rs = network.nodes[RS]
    network.pull(RS, MK)
    assert proof(rs, "no_alarm") == Evidence(HOLDS, exact(0))
    note_alarm(rs, MK, "It is silent.")
    assert proof(rs, "no_alarm") == Evidence(FAILS, exact(1), names=(MK,))
    network.publish(MK)
    network.pull(RS, MK)
    assert proof(rs, "no_alarm").state is HOLDS
    item = QuarantineRow(
        peer=MK,
        position=7,
        statement_id="0" * 64,
        log_index=7,
        sha256="0" * 64,
        size=0,
        reason="bad-signature",
        detail="",
        at="2026-03-01T00:00:00.000Z",
    )
    with rs.store.write() as session:
        quarantine(session, item)
    assert proof(rs, "no_alarm") == Evidence(FAILS, exact(1), names=(MK,))
    note_quarantine(rs, MK)
    assert proof(rs, "no_alarm").state is HOLDS, "the operator has seen it"


def test_an_alarm_of_the_nodes_own(network: Network) -> None:
    network.publish(RS)
    network.round(MK, RS)
    rs = network.restart(RS)
    assert proof(rs, "no_alarm") == Evidence(FAILS, exact(1)), "it waits for its peers"


# 4 Accountable


def test_the_report_of_the_last_half_year(world: World) -> None:
    assert proof(world.node, "report_approved") == Evidence(NO_DATA, names=("2025H2",)), "the node was not there yet"
    world.at("2026-07-05")
    assert proof(world.node, "report_approved") == Evidence(FAILS, names=("2026H1",))
    approve_report(world.node, HEAD, Half(2026, 1), world.draft("2026H1").sha256, "To the coordinator.")
    assert proof(world.node, "report_approved") == Evidence(HOLDS, at="2026-07-05T00:00:00.000Z", names=("2026H1",))
    world.at("2027-01-05")
    assert proof(world.node, "report_approved").state is FAILS, "another one is over"


@pytest.mark.parametrize(
    ("given", "missing", "state", "rate"),
    [
        (4, 0, HOLDS, HELD_BACK),
        (3, 1, FAILS, HELD_BACK),
        (8, 2, HOLDS, Figure(Told.BETWEEN, 0.8, 1.0)),
        (7, 3, FAILS, Figure(Told.BETWEEN, 0.5, 0.8)),
        (19, 5, FAILS, Figure(Told.BETWEEN, 0.5, 0.8)),
    ],
)
def test_the_feedback_of_the_last_half_year(world: World, given: int, missing: int, state: State, rate: Figure) -> None:
    world.enrol(MK)
    world.at("2026-04-01")
    hits = [world.hit(world.record(), world.record(MK)) for _ in range(given + missing)]
    for hit in hits[:given]:
        world.say("feedback", hit=hit)
    assert proof(world.node, "feedback_given") == Evidence(NO_DATA, names=("2025H2",))
    world.at("2026-07-05")
    assert proof(world.node, "feedback_given") == Evidence(state, rate, "share", names=("2026H1",))


def test_legal_bases(world: World) -> None:
    assert proof(world.node, "legal_bases") == Evidence(NO_DATA)
    world.enrol(MK)
    assert proof(world.node, "legal_bases") == Evidence(FAILS, partners=("MK",))
    state_policy(world.node, HEAD, (), (line(Jurisdiction.MK),))
    assert proof(world.node, "legal_bases") == Evidence(HOLDS, at="2026-06-30")
    world.at("2026-07-01")
    assert proof(world.node, "legal_bases") == Evidence(FAILS, at="2026-06-30")
    state_policy(world.node, HEAD, (), (line(Jurisdiction.AL, year=2030),))
    assert proof(world.node, "legal_bases") == Evidence(FAILS, at="2030-06-30", partners=("MK",))


def line(jurisdiction: Jurisdiction, *, year: int = 2026) -> LegalBasis:
    return LegalBasis(
        jurisdiction=jurisdiction,
        kinds=(ExhibitKind.CRIME_SCENE,),
        rule=SharingRule.BLOCKED,
        article="Test agreement, article 1",
        review_by=date(year, 6, 30),
    )


def test_deadlines(world: World) -> None:
    world.at("2026-07-02")
    world.task(due="2026-07-05", conclusion="1" * 64)
    assert proof(world.node, "deadlines") == Evidence(HOLDS, exact(0))
    world.at("2026-07-06")
    assert proof(world.node, "deadlines") == Evidence(FAILS, FEW)
    with world.node.store.write() as session:
        session.execute(update(VerificationTaskRow).values(done_at="2026-07-06T00:00:00.000Z"))
    assert proof(world.node, "deadlines") == Evidence(HOLDS, exact(0))
    world.asked("MK", at="2026-07-01", due="2026-07-03", decided="2026-07-06", decision="refused")
    assert proof(world.node, "deadlines").state is HOLDS
    world.asked("MK", at="2026-07-01", due="2026-07-03")
    assert proof(world.node, "deadlines") == Evidence(FAILS, FEW), "a decision is missing"


def test_a_likelihood_ratio_for_this_matcher(made: Callable[..., Node], tmp_path: Path) -> None:
    assert proof(made(), "likelihood_ratio") == Evidence(FAILS)
    said = {"at": MODEL.population.made_on, "names": (MODEL.population.name,)}
    older = replace(MODEL, population=replace(MODEL.population, matcher_version="0"))
    silent = replace(MODEL, population=replace(MODEL.population, lateral_resolution_um=None))
    for number, (model, state) in enumerate(((MODEL, HOLDS), (older, FAILS), (silent, FAILS))):
        path = tmp_path / f"model-{number}.json"
        path.write_text(CalibrationModels.of(model).to_json(), encoding="utf-8")
        assert proof(made(f'calibration = "{path}"\n'), "likelihood_ratio") == Evidence(state, **said)
