"""What is not believed is kept within bounds, apart from the database, and can be listed, dropped, and read again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from exchange.cli.main import app
from exchange.conformance.guest.owner import encoded
from exchange.errors import NotFound, StoreUnavailable
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore
from exchange.flows.sync.progress import note_quarantine, sync_status
from exchange.flows.sync.quarantine import drop, has_room, list_set_aside
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.sync.replay import read_again
from exchange.store.sync.peers import quarantined, set_aside, told_set_aside, unnoted
from exchange.store.tables.peer_tables import QuarantineRow
from schemas import Record, parse_statement
from schemas.lane import MAX_PAGE_ITEMS
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.examples import record_fields

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("careless_owner")]


@pytest.fixture
def narrow(network: Network, monkeypatch: pytest.MonkeyPatch) -> Network:
    """The reader keeps the bytes of three items of one peer, and the digests of three more."""
    mk = network.nodes[MK]
    monkeypatch.setitem(mk.__dict__, "settings", mk.settings.model_copy(update={"peer_quarantine_items": 3}))
    return network


def poison(network: Network, count: int, *, padding: int = 0) -> None:
    """Records of Serbia's with a field that no release knows, on North Macedonia's lane."""
    node = network.nodes[RS]
    for _ in range(count):
        network.published += 1
        fields = record_fields(issuer=RS, jurisdiction="RS", nonce=f"{network.published:064x}", audience=["MK"])
        plain = parse_statement(encoded(fields))
        assert isinstance(plain, Record)
        bad = node.keys.statement.sign(encoded({**fields, "padding": "x" * padding}))
        network.enter(node, plain, bad)
    network.publish(RS, count=0)


def read_all(network: Network, *, noting: bool = True) -> None:
    """As a reader does whose operator notes at once whatever stops the lane: nothing slower keeps the peer back."""
    before = -1
    while (after := network.peer(MK, RS).cursor_count) != before:
        before = after
        network.pull(MK, RS)
        if noting:
            note_quarantine(network.nodes[MK], RS)


def size_of(*paths: Path) -> int:
    return sum(
        path.stat().st_size
        for place in paths
        for path in ([place] if place.is_file() else place.rglob("*"))
        if path.is_file()
    )


def database(network: Network) -> list[Path]:
    return sorted(network.nodes[MK].settings.home.glob("node.db*"))


def test_a_flood_grows_neither_the_database_nor_a_backup_and_others_are_served(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of 61 kB each: 1,500 of them grew the database by 92 MB in 8 s, and 300 would by 18."""
    settings = network.nodes[MK].settings.model_copy(update={"peer_quarantine_items": 64})
    monkeypatch.setitem(network.nodes[MK].__dict__, "settings", settings)
    home = settings.home
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    back_up(home, first)
    before = size_of(*database(network))
    poison(network, 300, padding=61_000)
    read_all(network)
    names = network.share("ffp-al", Jurisdiction.MK)
    network.pull(MK, "ffp-al")
    assert network.holds(MK) == set(names)

    with network.nodes[MK].store.read() as session:
        assert quarantined(session, RS) == 300
    assert size_of(*database(network)) - before < 5_000_000
    back_up(home, second)
    assert size_of(second) - size_of(first) < 5_000_000
    assert 64 <= len(network.nodes[MK].evidence.places(RS)) < 64 + MAX_PAGE_ITEMS


def test_beyond_the_bound_digests_are_kept_and_beyond_these_reasons_are_counted(narrow: Network) -> None:
    mk = narrow.nodes[MK]
    for _ in range(9):
        poison(narrow, 1)
        read_all(narrow)
    poison(narrow, 1)
    narrow.pull(MK, RS)
    (found,) = list_set_aside(mk, RS)
    assert len(found.evidence) == 3
    assert not has_room(mk, RS)
    assert len(found.rows) == 6
    assert all(row.sha256 and row.size for row in found.rows)
    assert [(row.reason, row.items, row.unnoted) for row in found.counted] == [("unknown-field", 4, 1)]
    assert found.to_be_read_again == 3
    with mk.store.read() as session:
        assert (quarantined(session, RS), told_set_aside(session, RS), unnoted(session, RS)) == (10, 10, 1)
    assert "10 of its items are set aside" in (narrow.peer(MK, RS).alarm or "")
    assert give_receipt(mk, RS)
    narrow.settle()
    alarms = [alarm for status in sync_status(narrow.nodes[RS]) for alarm in status.alarms]
    assert any("set 10 of this node's statements aside" in alarm for alarm in alarms)


