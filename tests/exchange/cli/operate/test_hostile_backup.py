"""Somebody else had the backup in hand: each kind of what he may have done is refused, and nothing of it is written.

Where the check of a signature would refuse it anyway, the manifest is signed anew with the node's own key: then the
check that the case is about stands alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.last_head import NONE_YET
from exchange.flows.operate import restore as flows_restore
from exchange.flows.operate.backup import back_up
from exchange.scopes import Scope
from exchange.store.access.token_rows import add_token
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from exchange.store.operate.manifest import MANIFEST, SCANS, SEALED, SIGNATURE, Manifest, check_files
from exchange.store.scan.copies import digest
from exchange.trust.backup_signature import sign_backup
from exchange.trust.encrypted_files import seal_files
from exchange.trust.keys import HybridSigner, load_keys
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.databases import Sqlite
from tests.exchange.flows.network import Network

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

PASSPHRASE = "long enough for a backup"
EXTRA = "settings/roots.pem"


@dataclass(frozen=True)
class Backups:
    """``made`` is Serbia's newest, with one scan more than ``older``; ``foreign`` is North Macedonia's. All lie in one
    folder, each has sealed keys, and all passphrases are the same."""

    made: Path
    older: Path
    foreign: Path
    keys: Path

    @property
    def folder(self) -> Path:
        return self.made.parent

    @property
    def outside(self) -> Path:
        return self.folder.with_name("outside")

    @property
    def scan(self) -> Path:
        return self.folder / "blobs" / (self.made / SCANS).read_text(encoding="ascii").split("  ")[1].split("\n")[0]

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.made / MANIFEST).read_bytes())
        return found

    def write(self, manifest: dict[str, Any] | bytes, *, signer: HybridSigner | None = None) -> None:
        """Signed anew with the node's own key, or another."""
        raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        (self.made / MANIFEST).write_bytes(raw)
        (self.made / SIGNATURE).write_bytes(sign_backup(raw, signer or load_keys(self.keys).statement))

    def name(self, name: str, content: bytes = b"of a stranger") -> None:
        """Name a file in the manifest; and write it where the name leads, within the backups' folder."""
        path = self.made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        manifest = self.manifest()
        manifest["files"][name] = digest(path)
        self.write(manifest)

    def mended(self) -> dict[str, Any]:
        """The manifest with the digests of what lies there now."""
        manifest = self.manifest()
        manifest["files"] = {name: digest(self.made / name) for name in manifest["files"]}
        return manifest


def stranger() -> HybridSigner:
    return HybridSigner(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate())


def with_a_token(backups: Backups) -> dict[str, Any]:
    """A token of a stranger's in the database, and the digest mended."""
    store = Store(backups.made / "node.db")
    with store.write() as session:
        add_user(session, "operator-9", Role.OPERATOR)
        add_token(session, "operator-9", name="stranger", scopes=[Scope.OPERATE], days=1)
    store.close()
    return backups.mended()


def unsigned(backups: Backups) -> None:
    manifest = with_a_token(backups)
    backups.write(manifest)
    (backups.made / SIGNATURE).unlink()


def altered(backups: Backups) -> None:
    (backups.made / MANIFEST).write_text(json.dumps(with_a_token(backups)))


def foreign(backups: Backups) -> None:
    shutil.rmtree(backups.made)
    shutil.copytree(backups.foreign, backups.made)


def of_an_older_one(*names: str) -> Callable[[Backups], None]:
    def put(backups: Backups) -> None:
        for name in names:
            shutil.copy(backups.older / name, backups.made / name)

    return put


def named_twice(backups: Backups) -> None:
    backups.name(EXTRA)
    raw = (backups.made / MANIFEST).read_bytes()
    backups.write(raw.replace(b'"files": {', f'"files": {{"{EXTRA}": "{"0" * 64}", '.encode(), 1))


def in_two_cases(backups: Backups) -> None:
    backups.name(EXTRA)
    backups.name("settings/ROOTS.pem")


def file_and_folder(backups: Backups) -> None:
    manifest = backups.manifest()
    manifest["files"] |= {"settings": "0" * 64, EXTRA: "0" * 64}
    backups.write(manifest)


def linked_folder(backups: Backups) -> None:
    backups.name(EXTRA)
    (backups.made / "settings").rename(backups.outside)
    (backups.made / "settings").symlink_to(backups.outside)


