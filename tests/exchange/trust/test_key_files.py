"""Keys at rest: encrypted as a whole or not at all, and whole after whatever breaks off."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.errors import ConfigurationError, PassphraseNeeded
from exchange.trust.key_files import exchange_folder, is_encrypted, prepare_folder, recrypted
from exchange.trust.keys import (
    NodeKeys,
    create_keys,
    drop_former_log,
    fresh_keys,
    load_identity,
    load_keys,
    load_keys_in_force,
    settle_keys,
)

PASSPHRASE = b"a passphrase of 31 characters..."
OTHER = b"another one of the same length.."
FROM = 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    return tmp_path / "keys"


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(one: NodeKeys, other: NodeKeys) -> bool:
    return one.delegated(0) == other.delegated(0) and one.nonce_secret == other.nonce_secret


def encrypt(folder: Path) -> None:
    prepare_folder(folder, recrypted(folder, None, PASSPHRASE))
    exchange_folder(folder)


def test_made_encrypted_they_open_with_the_passphrase_alone(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys", PASSPHRASE)
    assert is_encrypted(tmp_path / "keys")
    assert all(text.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY") for text in content(tmp_path / "keys").values())
    load_keys(tmp_path / "keys", PASSPHRASE)
    load_identity(tmp_path / "keys", PASSPHRASE)
    for load in (load_keys, load_identity):
        with pytest.raises(PassphraseNeeded, match="FFP_NODE_KEY_PASSPHRASE"):
            load(tmp_path / "keys")


@pytest.mark.parametrize("wrong", [OTHER, PASSPHRASE[:-1], PASSPHRASE + b" "])
def test_a_wrong_passphrase_is_one_clear_sentence_without_it(tmp_path: Path, wrong: bytes) -> None:
    create_keys(tmp_path / "keys", PASSPHRASE)
    for load in (load_keys, load_identity):
        with pytest.raises(ConfigurationError, match=r"^The passphrase does not open [^\n]*\.$") as caught:
            load(tmp_path / "keys", wrong)
        shown = str(caught.value)
        assert wrong.decode() not in shown
        assert PASSPHRASE.decode() not in shown


def test_a_short_passphrase_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="16 characters"):
        create_keys(tmp_path / "keys", b"fifteen letters")
    assert not (tmp_path / "keys").exists()


def test_encrypted_and_decrypted_they_are_the_same_keys(folder: Path) -> None:
    before, identity = load_keys(folder), load_identity(folder).public
    plain = content(folder)
    encrypt(folder)
    assert same(load_keys(folder, PASSPHRASE), before)
    assert load_identity(folder, PASSPHRASE).public == identity
    assert sorted(item.name for item in folder.parent.iterdir()) == ["keys"], "the unencrypted files are gone"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    prepare_folder(folder, recrypted(folder, PASSPHRASE, None))
    exchange_folder(folder)
    assert content(folder) == plain


def test_a_half_encrypted_folder_opens_and_is_made_whole(folder: Path) -> None:
    """As after files were copied together from two backups."""
    before = load_keys(folder)
    encrypted = recrypted(folder, None, PASSPHRASE)
    for name in ("log-ed25519.pem", "nonce-secret"):
        (folder / name).write_bytes(encrypted[name])
    assert same(load_keys(folder, PASSPHRASE), before)
    prepare_folder(folder, recrypted(folder, PASSPHRASE, PASSPHRASE))
    exchange_folder(folder)
    assert same(load_keys(folder, PASSPHRASE), before)


def test_a_damaged_encrypted_file_is_named(folder: Path) -> None:
    encrypt(folder)
    damaged = folder / "log-ed25519.pem"
    damaged.write_bytes(damaged.read_bytes()[:120] + b"\n-----END ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(ConfigurationError, match=r"does not open .*log-ed25519\.pem"):
        load_keys(folder, PASSPHRASE)


def test_an_encrypted_secret_of_another_kind_is_refused(folder: Path) -> None:
    encrypt(folder)
    (folder / "nonce-secret").write_bytes((folder / "log-ml-dsa-44.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="must hold 32 bytes"):
        load_keys(folder, PASSPHRASE)


def test_openssl_opens_what_is_encrypted(folder: Path) -> None:
    """Whoever has the passphrase needs none of this code."""
    encrypt(folder)
    command = ["openssl", "pkey", "-in", str(folder / "transport-ed25519.pem"), "-noout", "-passin"]
    given = {"capture_output": True, "timeout": 30, "check": False}
    assert subprocess.run([*command, f"pass:{PASSPHRASE.decode()}"], **given).returncode == 0  # type: ignore[call-overload]
    assert subprocess.run([*command, f"pass:{OTHER.decode()}"], **given).returncode != 0  # type: ignore[call-overload]


def rotated(folder: Path, *, keep_log: bool = True) -> NodeKeys:
    """New keys for all roles, prepared beside the old ones."""
    files = fresh_keys(folder, ("statement", "log", "witness", "transport"), None, keep_log=keep_log)
    return load_keys(prepare_folder(folder, files))


def test_new_keys_keep_the_identity_the_secret_and_the_logs_former_keys(folder: Path) -> None:
    before, identity = load_keys(folder), load_identity(folder).public
    after = rotated(folder)
    exchange_folder(folder)
    assert load_identity(folder).public == identity
    assert after.nonce_secret == before.nonce_secret
    assert after.former_log is not None
    assert after.former_log.public == before.log.public
    drop_former_log(folder)
    assert load_keys(folder).former_log is None
    assert rotated(folder, keep_log=False).former_log is None


def _nothing(_folder: Path) -> None:
    pass


def _moved_away(folder: Path) -> None:
    folder.rename(folder.with_name("keys.old"))


def _exchanged_and_left(folder: Path) -> None:
    folder.rename(folder.with_name("keys.old"))
    folder.with_name("keys.new").rename(folder)


def _half_written(folder: Path) -> None:
    (folder.with_name("keys.new") / "log-ed25519.pem").unlink()


def _half_removed(folder: Path) -> None:
    _exchanged_and_left(folder)
    (folder.with_name("keys.old") / "log-ed25519.pem").unlink()


@pytest.mark.parametrize(
    ("broke_off", "logged"),
    [
        (_nothing, False),  # the folders are exchanged only after the log has the key-event
        *((broke_off, True) for broke_off in (_nothing, _moved_away, _exchanged_and_left, _half_removed)),
    ],
)
def test_a_change_that_broke_off_is_finished_when_the_log_has_it_else_undone(
    folder: Path, broke_off: Callable[[Path], None], logged: bool
) -> None:
    """Wherever the power went: the keys that the log names are found at once, and are the only ones afterwards."""
    before = load_keys(folder)
    after = rotated(folder)
    broke_off(folder)
    named = (after if logged else before).delegated(FROM)
    assert load_keys_in_force(folder, named).delegated(FROM) == named, "without changing anything"
    settle_keys(folder, named)
    assert load_keys(folder).delegated(FROM) == named
    assert sorted(item.name for item in folder.parent.iterdir()) == ["keys"]
    settle_keys(folder, named)


def test_half_prepared_keys_are_dropped(folder: Path) -> None:
    before = load_keys(folder).delegated(FROM)
    rotated(folder)
    _half_written(folder)
    assert load_keys_in_force(folder, before).delegated(FROM) == before
    settle_keys(folder, before)
    assert sorted(item.name for item in folder.parent.iterdir()) == ["keys"]


@pytest.mark.parametrize("broke_off", [_nothing, _moved_away, _exchanged_and_left, _half_removed])
def test_an_encryption_that_broke_off_is_all_or_nothing(folder: Path, broke_off: Callable[[Path], None]) -> None:
    before = load_keys(folder)
    named = before.delegated(FROM)
    prepare_folder(folder, recrypted(folder, None, PASSPHRASE))
    broke_off(folder)
    assert same(load_keys_in_force(folder, named, PASSPHRASE), before)
    settle_keys(folder, named, PASSPHRASE)
    assert sorted(item.name for item in folder.parent.iterdir()) == ["keys"]
    encrypted = [text.startswith(b"-----BEGIN ENCRYPTED") for text in content(folder).values()]
    assert all(encrypted) or not any(encrypted)


def test_keys_of_an_older_backup_are_refused_in_words(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "backup")
    named = rotated(folder).delegated(FROM)
    exchange_folder(folder)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    with pytest.raises(ConfigurationError, match=r"not those that the last key-event .* names.*backup"):
        load_keys_in_force(folder, named)
