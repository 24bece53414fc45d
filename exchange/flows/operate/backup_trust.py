"""Whether a backup is the node's own: who signed its manifest, and of which log it is.

The node's statement key signs the manifest: this key stays on the node while it runs, and key-events name it. A restore
believes the statement key that the operator brings, and each former one that the key-events beside it name. It believes
no key that was ever in wrong hands: a manifest has no place in the log, so nothing shows that it was signed earlier.

The manifest is bound to the last head that its log had signed: the log in the backup ends there, or goes on from it.
"""

from __future__ import annotations

from pathlib import Path

from exchange.errors import CheckpointInvalid, ConfigurationError, StatementInvalid
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.operate.backup_paths import ANOTHER
from exchange.store.operate.manifest import Manifest, read_manifest, signature_bytes
from exchange.trust.backup_signature import verify_backup
from exchange.trust.key_files import EVENTS
from exchange.trust.key_history import history_in
from exchange.trust.keys import statement_key_in
from schemas import ContractError, HybridKey

_KEY_PASSPHRASE = "secrets/ffp_node_key_passphrase"  # noqa: S105 - a file's name
_MOST_HEAD_BYTES = 1024


def insisting_words(manifest: Manifest) -> str:
    """What an operator says to have a backup restored that the node's keys do not vouch for: of this one alone."""
    return f"I vouch for the backup of {manifest.node_id} made at {manifest.made_at}"


def check_signed(
    source: Path, raw: bytes, manifest: Manifest, private: dict[str, bytes], passphrase: bytes | None
) -> None:
    """The one question who made it. Raises ConfigurationError that says how to insist, PassphraseNeeded."""
    kept = private.get(_KEY_PASSPHRASE, b"").strip() or None
    try:
        verify_backup(raw, signature_bytes(source), _believed(private, passphrase or kept))
    except StatementInvalid as error:
        raise ConfigurationError(
            f"The backup {source} is not believed: {error}. Somebody may have put users, tokens and settings into it. "
            f"{ANOTHER.capitalize()}; or, if you know that nobody changed this one since the node made it, "
            f'say so: --insist "{insisting_words(manifest)}"'
        ) from error


def check_bound(manifest: Manifest, version: int, size: int, head: Checkpoint | None) -> None:
    """The manifest is of this very database: of its schema version, which says whether it can be verified
    yet, and of its log. Raises ConfigurationError."""
    if version != manifest.schema_version:
        raise ConfigurationError(
            f"The database in the backup has schema version {version}, its manifest names {manifest.schema_version}. "
            f"They do not belong together; {ANOTHER}."
        )
    if size != manifest.log_size or head != manifest.last_head:
        raise ConfigurationError(
            f"The log in the backup has {size} statements and {_named(head)}; its manifest names {manifest.log_size} "
            f"and {_named(manifest.last_head)}. They do not belong together; {ANOTHER}."
        )


def signed_after_backup(source: Path, last_head: Path) -> int:
    """How many statements the node had signed after the backup, by the file ``last-head`` of its lost home.

    Raises ConfigurationError when either cannot be read, or when they are of two histories.
    """
    manifest = read_manifest(source)
    try:
        with last_head.open("rb") as file:
            remembered = parse_text(file.read(_MOST_HEAD_BYTES).decode())
    except OSError as error:
        raise ConfigurationError(f"{last_head} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, CheckpointInvalid) as error:
        raise ConfigurationError(f"{last_head} holds no head of a log; restore without --last-head.") from error
    _check_one_history(manifest.last_head, remembered)
    return max(remembered.size - manifest.log_size, 0)


def _believed(private: dict[str, bytes], passphrase: bytes | None) -> tuple[HybridKey, ...]:
    """The statement key that the operator brings; and, where the key-events beside it lead to it, those before it."""
    keys = {name.removeprefix("keys/"): content for name, content in private.items() if name.startswith("keys/")}
    own = statement_key_in(keys, passphrase)
    if EVENTS not in keys:
        return (own,)
    try:
        history = history_in(keys[EVENTS])
    except (ContractError, StatementInvalid) as error:
        raise ConfigurationError(f"{EVENTS} beside the keys holds no key-events: {error}") from error
    return history.statement_keys() if history.in_force.statement == own else (own,)


def _check_one_history(backed_up: Checkpoint | None, remembered: Checkpoint) -> None:
    if backed_up is None:
        return
    same_size = backed_up.size == remembered.size and backed_up.root != remembered.root
    if backed_up.origin != remembered.origin or same_size:
        raise ConfigurationError(
            f"The backup has {_named(backed_up)}, the node's last one is {_named(remembered)}: they are of two "
            "histories. Take a backup of this node's own."
        )


def _named(head: Checkpoint | None) -> str:
    return "no signed head" if head is None else "the signed head " + " ".join(head.text.split())