def linked(path: Callable[[Backups], Path]) -> Callable[[Backups], None]:
    def link(backups: Backups) -> None:
        place = path(backups)
        place.rename(backups.outside)
        place.symlink_to(backups.outside)

    return link


def pipe(path: Callable[[Backups], Path]) -> Callable[[Backups], None]:
    def make(backups: Backups) -> None:
        path(backups).unlink()
        os.mkfifo(path(backups))

    return make


def sealed(name: str) -> Callable[[Backups], None]:
    def put(backups: Backups) -> None:
        files = {f"keys/{path.name}": path.read_bytes() for path in backups.keys.iterdir()}
        (backups.made / SEALED).write_bytes(seal_files(files | {name: b"of a stranger"}, PASSPHRASE.encode()))
        backups.write(backups.mended())

    return put


def sealed_of_another_node(backups: Backups) -> None:
    shutil.copy(backups.foreign / SEALED, backups.made / SEALED)
    backups.write(backups.mended())


def without_settings(backups: Backups) -> None:
    (backups.made / "config.toml").unlink()
    manifest = backups.manifest()
    del manifest["files"]["config.toml"]
    backups.write(manifest)


def bound_to_an_older_log(backups: Backups) -> None:
    older = json.loads((backups.older / MANIFEST).read_bytes())
    backups.write(backups.manifest() | {"head": older["head"]})


def more_scans_than_counted(backups: Backups) -> None:
    manifest = backups.manifest()
    backups.write(manifest | {"scans": manifest["scans"] - 1})


def changed(backups: Backups) -> None:
    path = backups.made / "config.toml"
    path.write_text(path.read_text(encoding="utf-8") + "port = 1\n", encoding="utf-8")


def without_an_end(path: Callable[[Backups], Path]) -> Callable[[Backups], None]:
    """Zeros that take no room on the medium, more than this machine has."""

    def change(backups: Backups) -> None:
        os.truncate(path(backups), shutil.disk_usage(backups.folder).free + 2**30)

    return change


def without_an_end_within(name: str) -> Callable[[Backups], None]:
    """Zeros that would fill the memory, and not the disk."""

    def change(backups: Backups) -> None:
        os.truncate(backups.made / name, 64 * 2**20 + 1)
        backups.write(backups.mended())

    return change


def in_place_of(name: str, content: bytes) -> Callable[[Backups], None]:
    def put(backups: Backups) -> None:
        (backups.made / name).write_bytes(content)
        backups.write(backups.mended())

    return put


def in_the_database(*statements: str) -> Callable[[Backups], None]:
    def alter(backups: Backups) -> None:
        connection = sqlite3.connect(backups.made / "node.db")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        backups.write(backups.mended())

    return alter


def damaged_pages(backups: Backups) -> None:
    path = backups.made / "node.db"
    content = bytearray(path.read_bytes())
    content[200:4096] = bytes(byte ^ 0xFF for byte in content[200:4096])  # the schema's own page
    path.write_bytes(content)
    backups.write(backups.mended())


