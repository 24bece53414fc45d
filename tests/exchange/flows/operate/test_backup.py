"""What a backup holds, what it does not, and that a damaged one is refused. With peers: `test_restore_drill`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.errors import ConfigurationError
from exchange.flows.instrument.check_series import read_series
from exchange.flows.log.start import begin_log_start, may_sign
from exchange.flows.node.node import Node, open_node
from exchange.flows.operate import backup as flow
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.store.entry.instrument_checks import heights_of
from exchange.store.log.statement_rows import log_size
from exchange.store.node.lock import sole_user
from exchange.store.operate.manifest import MANIFEST, SCANS, SEALED
from exchange.store.terms.withdrawals import erase_rows
from exchange.trust.encrypted_files import seal_files, unseal
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Databases, Sqlite, databases_fixture
from tests.exchange.flows.kept_checks import keep_check
from tests.exchange.flows.network import MK, RS, Network

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite")
PASSPHRASE = b"of the backup, and long enough"


def silent(_what: str, _done: int, _total: int) -> None:
    return


@pytest.fixture
def network(tmp_path: Path, databases: Databases) -> Iterator[Network]:
    """Serbia's node with two records of its own, and North Macedonia's."""
    made = Network(tmp_path / "nodes", databases)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    for scan in (b"one scan", b"other scan"):
        made.record(RS, scan=scan)
    yield made
    made.close()


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes[RS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def again(tmp_path: Path, node: Node, databases: Databases) -> Callable[[Path], Path]:
    """Makes the node again from a backup, with the keys that were kept apart; each time somewhere else."""
    made = iter(range(100))

    def make(source: Path) -> Path:
        home = tmp_path / f"again-{next(made)}"
        secrets = Secrets(keys=node.settings.keys, database_url=databases.new())
        found = verify_restored(home, restore(source, home, secrets).missing, passphrase=None, progress=silent)
        assert found.findings == []
        return home

    return make


def scans_in(home: Path) -> set[bytes]:
    return {path.read_bytes() for path in home.glob("blobs/??/*")}


def test_each_backup_of_a_folder_is_whole_and_scans_are_copied_once(
    network: Network, node: Node, folder: Path, again: Callable[[Path], Path]
) -> None:
    first = back_up(node.settings.home, folder)
    network.record(RS, scan=b"third scan")
    second = back_up(node.settings.home, folder)
    assert (first.scans, first.copied, second.scans, second.copied) == (2, 2, 3, 1)
    assert scans_in(again(first.folder)) == {b"one scan", b"other scan"}
    assert scans_in(again(second.folder)) == {b"one scan", b"other scan", b"third scan"}
    assert [path for path in folder.rglob("*") if path.stat().st_mode & 0o077] == [folder / "backup.lock"]


def test_a_restored_node_waits_for_its_peers(node: Node, folder: Path, again: Callable[[Path], Path]) -> None:
    """It has the file that tells of the last signed head no more, and so takes itself for one that was set back."""
    restored = open_node(again(back_up(node.settings.home, folder).folder))
    begin_log_start(restored)
    with restored.store.read() as session:
        assert not may_sign(node, session)
        assert log_size(session) == back_up(node.settings.home, folder).log_size
    restored.close()


def test_a_restored_node_goes_on_with_the_series_of_its_instruments(
    node: Node, folder: Path, again: Callable[[Path], Path]
) -> None:
    with node.store.write() as session:
        first = keep_check(session, "reference").check_id
        keep_check(session, "passed", height_ratio=1.001)
    restored = open_node(again(back_up(node.settings.home, folder).folder))
    [point, last] = read_series(restored, first).points
    assert (point.intact, last.intact, last.values) == (True, True, {"height_ratio": 1.001})
    with restored.store.read() as session:
        assert heights_of(session, first) == b"heights"
    restored.close()


def test_keys_leave_the_machine_sealed_alone(node: Node, folder: Path, tmp_path: Path, databases: Databases) -> None:
    (node.settings.home / "sign-in.key").write_bytes(b"of the authenticators")
    plain = back_up(node.settings.home, folder).folder
    sealed = back_up(node.settings.home, folder, sealed_with=PASSPHRASE).folder
    secret = {path.read_bytes() for path in [*node.settings.keys.iterdir(), node.settings.sign_in_key]}
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert not any(content in written for content in secret)
    assert not (plain / SEALED).exists()
    with pytest.raises(ConfigurationError, match="does not open"):
        restore(sealed, tmp_path / "home", Secrets(unsealed_with=b"another passphrase"))
    restore(sealed, tmp_path / "home", Secrets(unsealed_with=PASSPHRASE, database_url=databases.new()))
    for path in [*node.settings.keys.iterdir(), node.settings.sign_in_key]:
        copy = tmp_path / "home" / path.relative_to(node.settings.home)
        assert copy.read_bytes() == path.read_bytes()
        assert copy.stat().st_mode & 0o077 == 0


def test_what_is_sealed_opens_whole_or_not_at_all() -> None:
    sealed = seal_files({"keys/a": b"\0", "sign-in.key": b""}, PASSPHRASE)
    assert unseal(sealed, PASSPHRASE) == {"keys/a": b"\0", "sign-in.key": b""}
    for place in (0, 20, 35, -1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(ConfigurationError, match="sealed keys"):
            unseal(bytes(changed), PASSPHRASE)
    with pytest.raises(ConfigurationError, match="sealed keys"):
        unseal(b"", PASSPHRASE)
    with pytest.raises(ConfigurationError, match="16 characters"):
        seal_files({}, b"short")


def test_old_backups_expire_with_the_scans_that_no_other_names(network: Network, node: Node, folder: Path) -> None:
    other = back_up(network.nodes[MK].settings.home, folder).folder
    back_up(node.settings.home, folder)
    third = network.record(RS, scan=b"third scan")
    with node.store.write() as session:
        erase_rows(session, third)
    kept = [back_up(node.settings.home, folder, keep=2) for _ in range(3)][1:]
    assert kept[-1].expired == 1
    assert {path.parent for path in folder.glob(f"*/{MANIFEST}")} == {other, *(one.folder for one in kept)}
    assert scans_in(folder) == {b"one scan", b"other scan"}


def test_what_was_just_made_never_expires_and_those_of_a_clock_that_was_ahead_go_first(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = node.settings.home
    kept = back_up(home, folder).folder
    monkeypatch.setattr(flow, "stamp", lambda: "2031-01-01T00:00:00.000Z")
    ahead = back_up(home, folder, keep=2).folder
    monkeypatch.undo()
    made = back_up(home, folder, keep=2)
    assert made.expired == 1
    assert {path.parent for path in folder.glob(f"*/{MANIFEST}")} == {kept, made.folder}, ahead
    last = back_up(home, folder, keep=1)
    assert {path.parent for path in folder.glob(f"*/{MANIFEST}")} == {last.folder}


def test_a_damaged_backup_beside_it_keeps_the_others_and_is_told(node: Node, folder: Path) -> None:
    home = node.settings.home
    first = back_up(home, folder).folder
    (first / MANIFEST).write_bytes(b"{")
    made = back_up(home, folder, keep=1)
    assert made.noted, "it is whole all the same"
    assert str(first) in made.not_expired
    assert back_up(home, folder, keep=1).expired == 0
    assert scans_in(folder) == {b"one scan", b"other scan"}


@pytest.mark.sqlite
def test_a_backup_and_its_node_lie_apart(node: Node, folder: Path) -> None:
    home = node.settings.home
    for within in (home, home / "blobs" / "backups"):
        with pytest.raises(ConfigurationError, match="kept apart from its node"):
            back_up(home, within)
    made = back_up(home, folder).folder
    with pytest.raises(ConfigurationError, match="not made inside of its backup"):
        restore(made, made / "node", Secrets(home / "keys"))
    assert not (made / "node").exists()


def test_a_link_to_a_backup_is_none_and_does_not_expire_what_it_leads_to(node: Node, folder: Path) -> None:
    first = back_up(node.settings.home, folder)
    (folder / "newest").symlink_to(first.folder)
    assert back_up(node.settings.home, folder, keep=2).expired == 0
    assert (first.folder / MANIFEST).is_file()
    assert back_up(node.settings.home, folder, keep=2).expired == 1


def test_settings_that_name_a_file_among_the_keys_do_not_take_it_along(node: Node, folder: Path) -> None:
    """What is there is never in a backup unsealed, whatever it is called."""
    with (node.settings.home / "config.toml").open("a", encoding="utf-8") as config:
        config.write('timestamp_roots = "settings/../keys/statement-ed25519.pem"\n')
    made = back_up(node.settings.home, folder)
    assert made.outside == [node.settings.keys / "statement-ed25519.pem"]
    assert not (made.folder / "keys").exists()


def test_a_scan_that_is_gone_or_damaged_is_told_and_keeps_no_other_from_being_saved(
    node: Node, folder: Path, again: Callable[[Path], Path]
) -> None:
    gone, damaged = sorted(node.settings.blobs.glob("??/*"))
    gone.unlink()
    damaged.write_bytes(bytes(damaged.stat().st_size))
    made = back_up(node.settings.home, folder)
    assert (made.missing, made.scans) == ([gone.name, damaged.name], 0)
    assert scans_in(again(made.folder)) == set()


def _change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _reach_out(made: Path) -> None:
    manifest = json.loads((made / MANIFEST).read_text())
    manifest["files"]["../../outside"] = manifest["files"].pop("config.toml")
    (made / MANIFEST).write_text(json.dumps(manifest))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no manifest": lambda made: (made / MANIFEST).unlink(),
    "a manifest cut short": lambda made: (made / MANIFEST).write_bytes((made / MANIFEST).read_bytes()[:-9]),
    "an endless manifest": lambda made: (made / MANIFEST).write_bytes(b" " * 2**21),
    "a path out of the folder": _reach_out,
    "a byte of the database": lambda made: _change(next(made.glob("node.d*"))),
    "no settings": lambda made: (made / "config.toml").unlink(),
    "settings that lead elsewhere": lambda made: (
        (made / "config.toml").rename(made / "other.toml"),
        (made / "config.toml").symlink_to("other.toml"),
    ),
    "a list of scans cut short": lambda made: (made / SCANS).write_bytes((made / SCANS).read_bytes()[:-99]),
    "a byte of a scan": lambda made: _change(next(made.parent.glob("blobs/??/*"))),
    "no scan": lambda made: next(made.parent.glob("blobs/??/*")).unlink(),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Secrets]:
    """One backup, of which tests damage copies; and the keys to it."""
    folder = tmp_path_factory.mktemp("whole")
    network = Network(folder / "nodes", Sqlite())
    network.make(Jurisdiction.RS)
    network.record(RS, scan=b"one scan")
    network.close()
    return back_up(folder / "nodes" / "RS", folder / "backups").folder, Secrets(folder / "nodes" / "RS" / "keys")


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_backup_nothing_is_restored(whole: tuple[Path, Secrets], tmp_path: Path, damage: str) -> None:
    shutil.copytree(whole[0].parent, tmp_path / "backups")
    made = tmp_path / "backups" / whole[0].name
    DAMAGES[damage](made)
    with pytest.raises(ConfigurationError, match=r"another|no backup|not as this release"):
        restore(made, tmp_path / "home", whole[1])
    assert not (tmp_path / "home").exists() or list((tmp_path / "home").iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_a_home_that_is_not_empty_and_a_node_without_keys(node: Node, folder: Path, tmp_path: Path) -> None:
    made = back_up(node.settings.home, folder).folder
    before = sorted(path.name for path in node.settings.home.iterdir())
    with pytest.raises(ConfigurationError, match="not empty"):
        restore(made, node.settings.home, Secrets(keys=node.settings.keys))
    assert sorted(path.name for path in node.settings.home.iterdir()) == before
    with pytest.raises(ConfigurationError, match="--keys"):
        restore(made, tmp_path / "home", Secrets())


def test_a_backup_that_broke_off_is_none(node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(flow, "write_manifest", full)
        with pytest.raises(OSError, match="No space"):
            back_up(node.settings.home, folder)
    assert {path.name for path in folder.iterdir()} == {"blobs", "backup.lock"}
    killed = folder / f"{RS}-2026-01-01T000000.000Z.part"
    killed.mkdir()
    made = back_up(node.settings.home, folder)
    assert {path.name for path in folder.iterdir()} == {made.folder.name, "blobs", "backup.lock"}


def test_one_backup_at_a_time(node: Node, folder: Path) -> None:
    folder.mkdir()
    with sole_user(folder / "backup.lock", "first"), pytest.raises(ConfigurationError, match="Another backup"):
        back_up(node.settings.home, folder)