def test_while_nothing_is_noted_no_item_is_without_its_bytes(narrow: Network) -> None:
    """A page that reaches the bound is kept whole; then the lane stands."""
    poison(narrow, 100)
    read_all(narrow, noting=False)
    (found,) = list_set_aside(narrow.nodes[MK], RS)
    read_as_well = 1  # the policy
    assert len(found.rows) == len(found.evidence) == narrow.peer(MK, RS).cursor_count - read_as_well < 100
    assert "ffp sync quarantine list" in (narrow.peer(MK, RS).alarm or "")


def test_the_bytes_are_private_and_not_in_the_database(network: Network) -> None:
    poison(network, 1, padding=40_000)
    network.pull(MK, RS)
    node = network.nodes[MK]
    (row,) = list_set_aside(node, RS)[0].rows
    path = node.settings.quarantine / RS / str(row.position)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
    assert [one.stat().st_mode & 0o777 for one in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]
    assert all(b"x" * 100 not in file.read_bytes() for file in database(network))
    path.write_bytes(b"something else")
    assert node.evidence.read(RS, row.position, row.sha256) is None


def test_what_is_dropped_makes_room_and_receipts_add_up(narrow: Network) -> None:
    mk = narrow.nodes[MK]
    poison(narrow, 4)
    narrow.pull(MK, RS)
    first = list_set_aside(mk, RS)[0].rows[0].position
    assert drop(mk, RS, place=first) == 1
    assert first not in mk.evidence.places(RS)
    with pytest.raises(NotFound, match=f"at place {first}"):
        drop(mk, RS, place=first)
    assert drop(mk, RS) == 3
    (found,) = list_set_aside(mk, RS)
    assert (list(found.rows), found.evidence) == ([], {})
    with mk.store.read() as session:
        assert (told_set_aside(session, RS), unnoted(session, RS)) == (4, 4), "dropping is not noting"
    assert "4 of its items are set aside" in (narrow.peer(MK, RS).alarm or "")
    assert note_quarantine(mk, RS) == 4
    assert has_room(mk, RS)
    assert narrow.peer(MK, RS).alarm is None


def test_what_cannot_be_written_leaves_the_cursor(network: Network) -> None:
    mk = network.nodes[MK]
    poison(network, 1)
    mk.settings.quarantine.write_bytes(b"in the way")
    before = network.peer(MK, RS).cursor_count
    with pytest.raises(StoreUnavailable, match="cannot be set aside here"):
        network.pull(MK, RS)
    assert network.peer(MK, RS).cursor_count == before
    mk.settings.quarantine.unlink()
    network.pull(MK, RS)
    assert len(list_set_aside(mk, RS)[0].evidence) == 1


def test_what_a_later_release_may_understand_comes_with_a_backup(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mk = network.nodes[MK]
    poison(network, 3, padding=200)
    network.pull(MK, RS)
    (found,) = list_set_aside(mk, RS)
    monkeypatch.setattr("exchange.flows.sync.quarantine.BACKED_UP_BYTES", 2 * found.rows[0].size + 10)
    whole = back_up(mk.settings.home, tmp_path / "backups").folder
    home = tmp_path / "again"
    restore(whole, home, Secrets(keys=mk.settings.keys))
    assert sorted(path.name for path in (home / "quarantine" / RS).iterdir()) == [
        str(row.position) for row in found.rows[:2]
    ]
    assert [path.stat().st_mode & 0o777 for path in (home / "quarantine", home / "quarantine" / RS)] == [0o700] * 2


def test_the_operator_lists_and_drops(network: Network) -> None:
    poison(network, 2)
    network.pull(MK, RS)
    home = ["--home", str(network.nodes[MK].settings.home)]
    runner = CliRunner()
    shown = runner.invoke(app, ["sync", "quarantine", "list", RS, *home]).output
    assert f"{RS}: 2 items" in shown
    assert "unknown-field" in shown
    assert "not noted" in shown
    kept = runner.invoke(app, ["sync", "quarantine", "drop", RS, *home], input="n\n")
    assert "A later release may understand 2 of them" in kept.output
    assert kept.exit_code == 1
    with network.nodes[MK].store.read() as session:
        assert len(set_aside(session, RS)) == 2
    assert "2 items dropped" in runner.invoke(app, ["sync", "quarantine", "drop", RS, "--yes", *home]).output
    assert (
        "2 more for the reason unknown-field, only counted"
        in runner.invoke(app, ["sync", "quarantine", "list", *home]).output
    )


def test_what_has_no_bytes_here_is_not_read_again(network: Network) -> None:
    mk = network.nodes[MK]
    poison(network, 1)
    network.pull(MK, RS)
    (row,) = list_set_aside(mk, RS)[0].rows
    mk.evidence.erase(RS, row.position)
    assert read_again(mk) == 0
    with mk.store.read() as session:
        assert session.scalar(select(func.count()).select_from(QuarantineRow)) == 1