HOSTILE: dict[str, tuple[Callable[[Backups], object], str]] = {
    "a path up": (lambda backups: backups.name("../outside"), "no path within it"),
    "an absolute path": (lambda backups: backups.name(str(backups.outside)), "no path within it"),
    "a path in another spelling": (lambda backups: backups.name("settings//./roots.pem"), "no path within it"),
    "a name that a terminal obeys": (lambda backups: backups.name("\x1b[2Jroots"), "no path within it"),
    "a path twice": (named_twice, "names a key twice"),
    "a path in two cases": (in_two_cases, "two spellings"),
    "a file that is a folder too": (file_and_folder, "as a file and as a folder"),
    "a linked folder": (linked_folder, "a link or something else"),
    "a linked file": (linked(lambda backups: backups.made / "config.toml"), "a link or something else"),
    "a linked manifest": (linked(lambda backups: backups.made / MANIFEST), "a link or something else"),
    "a linked signature": (linked(lambda backups: backups.made / SIGNATURE), "a link or something else"),
    "a linked scan": (linked(lambda backups: backups.scan), "a link or something else"),
    "a pipe": (pipe(lambda backups: backups.made / "config.toml"), "a link or something else"),
    "a pipe for a manifest": (pipe(lambda backups: backups.made / MANIFEST), "a link or something else"),
    "a pipe for a scan": (pipe(lambda backups: backups.scan), "a link or something else"),
    "a database without an end": (without_an_end(lambda backups: backups.made / "node.db"), "room for"),
    "a scan without an end": (without_an_end(lambda backups: backups.scan), "larger than any scan"),
    "a file more": (lambda backups: (backups.made / "more").write_bytes(b""), "does not name"),
    "a link more": (lambda backups: (backups.made / "more").symlink_to(backups.folder), "does not name"),
    "a file less": (lambda backups: (backups.made / "config.toml").unlink(), "lacks"),
    "a file changed": (changed, "not as it was backed up"),
    "a token, and the manifest mended": (altered, "altered after it was signed"),
    "a token, and the manifest unsigned": (unsigned, "not signed"),
    "a token, and the manifest signed by a stranger": (
        lambda backups: backups.write(with_a_token(backups), signer=stranger()),
        "key that the given keys",
    ),
    "another node's backup": (foreign, "key that the given keys"),
    "an older manifest beside newer files": (of_an_older_one(MANIFEST, SIGNATURE), "not as it was backed up"),
    "an older signature": (of_an_older_one(SIGNATURE), "altered after it was signed"),
    "a signature that is none": (lambda backups: (backups.made / SIGNATURE).write_bytes(b"{}"), "damaged"),
    "an endless signature": (lambda backups: (backups.made / SIGNATURE).write_bytes(b" " * 2**17), "larger than any"),
    "an endless manifest": (lambda backups: (backups.made / MANIFEST).write_bytes(b" " * 2**21), "larger than any"),
    "a manifest of the head of an older log": (bound_to_an_older_log, "do not belong together"),
    "a schema version that is not the database's, so that nothing is verified": (
        lambda backups: backups.write(backups.manifest() | {"schema_version": 0}),
        "do not belong together",
    ),
    "a trigger": (
        in_the_database("CREATE TRIGGER t BEFORE DELETE ON worker BEGIN DELETE FROM audit; END"),
        "trigger t",
    ),
    "a view in the place of a table": (
        in_the_database("ALTER TABLE user RENAME TO other", "CREATE VIEW user AS SELECT * FROM other"),
        "view user",
    ),
    "a schema that leads nowhere": (
        in_the_database("PRAGMA writable_schema=1", "UPDATE sqlite_master SET rootpage = 2"),
        "cannot be read",
    ),
    "a database of damaged pages": (damaged_pages, "cannot be read"),
    "a database that is none": (in_place_of("node.db", b"not a database, but long enough for one" * 999), "cannot be"),
    "an empty database": (in_place_of("node.db", b""), "cannot be read"),
    "settings that are none": (in_place_of("config.toml", b"\xff[["), "settings in the backup"),
    "settings without an end": (without_an_end_within("config.toml"), "larger than any settings"),
    "a list of scans that is one line": (in_place_of(SCANS, b"0" * 9999), "names no scan"),
    "more scans than are counted": (more_scans_than_counted, "counts"),
    "no settings": (without_settings, "names no config.toml"),
    "keys": (lambda backups: backups.name("keys/statement-ed25519.pem"), "none ever has"),
    "keys in capitals": (lambda backups: backups.name("KEYS/statement-ed25519.pem"), "none ever has"),
    "keys to come": (lambda backups: backups.name("keys.new/statement-ed25519.pem"), "none ever has"),
    "secrets": (lambda backups: backups.name("secrets/ffp_node_url"), "none ever has"),
    "a key of sign-ins": (lambda backups: backups.name("sign-in.key"), "none ever has"),
    "a last head": (lambda backups: backups.name("last-head"), "none ever has"),
    "a second database": (lambda backups: backups.name("node.db-wal"), "none ever has"),
    "sealed keys of another node": (sealed_of_another_node, "key that the given keys"),
    "sealed: a path up": (sealed("keys/../../outside"), "no path within it"),
    "sealed: an absolute path": (sealed("/outside"), "no path within it"),
    "sealed: settings": (sealed("config.toml"), "no key and no secret"),
    "sealed: in a folder below": (sealed("keys/more/statement-ed25519.pem"), "no key and no secret"),
    "sealed: keys in two cases": (sealed("keys/STATEMENT-ed25519.pem"), "two spellings"),
}
FROM_THE_SEALED_FILE = {kind for kind in HOSTILE if kind.startswith("sealed")}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Backups:
    folder = tmp_path_factory.mktemp("honest")
    network = Network(folder / "nodes", Sqlite())
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    homes = {name: folder / "nodes" / name for name in ("RS", "MK")}
    made: list[Path] = []
    for home in (homes["RS"], homes["RS"], homes["MK"]):
        network.record(f"ffp-{home.name.lower()}", scan=f"scan {len(made)}".encode())
        sign_head(network.nodes[f"ffp-{home.name.lower()}"])
        made.append(back_up(home, folder / "backups", sealed_with=PASSPHRASE.encode()).folder)
    network.close()
    return Backups(made[1], made[0], made[2], homes["RS"] / "keys")


