"""``ffp doctor``: a whole node gives nothing, each fault is made for real and found, with what to do next."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from exchange.clock import now, stamp
from exchange.compute import Compute
from exchange.config_files import write_secret
from exchange.errors import TimeStampRefused
from exchange.flows.alerts.deadlines import Duty
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.stamping import note_stamp_failure
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.doctor import check_peers as doctor_peers
from exchange.flows.operate.doctor import machine as doctor_machine
from exchange.flows.operate.doctor.examine import Examination, examine
from exchange.flows.operate.doctor.services import examine_compute
from exchange.flows.operate.doctor.work import WHAT_WAITS, examine_log
from exchange.flows.operate.findings import Cause, Finding, Gravity
from exchange.flows.operate.promised_work import QueueLook, work_findings
from exchange.net.probe import ReachedPeer
from exchange.store.access.user_rows import add_user
from exchange.store.log.statement_rows import keep_log_check
from exchange.store.node.jobs import JobKind, fail, promise, take, wait
from exchange.store.sync.peers import find_peer
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.mail_tables import MailAddressRow
from exchange.store.tables.peer_tables import QuarantineRow
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.witness.cosignatures import LogStartState, keep_disagreement, set_log_start
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.log.authority import Authority, served, url_of
from tests.exchange.mail_server import PASSWORD, USER, certificate, mail_server
from tests.exchange.open_policy import allow_all
from tests.exchange.running_nodes import RunningNode, enrol_each_other, free_port
from tests.exchange.web.conftest import tiny_scan
from tests.schemas.examples import record_fields

pytestmark = pytest.mark.slow

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _a_machine_whose_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of a container may not be, whatever a test does."""
    monkeypatch.setattr(doctor_machine, "clock_is_synchronised", lambda: True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node that does not run, looked after as deploy/README.md says."""
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    folder = tmp_path / "node"
    create_node(folder, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{free_port()}", port=free_port())
    for path in (folder / "keys").glob("identity-*.pem"):
        path.unlink()
    return folder


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    opened = open_node(home)
    yield opened
    opened.close()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    for one in made.nodes.values():
        allow_all(one)
    yield made
    for one in made.nodes.values():
        one.close()


def only(found: Examination) -> Finding:
    assert len(found.findings) == 1, found.findings
    assert found.findings[0].what.strip()
    assert found.findings[0].next.strip()
    return found.findings[0]


def about(found: Examination, subject: str) -> Finding:
    [finding] = [item for item in found.findings if item.subject == subject]
    return finding


def extend(home: Path, line: str) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write(line + "\n")


def test_a_whole_node_that_does_not_run(home: Path, ffp: Ffp) -> None:
    found = examine(home)
    assert (found.findings, found.worst, found.served) == ([], Gravity.GOOD, False)
    said = ffp("doctor", "--home", home)
    assert said.code == 0
    assert "nothing found" in said.out
    told = json.loads(ffp("doctor", "--json", "--home", home).out)
    assert (told["worst"], told["served"], told["findings"]) == ("good", False, [])


def test_the_exit_code_is_that_of_the_worst(home: Path, ffp: Ffp) -> None:
    home.chmod(0o755)
    said = ffp("doctor", "--home", home)
    assert said.code == 1
    assert f"chmod 700 {home}" in said.out
    shutil.rmtree(home / "blobs")
    said = ffp("doctor", "--json", "--home", home)
    assert said.code == 2
    told = json.loads(said.out)
    assert told["worst"] == "fault"
    assert {item["gravity"] for item in told["findings"]} == {"warning", "fault"}
    assert all(item["what"] and item["next"] for item in told["findings"])


def test_no_settings(tmp_path: Path, home: Path, ffp: Ffp) -> None:
    assert only(examine(tmp_path / "nothing")).gravity is Gravity.FAULT
    extend(home, "workers = 0")
    assert "workers" in only(examine(home)).what
    assert ffp("doctor", "--home", home).code == 2


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["node.db", "sign-in.key", "secrets"])
def test_what_is_open_to_others(home: Path, name: str) -> None:
    path = home / name
    if name == "secrets":
        path.mkdir()
    if name == "sign-in.key":
        path.touch()
    path.chmod(0o755)
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("permissions", Gravity.WARNING)
    assert name in found.next


def test_a_folder_that_cannot_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, who may run this test, may write everywhere: so the answer is given in the system's place."""
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: path != home / "blobs" and asked(path, mode, **more))
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("permissions", Gravity.FAULT)


