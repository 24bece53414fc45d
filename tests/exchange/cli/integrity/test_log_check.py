"""One bit at a time: whatever is altered at rest is found, named once, and nothing else is."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.flows.integrity.log_check import check_log
from exchange.flows.integrity.report import LogCheck
from exchange.flows.node.node import opened
from exchange.flows.operate.measure import observe
from exchange.store.log.statement_rows import log_size
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.conftest import tiny_scan

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

OWN, RECEIVED = 5, 2
LEAVES = OWN + 2
"""With the card and the policy."""


@pytest.fixture(scope="module")
def home(start_shared: Callable[..., RunningNode]) -> Path:
    """A node that has records of its own and of a peer, with their scans, and is stopped."""
    rs, mk = start_shared(Jurisdiction.RS), start_shared(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    for number in range(RECEIVED):
        rs.submit(tiny_scan(), case_reference=f"RS-{number}", level="full", audience=["MK"])
    for number in range(OWN):
        mk.submit(tiny_scan(), case_reference=f"MK-{number}")
    mk.wait_for(lambda status: status["acquisitions"].get("not-usable") == OWN + RECEIVED)
    mk.wait_for(lambda status: status["signed_size"] == LEAVES)
    mk.stop()
    rs.stop()
    return mk.node.settings.home


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(home, tmp_path / "node")


def checked(home: Path) -> LogCheck:
    with opened(home) as node:
        return check_log(node)


def execute(home: Path, statement: str, *values: object) -> None:
    with sqlite3.connect(home / "node.db") as database:
        changed = database.execute(statement, values).rowcount
    database.close()
    assert changed == 1


def named(home: Path, query: str) -> str:
    with sqlite3.connect(home / "node.db") as database:
        (found,) = database.execute(query).fetchone()
    database.close()
    return str(found)


def test_what_nobody_touched_is_what_was_signed(copy: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    with opened(copy) as node:
        found = check_log(node, lambda *step: shown.append(step))
        with node.store.read() as session:
            assert log_size(session) == LEAVES
    assert found.good
    assert (found.statements, found.scans) == (LEAVES + 1 + RECEIVED, OWN + RECEIVED)
    assert found.heads >= 2, "its own, and the peer's"
    assert found.scan_bytes > 0
    assert {what for what, _, _ in shown} == {"own log", "from ffp-rs", "scans"}
    assert all(done <= total for _, done, total in shown)


@pytest.mark.parametrize("issuer", ["ffp-mk", "ffp-rs"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_one_bit_of_a_statement_is_one_finding(copy: Path, issuer: str, place: float) -> None:
    """In the payload, a signature, or what surrounds them; own or received."""
    name = named(copy, f"select statement_id from statement where issuer = '{issuer}' and log_index = 2")  # noqa: S608
    with sqlite3.connect(copy / "node.db") as database:
        (envelope,) = database.execute("select envelope from statement where statement_id = ?", (name,)).fetchone()
    database.close()
    altered = bytearray(envelope)
    altered[int(place * len(altered))] ^= 1
    execute(copy, "update statement set envelope = ? where statement_id = ?", bytes(altered), name)
    found = checked(copy)
    assert [finding.subject for finding in found.findings] == [name]


def test_a_statement_under_another_name_is_found(copy: Path) -> None:
    name = named(copy, "select statement_id from statement where issuer = 'ffp-mk' and log_index = 3")
    with sqlite3.connect(copy / "node.db") as database:
        database.execute("pragma foreign_keys = off")
        database.execute("update statement set statement_id = ? where statement_id = ?", ("0" * 64, name))
    database.close()
    finding, *others = checked(copy).findings
    assert (finding.subject, name in finding.what) == ("0" * 64, True)
    assert {other.subject for other in others} == {f"record {name}"}, "what was made of it has no statement"


def test_a_statement_that_is_gone_is_found(copy: Path) -> None:
    execute(copy, "delete from statement where issuer = 'ffp-mk' and log_index = 2")
    assert checked(copy).findings[0].subject == "log index 2"


@pytest.mark.parametrize(("level", "position"), [(0, 1), (1, 0), (2, 0)])
def test_one_bit_of_the_tree_is_found_where_it_is(copy: Path, level: int, position: int) -> None:
    with sqlite3.connect(copy / "node.db") as database:
        where = f"level = {level} and position = {position}"
        (value,) = database.execute(f"select hash from log_node where {where}").fetchone()  # noqa: S608
    database.close()
    execute(copy, f"update log_node set hash = ? where {where}", bytes([value[0] ^ 1]) + value[1:])  # noqa: S608
    (finding,) = checked(copy).findings
    assert finding.subject == f"tree level {level}, place {position}"


def test_a_log_that_is_shorter_than_its_head_is_found(copy: Path) -> None:
    execute(copy, "update log_state set size = ? where id = 1", LEAVES - 1)
    assert f"head of size {LEAVES}" in {finding.subject for finding in checked(copy).findings}


def test_an_altered_head_is_found(copy: Path) -> None:
    name = f"head of size {LEAVES}"
    with sqlite3.connect(copy / "node.db") as database:
        (note,) = database.execute("select note from checkpoint where size = ?", (LEAVES,)).fetchone()
    database.close()
    other = b"B" if note[-20:-19] == b"A" else b"A"
    execute(copy, "update checkpoint set note = ? where size = ?", note[:-20] + other + note[-19:], LEAVES)
    assert [finding.subject for finding in checked(copy).findings] == [name]


def test_a_peers_altered_head_is_found(copy: Path) -> None:
    with sqlite3.connect(copy / "node.db") as database:
        (note,) = database.execute("select checkpoint from peer").fetchone()
    database.close()
    execute(copy, "update peer set checkpoint = ?", note.replace(b"ffp", b"fff", 1))
    assert [finding.subject for finding in checked(copy).findings] == ["last head of ffp-rs"]


@pytest.mark.parametrize("harm", ["a bit", "cut", "gone", "unreadable"])
def test_a_damaged_scan_is_found(copy: Path, harm: str) -> None:
    sha256 = named(copy, "select sha256 from acquisition order by acquisition_id limit 1")
    path = copy / "blobs" / sha256[:2] / sha256
    content = path.read_bytes()
    match harm:
        case "a bit":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "cut":
            path.write_bytes(content[:-1])
        case "gone":
            path.unlink()
        case "unreadable":
            path.unlink()
            path.symlink_to("/proc/self/mem")
    (finding,) = checked(copy).findings
    assert finding.subject == f"scan {sha256}"
    if harm == "cut":
        assert f"{len(content) - 1} bytes instead of {len(content)}" in finding.what


def test_the_operator_reads_what_to_do(copy: Path, ffp: Ffp) -> None:
    good = ffp("log", "check", "--home", copy)
    assert (good.code, "All is what was signed." in good.out) == (0, True)
    sha256 = named(copy, "select sha256 from acquisition order by acquisition_id limit 1")
    (copy / "blobs" / sha256[:2] / sha256).unlink()
    bad = ffp("log", "check", "--home", copy)
    assert bad.code == 1
    assert sha256 in bad.out
    assert "restore" in bad.out
    told = ffp("log", "check", "--json", "--home", copy)
    assert told.code == 1
    assert json.loads(told.out)["findings"][0]["subject"] == f"scan {sha256}"


def test_what_the_operator_was_told_stays_told_until_it_is_mended(copy: Path, ffp: Ffp) -> None:
    """Of a record's row: nothing but the check looks at it again."""
    newest = "update record set level = ? where sequence = (select max(sequence) from record where issuer = 'ffp-mk')"
    execute(copy, newest, "full")
    assert ffp("log", "check", "--home", copy).code == 1
    for _ in range(2):
        assert "1 not what was signed" in " ".join(ffp("status", "--home", copy).out.split())
        doctor = ffp("doctor", "--home", copy)
        assert "Content at rest is not what was signed" in " ".join(doctor.out.split())
    with opened(copy) as node:
        assert observe(node).value("ffp_log_altered")
    execute(copy, newest, "none")
    assert ffp("log", "check", "--home", copy).code == 0
    assert "all is what was signed" in " ".join(ffp("status", "--home", copy).out.split())
    with opened(copy) as node:
        assert not observe(node).value("ffp_log_altered")


