"""The private keys at rest: whether each is there, whole, private, and opened by the passphrase."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from exchange.config import Settings
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.trust.key_files import NONCE_SECRET, NONCE_SECRET_BYTES, folders_beside, is_encrypted_key
from exchange.trust.keys import WORKING_KEYS

_VARIABLE = "FFP_NODE_KEY_PASSPHRASE"


def examine_keys(settings: Settings) -> Iterator[Finding]:
    """The files alone: whether they are those that the log names shows when the node is opened."""
    places = (settings.keys, *folders_beside(settings.keys))  # a change of keys may have broken off
    folder = next((place for place in places if place.is_dir()), settings.keys)
    wanted = [*(folder / f"{name}.pem" for name in WORKING_KEYS), folder / NONCE_SECRET]
    missing, contents = [path for path in wanted if not path.is_file()], dict[Path, bytes]()
    if missing:
        more = f", and {len(missing) - 1} more are" if len(missing) > 1 else " is"
        what = f"The key {missing[0]}{more} missing: the node does not start without."
        then = f"Copy what is missing from the newest backup of the keys: cp -np BACKUP-OF-KEYS/* {folder}/"
        yield fault(Cause.KEY_MISSING, "keys", what, then)
    for path in wanted:
        if path in missing:
            continue
        if path.stat().st_mode & 0o077:
            what = f"The key {path} can be read by others, so the node does not start."
            then = f"Make it private, and ask yourself who read it meanwhile: chmod 600 {path}"
            yield fault(Cause.KEY_OPEN, "keys", what, then)
        else:
            contents[path] = path.read_bytes()
    yield from _passphrase(settings, contents)
    if contents and not any(map(is_encrypted_key, contents.values())):
        what = "The private keys are not encrypted: a stolen backup signs as this node."
        yield warning(Cause.KEYS_NOT_ENCRYPTED, "keys", what, "Encrypt them, with the node stopped: ffp key encrypt")
    if list(folder.glob("identity-*.pem")):
        what = "The identity key lies on this machine, and the running node does not need it."
        then = "Move both files identity-*.pem to a medium that is locked away (deploy/README.md, 2)."
        yield warning(Cause.IDENTITY_HERE, "keys", what, then)


def _passphrase(settings: Settings, contents: dict[Path, bytes]) -> Iterator[Finding]:
    """A wrong passphrase opens no file at all; a damaged file is one that stays shut beside others that open."""
    encrypted = {path for path, content in contents.items() if is_encrypted_key(content)}
    if encrypted and settings.passphrase is None:
        what = f"The keys in {settings.keys} are encrypted, and no passphrase is given."
        then = f"Give it in {_VARIABLE}, or in the file {settings.home / 'secrets' / _VARIABLE.lower()}"
        yield warning(Cause.PASSPHRASE_MISSING, "keys", what, then)
    shut = {path for path, content in contents.items() if not _opens(path, content, settings.passphrase)}
    if settings.passphrase is None:
        shut -= encrypted
    elif encrypted and encrypted <= shut:
        what = f"The passphrase that is given does not open the keys in {settings.keys}."
        then = f"Give the right one in {_VARIABLE}, or in the file {settings.home / 'secrets' / _VARIABLE.lower()}"
        yield fault(Cause.PASSPHRASE_WRONG, "keys", what, then)
        shut -= encrypted
    for path in sorted(shut):
        then = f"Copy it from the newest backup of the keys: cp -p BACKUP-OF-KEYS/{path.name} {settings.keys}/"
        yield fault(Cause.KEY_DAMAGED, "keys", f"The key {path} is damaged: it is no readable private key.", then)


def _opens(path: Path, content: bytes, passphrase: bytes | None) -> bool:
    encrypted = is_encrypted_key(content)
    if path.name == NONCE_SECRET and not encrypted:
        return len(content) == NONCE_SECRET_BYTES
    try:
        load_pem_private_key(content, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