def test_keys_that_others_may_read(home: Path) -> None:
    (home / "keys" / "log-ed25519.pem").chmod(0o644)
    found = about(examine(home), "keys")
    assert found.gravity is Gravity.FAULT
    assert "chmod 600" in found.next


def test_keys_that_are_gone(home: Path) -> None:
    shutil.rmtree(home / "keys")
    assert about(examine(home), "keys").gravity is Gravity.FAULT


def test_keys_of_another_node(home: Path, tmp_path: Path) -> None:
    create_node(tmp_path / "other", jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    shutil.rmtree(home / "keys")
    shutil.copytree(tmp_path / "other" / "keys", home / "keys")
    for path in (home / "keys").glob("identity-*.pem"):
        path.unlink()
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("node", Gravity.FAULT)
    assert "key-event" in found.what


def test_keys_that_are_not_encrypted_beside_the_identity(tmp_path: Path) -> None:
    create_node(tmp_path / "bare", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=free_port())
    found = examine(tmp_path / "bare")
    assert [item.subject for item in found.findings] == ["keys", "keys"]
    assert "ffp key encrypt" in found.findings[0].next
    assert "identity" in found.findings[1].what


def test_no_passphrase_to_open_the_keys(home: Path, monkeypatch: pytest.MonkeyPatch, ffp: Ffp) -> None:
    monkeypatch.delenv("FFP_NODE_KEY_PASSPHRASE")
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("keys", Gravity.WARNING)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert ffp("doctor", "--home", home).code == 1


def test_a_disk_that_fills(home: Path) -> None:
    free = shutil.disk_usage(home).free
    extend(home, f"min_free_bytes = {free * 2 // 3}")
    assert (only(examine(home)).subject, examine(home).worst) == ("disk", Gravity.WARNING)


def test_a_disk_below_its_reserve(home: Path) -> None:
    extend(home, f"min_free_bytes = {min(2**40, shutil.disk_usage(home).free * 2)}")
    assert (only(examine(home)).subject, examine(home).worst) == ("disk", Gravity.FAULT)


def test_a_disk_that_will_fill(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many scans in a month as there is room for in a week."""
    node = network.nodes[RS]
    network.record(RS, scan=b"scan" * 1000)
    assert list(doctor_machine.examine_growth(node)) == []
    usage = shutil.disk_usage(node.settings.home)
    room = node.settings.min_free_bytes * 3
    monkeypatch.setattr(doctor_machine, "scan_bytes", lambda session, since: 4 * (room - node.settings.min_free_bytes))
    monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda path: usage._replace(free=room))
    [found] = doctor_machine.examine_growth(node)
    assert "room for 7 days" in found.what


def test_a_clock_that_nobody_sets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "clock_is_synchronised", lambda: False)
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("clock", Gravity.WARNING)


def test_the_kernel_is_asked() -> None:
    program = "from exchange.flows.operate.doctor.machine import clock_is_synchronised as asked; print(type(asked()))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "bool" in told.stdout


@pytest.mark.slow
def test_a_machine_that_computes_otherwise(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker processes are asked: they are the ones that compare scans. One that another test left was started on
    the machine as it is, and nobody may go on with this one."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Sandybridge")
    own = Compute(1, 60, background=True)
    [found] = examine_compute(replace(node, background=own))
    own.close()
    assert (found.cause, found.gravity) == (Cause.COMPUTES_OTHERWISE, Gravity.WARNING)
    assert "OPENBLAS_CORETYPE=Haswell" in found.next


@pytest.mark.parametrize(("ahead", "gravity"), [(0.6, None), (15, Gravity.WARNING), (-600, Gravity.FAULT)])
def test_a_clock_that_differs_from_those_of_the_peers(node: Node, ahead: float, gravity: Gravity | None) -> None:
    """One peer of three that is off is not this node's fault, and is named."""
    found = list(doctor_peers._clocks(node, {"ffp-mk": ahead, "ffp-al": ahead, "ffp-xk": 3600}))
    told = {item.subject: item.gravity for item in found}
    assert told.pop("peer ffp-xk") == Gravity.WARNING
    assert told == ({"clock": gravity} if gravity is not None else {})


@pytest.mark.sqlite
def test_a_database_that_is_gone(home: Path) -> None:
    (home / "node.db").unlink()
    assert (only(examine(home)).subject, examine(home).worst) == ("database", Gravity.FAULT)


@pytest.mark.sqlite
def test_a_database_that_is_damaged(home: Path) -> None:
    node = open_node(home)
    with node.store.write() as session:
        for number in range(200):
            add_user(session, f"user-{number}", Role.EXAMINER)
    node.close()
    content = bytearray((home / "node.db").read_bytes())
    for page in range(len(content) // 2, len(content) - 4096, 4096):
        content[page : page + 100] = b"\xff" * 100
    (home / "node.db").write_bytes(content)
    found = about(examine(home), "database")
    assert found.gravity is Gravity.FAULT
    assert "damaged" in found.what


def test_a_database_of_another_form(home: Path, node: Node) -> None:
    with node.store.write() as session:
        session.connection().exec_driver_sql("UPDATE schema_version SET version_num = '999'")
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("database", Gravity.FAULT)
    assert "999" in found.what


def test_scans_that_are_gone_or_cut_short(network: Network) -> None:
    node = network.nodes[RS]
    network.record(RS, scan=b"one scan")
    assert "scans" not in {item.subject for item in examine(node.settings.home).findings}
    [blob] = node.settings.blobs.glob("??/*")
    blob.write_bytes(b"one")
    assert about(examine(node.settings.home), "scans").gravity is Gravity.FAULT
    blob.unlink()
    assert blob.name in about(examine(node.settings.home), "scans").what


def test_a_log_that_may_not_be_signed(home: Path, node: Node) -> None:
    with node.store.write() as session:
        set_log_start(session, LogStartState.CONFLICT, restored=True, detail="Two histories.")
    assert (only(examine(home)).subject, examine(home).worst) == ("log", Gravity.FAULT)


def test_keys_that_the_log_does_not_name_yet(home: Path, node: Node) -> None:
    """As after a restore of a database from before the last change of keys."""
    with node.store.write() as session:
        session.connection().exec_driver_sql("UPDATE log_state SET keys_since = 7")
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("keys", Gravity.FAULT)


def test_a_log_that_signed_two_histories(home: Path, node: Node) -> None:
    with node.store.write() as session:
        keep_disagreement(session, RS, b"a", b"b", texts=("a", "b"), proven=True, detail="Two heads of one size.")
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("log", Gravity.FAULT)
    assert "ffp log evidence" in found.next


def test_content_that_is_not_what_was_signed(home: Path, node: Node) -> None:
    with node.store.write() as session:
        keep_log_check(session, good=False, report="{}")
    assert (only(examine(home)).subject, examine(home).worst) == ("log", Gravity.FAULT)


def test_time_stamps_that_do_not_come(home: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    port = free_port()
    extend(home, f'timestamp_url = "{url_of(port)}"\ntimestamp_roots = "{authority.roots}"')
    node = open_node(home)
    with served(authority, port):
        assert examine(home).findings == []
        note_stamp_failure(node, TimeStampRefused("no stamp was granted"))
        node.close()
        found = only(examine(home))
    assert (found.subject, found.gravity) == ("time stamps", Gravity.WARNING)
    assert "no stamp was granted" in found.what


def test_letters_that_do_not_leave(home: Path, tmp_path: Path) -> None:
    """Those to one person; the server takes others."""
    port, roots = free_port(), certificate(tmp_path)
    extend(home, f'smtp_host = "127.0.0.1"\nsmtp_port = {port}\nsmtp_from = "node@lab.example"')
    extend(home, f'smtp_user = "{USER}"\nsmtp_roots = "{roots}"')
    write_secret("smtp_password", PASSWORD, home)
    node = open_node(home)
    with node.store.write() as session:
        add_user(session, "examiner-1", Role.EXAMINER)
        moments = dict.fromkeys(("asked_at", "told_to", "failed_since"), stamp())
        who = {"pseudonym": "examiner-1", "address": "a@lab.example", "language": "en"}
        session.add(MailAddressRow(**who, **moments, failure="mailbox full"))
    node.close()
    with mail_server(tmp_path, port):
        found = next(item for item in examine(home).findings if item.subject != "certificate")
    assert (found.subject, found.gravity) == ("e-mail", Gravity.WARNING)
    assert "mailbox full" in found.what
    assert "a@lab.example" not in found.what


def test_work_that_was_given_up(home: Path, node: Node) -> None:
    with node.store.write() as session:
        promise(session, JobKind.CORRELATE, 1)
        job = take(session, JobKind.CORRELATE, owner="here", lease_s=1)
        assert job is not None
        assert fail(session, job, "compute-failed: it took too long", max_attempts=1)
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("jobs", Gravity.WARNING)
    assert "it took too long" in found.what


def test_work_that_waits_for_what_is_away(home: Path, node: Node) -> None:
    with node.store.write() as session:
        promise(session, JobKind.CORRELATE, 1)
        job = take(session, JobKind.CORRELATE, owner="here", lease_s=1)
        assert job is not None
        wait(session, job, "compute-away: The cluster does not answer.", pause_s=60)
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("jobs", Gravity.WARNING)
    assert "1 jobs of the kind correlate wait for what is away" in found.what
    assert "The cluster does not answer." in found.what


def test_a_cluster_that_is_away(home: Path) -> None:
    extend(home, f'cluster_scheduler = "tcp://127.0.0.1:{free_port()}"')
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("cluster", Gravity.FAULT)
    assert "does not answer" in found.what


def test_a_machine_that_starts_no_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("tests.exchange.warm.SPARE.take", lambda: None)
    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("compute", Gravity.FAULT)
    assert "Resource temporarily unavailable" in found.what


def test_a_node_that_is_served_and_has_no_worker(node: Node) -> None:
    assert list(work_findings(node, None)) == []
    [found] = work_findings(node, QueueLook())
    assert (found.subject, found.gravity) == ("worker", Gravity.FAULT)
    assert "No worker has ever shown itself." in found.what


def test_a_deadline_that_was_missed(home: Path, node: Node) -> None:
    late = stamp(now() - timedelta(days=1))
    with node.store.write() as session:
        session.add(
            VerificationTaskRow(
                task_id="0" * 32,
                pair="{}",
                scan_low="0" * 64,
                scan_high="1" * 64,
                exhibit_low="ffp-mk/a",
                exhibit_high="ffp-rs/b",
                statement_a="a",
                statement_b="b",
                basis="screen",
                created_at=late,
                due_at=late,
            )
        )
    found = only(examine(home))
    assert (found.subject, found.gravity) == ("deadlines", Gravity.WARNING)
    assert "Verifications overdue: 1," in found.what


def test_every_duty_has_its_words() -> None:
    assert set(WHAT_WAITS) == set(Duty)


def of_peer(network: Network, *, served: bool = False) -> list[Finding]:
    """All that is found but that nobody answers: these nodes have no sockets."""
    found = doctor_peers.examine_peers(network.nodes[RS], served=served)
    return [item for item in found if "does not answer" not in item.what]


def test_a_peer_that_is_away(network: Network) -> None:
    found = list(doctor_peers.examine_peers(network.nodes[RS], served=False))
    assert [(item.subject, item.gravity) for item in found] == [(f"peer {MK}", Gravity.WARNING)]
    assert of_peer(network) == []


def test_what_a_peer_sent_is_in_quarantine(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        row = QuarantineRow(peer=MK, position=0, at=stamp(), statement_id="0" * 64, log_index=1)
        row.sha256, row.size, row.reason, row.detail = "0" * 64, 0, "signature", "bad"
        session.add(row)
    [found] = of_peer(network)
    assert found.subject == "quarantine"
    assert f"ffp sync note {MK}" in found.next


def test_a_peer_with_an_alarm_that_is_silent(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        peer = find_peer(session, MK)
        assert peer is not None
        peer.alarm, peer.pulled_at = "It refused.", stamp(now() - timedelta(hours=1))
    assert [item.what for item in of_peer(network)] == ["It refused."]
    assert len([item for item in of_peer(network, served=True) if item.subject == f"peer {MK}"]) == 2


def test_a_peer_whose_log_forked(network: Network) -> None:
    with network.nodes[RS].store.write() as session:
        keep_disagreement(session, MK, b"a", b"b", texts=("a", "b"), proven=True, detail="Two heads of one size.")
    [found] = of_peer(network)
    assert found.gravity is Gravity.FAULT


def test_a_certificate_that_ends(node: Node) -> None:
    soon = now().timestamp() + 5 * 86_400
    [found] = doctor_peers._address(node, MK, ReachedPeer(200, b"", 0, soon + 60))
    assert "in 5 days" in found.what
    assert list(doctor_peers._address(node, MK, ReachedPeer(200, b"", 0, soon + 30 * 86_400))) == []
    [found] = doctor_peers._address(node, RS, ReachedPeer(502, b"", 0, None))
    assert "502" in found.what


@pytest.mark.slow
def test_nodes_that_run_and_what_a_running_one_lacks(start_node: Callable[..., RunningNode], ffp: Ffp) -> None:
    """Encrypted and without their identity keys, as they should be; beside them the doctor disturbs nothing."""
    rs, mk = (start_node(one, key_passphrase=PASSPHRASE) for one in (Jurisdiction.RS, Jurisdiction.MK))
    enrol_each_other(rs, mk)
    home = rs.node.settings.home
    for path in (home / "keys").glob("identity-*.pem"):
        path.unlink()
    assert rs.submit(tiny_scan(), audience=["MK"], level="full").status_code == 201
    mk.wait_for(lambda status: status["records"] == 1 and not status["jobs"])
    rs.wait_for(lambda status: status["signed_size"] == status["log_size"] and bool(status["witnesses"]))

    def findings() -> list[Any]:
        os.environ["FFP_NODE_KEY_PASSPHRASE"] = PASSPHRASE
        try:
            said = ffp("doctor", "--json", "--home", home)
        finally:
            del os.environ["FFP_NODE_KEY_PASSPHRASE"]
        told = json.loads(said.out)
        assert told["served"]
        found: list[Any] = told["findings"]
        return found

    assert findings() == []

    incoming = rs.node.settings.incoming
    away = incoming.rename(incoming.with_name("away"))
    assert {item["subject"] for item in findings()} == {"readiness", "permissions"}
    away.rename(incoming)
    mk.stop()
    assert {item["subject"] for item in findings()} == {"peer ffp-mk"}


def test_a_running_node_signs_no_more(network: Network) -> None:
    node = network.nodes[RS]
    network.publish(RS, 2)
    assert list(examine_log(node, served=True)) == []
    network.enter(node, *network.signed(node, record_fields(issuer=RS)))
    with node.store.write() as session:
        session.connection().exec_driver_sql("UPDATE statement SET received_at = '2026-01-01T00:00:00.000Z'")
    [found] = examine_log(node, served=True)
    assert "wait for a signed head" in found.what
    assert list(examine_log(node, served=False)) == []
    sign_head(node)
    with node.store.write() as session:
        session.execute(update(CheckpointRow).values(signed_at=stamp(now() - timedelta(hours=2))))
    [found] = examine_log(node, served=True)
    assert "No peer has cosigned" in found.what


def test_a_check_at_rest_that_is_late(network: Network) -> None:
    node = network.nodes[RS]
    with node.store.write() as session:
        keep_log_check(session, good=True, report="{}")
        session.flush()
        session.connection().exec_driver_sql("UPDATE log_check SET checked_at = '2026-01-01T00:00:00.000Z'")
    [found] = examine_log(node, served=True)
    assert "ffp log check" in found.next