@pytest.fixture
def backups(honest: Backups, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backups:
    """Copies, to be changed."""
    monkeypatch.setenv("FFP_NODE_BACKUP_PASSPHRASE", PASSPHRASE)
    folder = tmp_path / "backups"
    shutil.copytree(honest.folder, folder)
    places = [folder / place.name for place in (honest.made, honest.older, honest.foreign)]
    return Backups(places[0], places[1], places[2], honest.keys)


@pytest.fixture
def again(ffp: Ffp, backups: Backups, tmp_path: Path) -> Callable[..., Any]:
    """``ffp restore`` of the newest, with the keys that were kept apart."""

    def restore(*arguments: str | Path, keys: Path | None = backups.keys) -> Any:
        own = () if keys is None else ("--keys", keys)
        return ffp("restore", backups.made, *own, *arguments, "--home", tmp_path / "home")

    return restore


def everything(folder: Path) -> dict[Path, tuple[int, int]]:
    """All that lies in a folder but for the home, and when it was last written."""
    found = [path for path in folder.rglob("*") if path != folder / "home"]
    return {path: (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in found}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_backup_is_refused(backups: Backups, again: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    """One sentence that says what is wrong and what to do next, exit code 2, and nothing of it is written anywhere."""
    change, why = HOSTILE[kind]
    change(backups)
    before = everything(tmp_path)
    said = refusal(again(keys=None if kind in FROM_THE_SEALED_FILE else backups.keys))
    assert re.search(why, said), said
    assert "another backup" in said
    assert said.isprintable()
    assert everything(tmp_path) == before
    assert list((tmp_path / "home").glob("*")) == []


def test_a_medium_that_changes_while_it_is_read_is_refused(
    backups: Backups, again: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared and what is written are the same bytes, of the database too."""

    def check_and_change(folder: Path, manifest: Manifest) -> None:
        check_files(folder, manifest)
        with_a_token(backups)

    monkeypatch.setattr(flows_restore, "check_files", check_and_change)
    assert "another one" in refusal(again())
    assert list((tmp_path / "home").glob("*")) == []


def test_an_honest_one_restores_with_keys_from_either_place(backups: Backups, ffp: Ffp, tmp_path: Path) -> None:
    for place, keys in {"apart": ("--keys", backups.keys), "sealed": ()}.items():
        said = ffp("restore", backups.made, *keys, "--verify", "--home", tmp_path / place)
        assert (said.code, said.err) == (0, "")
        assert "All is what was signed." in said.out


def test_keys_that_were_kept_apart_count_alone(backups: Backups, again: Callable[..., Any], tmp_path: Path) -> None:
    """The sealed file has keys as well, with the same passphrase: none of them comes into the home."""
    sealed("keys/of-a-stranger.pem")(backups)
    assert again().code == 0
    assert {path.name for path in (tmp_path / "home" / "keys").iterdir()} == {
        path.name for path in backups.keys.iterdir()
    }


def test_what_nobody_signed_is_restored_on_the_operators_word_alone(
    backups: Backups, again: Callable[..., Any], tmp_path: Path
) -> None:
    """The refusal says the words, which are those of this backup and of no other."""
    manifest = backups.manifest()
    (backups.made / SIGNATURE).unlink()
    [words] = re.findall(r'--insist "([^"]+)"', refusal(again()))
    assert words == f"I vouch for the backup of ffp-rs made at {manifest['made_at']}"
    for other in ("yes", words.lower(), words.replace("ffp-rs", "ffp-mk")):
        assert "these words and no others" in refusal(again("--insist", other))
    assert not (tmp_path / "home").exists()
    said = again("--insist", words, "--verify")
    assert said.code == 0
    assert "on your word alone" in said.err
    assert "All is what was signed." in said.out


@pytest.mark.parametrize("kind", ["a path up", "keys", "a file more", "a file changed", "a linked folder", "a trigger"])
def test_no_word_makes_a_path_or_a_file_good(
    backups: Backups, again: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    words = f"I vouch for the backup of ffp-rs made at {backups.manifest()['made_at']}"
    HOSTILE[kind][0](backups)
    assert re.search(HOSTILE[kind][1], refusal(again("--insist", words)))
    assert list((tmp_path / "home").glob("*")) == []


def test_former_keys_are_believed_where_key_events_lead_to_those_of_today(ffp: Ffp, tmp_path: Path) -> None:
    """A backup from before the keys were replaced."""
    home = tmp_path / "node"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    assert ffp("backup", tmp_path / "backups", "--home", home).code == 0
    [made] = (path.parent for path in (tmp_path / "backups").glob(f"*/{MANIFEST}"))
    restored = ("restore", made, "--keys", home / "keys", "--home", tmp_path / "again")
    assert ffp("key", "rotate", "statement", "--home", home).code == 0
    shutil.copytree(home / "keys", tmp_path / "without")
    (tmp_path / "without" / "key-events.json").unlink()
    assert "key that the given keys" in refusal(ffp(*restored, "--keys", tmp_path / "without"))
    assert ffp(*restored).code == 0


def test_a_key_that_was_in_wrong_hands_vouches_for_nothing(ffp: Ffp, tmp_path: Path) -> None:
    home = tmp_path / "node"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    assert ffp("backup", tmp_path / "backups", "--home", home).code == 0
    [made] = (path.parent for path in (tmp_path / "backups").glob(f"*/{MANIFEST}"))
    assert ffp("key", "compromised", "statement", "--from-index", "0", "--home", home).code == 0
    said = refusal(ffp("restore", made, "--keys", home / "keys", "--home", tmp_path / "again"))
    assert "key that the given keys" in said


def test_encrypted_keys_sign_and_vouch_with_their_passphrase(
    ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, passphrase = tmp_path / "node", "a passphrase of the keys"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", passphrase)
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    assert ffp("backup", tmp_path / "backups", "--home", home).code == 0
    [made] = (path.parent for path in (tmp_path / "backups").glob(f"*/{MANIFEST}"))
    monkeypatch.delenv("FFP_NODE_KEY_PASSPHRASE")
    assert "FFP_NODE_KEY_PASSPHRASE" in refusal(ffp("backup", tmp_path / "backups", "--home", home))
    restored = ("restore", made, "--keys", home / "keys", "--home", tmp_path / "again")
    assert "FFP_NODE_KEY_PASSPHRASE" in refusal(ffp(*restored))
    assert not (tmp_path / "again").exists()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", passphrase)
    assert ffp(*restored, "--verify").code == 0


def test_what_the_node_signed_after_the_backup_is_said(backups: Backups, ffp: Ffp, tmp_path: Path) -> None:
    """By the file last-head of the lost home; one of another history is refused."""
    head = backups.manifest()["head"]
    origin, size, root = head.splitlines()
    older = json.loads((backups.older / MANIFEST).read_bytes())
    last = tmp_path / "last-head"
    last.write_text(head, encoding="utf-8")

    def restore(made: Path, home: str) -> Any:
        return ffp("restore", made, "--keys", backups.keys, "--last-head", last, "--home", tmp_path / home)

    assert "lacks" not in restore(backups.made, "newest").err
    said = restore(backups.older, "older")
    assert (said.code, f"lacks {int(size) - older['log_size']} statements" in said.err) == (0, True)
    assert (tmp_path / "older" / "last-head").read_text() == NONE_YET
    for other in (head.replace(root, older["head"].splitlines()[2]), head.replace(origin, "ffp-mk.ffp-exchange/log")):
        last.write_text(other, encoding="utf-8")
        assert "two histories" in refusal(restore(backups.made, "other"))
    last.write_text("no head", encoding="utf-8")
    assert "holds no head" in refusal(restore(backups.made, "other"))
    assert not (tmp_path / "other").exists()