def test_what_the_tree_lost_is_made_again(copy: Path, ffp: Ffp) -> None:
    execute(copy, "delete from log_node where level = 1 and position = 0")
    assert ffp("log", "check", "--home", copy).code == 1
    assert "made again: 1." in ffp("log", "mend", "--home", copy).out
    assert ffp("log", "check", "--home", copy).code == 0


def test_a_static_copy_is_published(copy: Path, tmp_path: Path, ffp: Ffp) -> None:
    folder = tmp_path / "static"
    said = ffp("log", "publish", folder, "--home", copy)
    assert (said.code, said.out) == (
        0,
        f"The head of size {LEAVES} is in {folder}. Files written: 1, there before: 0.\n",
    )
    assert (folder / "checkpoint").read_text().startswith(f"ffp-mk.ffp-exchange/log\n{LEAVES}\n")
    assert len((folder / f"tile/0/000.p/{LEAVES}").read_bytes()) == 32 * (LEAVES)
    (folder / "checkpoint").write_bytes(b"another web site")
    assert "name an empty folder" in refusal(ffp("log", "publish", folder, "--home", copy))


def test_a_node_that_serves_looks_by_itself_and_tells(start_node: Callable[..., RunningNode], ffp: Ffp) -> None:
    node = start_node(Jurisdiction.RS)
    node.submit(tiny_scan())
    node.wait_for(lambda status: status["checked_at"] is not None and status["signed_size"] == 2)
    node.stop()
    [scan] = node.node.settings.blobs.glob("??/*")
    scan.write_bytes(scan.read_bytes()[:-1])
    again = start_node(Jurisdiction.RS, log_check_interval_s=0.5)
    status = again.wait_for(lambda status: status["altered"])
    assert scan.name in status["altered"][0]
    again.stop()
    said = ffp("status", "--home", node.node.settings.home)
    assert "ffp log check" in " ".join(said.out.split())
