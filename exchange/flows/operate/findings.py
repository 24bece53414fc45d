"""What an examination of a node finds, and what can be wrong with a node, in the order in which an operator should hear
of it.

Of two findings of one gravity the cause that stands first here is told first. A cause may explain others: with a full
disk the database cannot be opened and work waits, and to restore the backup would mend nothing. What is explained is
told as a consequence, below. deploy/troubleshooting.md has the same table for people; a test keeps the two alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Cause(StrEnum):
    """The values are those of ``ffp doctor --json``, and stable."""

    NO_NODE = "no-node"
    HALF_RESTORE = "half-restore"
    HALF_MOVE = "half-move"
    DATABASE_SET_BACK = "database-set-back"
    SETTINGS_DIFFER = "settings-differ"
    WRONG_USER = "wrong-user"
    DISK_READ_ONLY = "disk-read-only"
    DISK_FULL = "disk-full"
    DISK_INODES = "disk-inodes"
    DISK_QUOTA = "disk-quota"
    DISK_FAILS = "disk-fails"
    SETTING_VARIABLE = "setting-variable"
    SETTING_UNKNOWN = "setting-unknown"
    SETTING_REFUSED = "setting-refused"
    EXTRA_MISSING = "extra-missing"
    WRONG_OWNER = "wrong-owner"
    FOLDER_GONE = "folder-gone"
    FOLDER_UNWRITABLE = "folder-unwritable"
    KEY_MISSING = "key-missing"
    KEY_OPEN = "key-open"
    KEY_DAMAGED = "key-damaged"
    PASSPHRASE_WRONG = "passphrase-wrong"  # noqa: S105 - a cause
    PASSPHRASE_MISSING = "passphrase-missing"  # noqa: S105 - a cause
    DATABASE_AWAY = "database-away"
    DATABASE_LOGIN = "database-login"
    DATABASE_GONE = "database-gone"
    DATABASE_DAMAGED = "database-damaged"
    DATABASE_OLDER = "database-older"
    DATABASE_NEWER = "database-newer"
    DATABASE_MOVED = "database-moved"
    DATABASE_READ_ONLY = "database-read-only"
    DATABASE_LOCKED = "database-locked"
    DATABASE_UNUSABLE = "database-unusable"
    KEYS_OF_ANOTHER = "keys-of-another"
    KEYS_NEWER = "keys-newer"
    CALIBRATION = "calibration"
    SETTING_FILE = "setting-file"
    CERTIFICATE_ENDED = "certificate-ended"
    PORT_OF_ANOTHER_NODE = "port-of-another-node"
    PORT_TAKEN = "port-taken"
    PORT_REFUSED = "port-refused"
    NODE_SILENT = "node-silent"
    ADDRESS_OF_ANOTHER_NODE = "address-of-another-node"
    RUNS_ELSEWHERE = "runs-elsewhere"
    CLOCK_OFF = "clock-off"
    OBJECTS_AWAY = "object-store-away"
    OBJECTS_ALTERED = "object-store-altered"
    SCANS_GONE = "scans-gone"
    SCANS_SET_ASIDE = "scans-set-aside"
    LOG_ALTERED = "log-altered"
    LOG_FORKED = "log-forked"
    LOG_HELD = "log-held"
    POLICY_ALTERED = "policy-altered"
    PEER_ALTERED = "peer-altered"
    PEER_FORKED = "peer-forked"
    COMPUTE_AWAY = "compute-away"
    CLUSTER_AWAY = "cluster-away"
    NO_WORKER = "no-worker"
    EGRESS_STRANGE = "egress-strange"
    NODE_NOT_OPENED = "node-not-opened"
    NODE_NOT_READY = "node-not-ready"
    NO_NETWORK = "no-network"
    QUEUE_STANDS = "queue-stands"
    LOG_UNSIGNED = "log-unsigned"
    MAIL_AWAY = "mail-away"
    SIGN_IN_AWAY = "sign-in-away"
    TIME_AUTHORITY_AWAY = "time-authority-away"
    CERTIFICATE_ENDS = "certificate-ends"
    TRUST_ROOT = "trust-root"
    CLOCK_DRIFTS = "clock-drifts"
    ROWS_OF_THE_FUTURE = "rows-of-the-future"
    OWN_ADDRESS = "own-address"
    PEER_CERTIFICATE = "peer-certificate"
    PEER_CLOCK = "peer-clock"
    PEER_AWAY = "peer-away"
    PEER_ALARM = "peer-alarm"
    QUARANTINE = "quarantine"
    CONTRACT = "contract"
    FEW_WITNESSES = "few-witnesses"
    NO_POLICY_LINE = "no-policy-line"
    JOBS_WAIT = "jobs-wait"
    JOBS_DEAD = "jobs-dead"
    TIME_STAMPS = "time-stamps"
    MAIL_WAITS = "mail-waits"
    WATCHED_FOLDER = "watched-folder"
    WEBHOOK = "webhook"
    NO_BACKUP = "no-backup"
    OLD_BACKUP = "old-backup"
    RESTORE_FAILED = "restore-failed"
    RESTORE_UNTRIED = "restore-untried"
    LOG_UNWITNESSED = "log-unwitnessed"
    LOG_UNREAD = "log-unread"
    DISK_FILLS = "disk-fills"
    OPEN_TO_OTHERS = "open-to-others"
    KEYS_NOT_ENCRYPTED = "keys-not-encrypted"
    DATABASE_ROLES = "database-roles"
    IDENTITY_HERE = "identity-here"
    EGRESS_UNIT = "egress-unit"
    DEADLINES = "deadlines"
    CLOCK_UNSET = "clock-unset"
    COMPUTES_OTHERWISE = "computes-otherwise"
    NOT_EXAMINED = "not-examined"


C = Cause
_NOT_OPENED: Final = frozenset({C.NODE_NOT_OPENED, C.NODE_NOT_READY, C.NOT_EXAMINED})
_STANDS: Final = frozenset({C.JOBS_WAIT, C.QUEUE_STANDS, C.LOG_UNSIGNED, C.LOG_UNWITNESSED, C.LOG_UNREAD})
_UNUSABLE: Final = frozenset({C.DATABASE_READ_ONLY, C.DATABASE_UNUSABLE, C.DATABASE_LOCKED, C.FOLDER_UNWRITABLE})
_BACKUPS: Final = frozenset({C.OLD_BACKUP, C.NO_BACKUP, C.RESTORE_FAILED, C.RESTORE_UNTRIED})
_DISK: Final = _NOT_OPENED | _STANDS | _UNUSABLE | _BACKUPS | {C.COMPUTE_AWAY, C.NO_WORKER}
_LOST: Final = frozenset({C.DATABASE_GONE, C.DATABASE_DAMAGED, C.FOLDER_GONE, C.SCANS_GONE})
_PEERS: Final = frozenset({C.PEER_AWAY, C.PEER_ALARM, C.PEER_CLOCK, C.PEER_CERTIFICATE, C.LOG_UNWITNESSED})
_KEYS: Final = frozenset({C.KEY_MISSING, C.KEY_OPEN, C.KEY_DAMAGED})

EXPLAINS: Final[Mapping[Cause, frozenset[Cause]]] = {
    C.HALF_RESTORE: _DISK | _KEYS | _LOST | {C.NO_NODE, C.SETTING_FILE, C.CALIBRATION},
    C.HALF_MOVE: _NOT_OPENED | _STANDS | {C.DATABASE_GONE, C.DATABASE_MOVED},
    C.DATABASE_SET_BACK: _NOT_OPENED | _STANDS | {C.LOG_HELD, C.SCANS_GONE, C.LOG_ALTERED, C.JOBS_DEAD},
    C.SETTINGS_DIFFER: _NOT_OPENED | _STANDS,
    C.WRONG_USER: _DISK | _KEYS | _LOST | {C.WRONG_OWNER, C.SETTING_FILE, C.CALIBRATION, C.NO_NODE},
    C.DISK_READ_ONLY: _DISK,
    C.DISK_FULL: _DISK,
    C.DISK_INODES: _DISK | {C.DISK_FULL},
    C.DISK_QUOTA: _DISK,
    C.DISK_FAILS: _DISK | _KEYS | _LOST,
    C.EXTRA_MISSING: _NOT_OPENED,
    C.WRONG_OWNER: _DISK | {C.KEY_MISSING, C.KEY_DAMAGED},
    C.FOLDER_GONE: _NOT_OPENED | _STANDS | {C.SCANS_GONE},
    C.FOLDER_UNWRITABLE: _NOT_OPENED | _STANDS | {C.DATABASE_READ_ONLY, C.DATABASE_UNUSABLE},
    C.KEY_MISSING: _NOT_OPENED,
    C.KEY_OPEN: _NOT_OPENED,
    C.KEY_DAMAGED: _NOT_OPENED,
    C.PASSPHRASE_WRONG: _NOT_OPENED,
    C.PASSPHRASE_MISSING: _NOT_OPENED,
    C.DATABASE_AWAY: _NOT_OPENED | _STANDS,
    C.DATABASE_LOGIN: _NOT_OPENED | _STANDS,
    C.DATABASE_GONE: _NOT_OPENED | _STANDS,
    C.DATABASE_DAMAGED: _NOT_OPENED | _STANDS | {C.DATABASE_UNUSABLE},
    C.DATABASE_OLDER: _NOT_OPENED,
    C.DATABASE_NEWER: _NOT_OPENED,
    C.DATABASE_MOVED: _NOT_OPENED | _STANDS,
    C.DATABASE_READ_ONLY: _NOT_OPENED | _STANDS,
    C.DATABASE_LOCKED: _NOT_OPENED | _STANDS,
    C.DATABASE_UNUSABLE: _NOT_OPENED,
    C.CALIBRATION: _NOT_OPENED,
    C.SETTING_FILE: _NOT_OPENED,
    C.NODE_SILENT: _STANDS | {C.NODE_NOT_READY, C.OWN_ADDRESS},
    C.PORT_OF_ANOTHER_NODE: _STANDS | {C.OWN_ADDRESS, C.ADDRESS_OF_ANOTHER_NODE},
    C.PORT_TAKEN: _STANDS | {C.OWN_ADDRESS},
    C.ADDRESS_OF_ANOTHER_NODE: frozenset({C.OWN_ADDRESS}),
    C.CLOCK_OFF: _PEERS
    | {C.CLOCK_UNSET, C.CLOCK_DRIFTS, C.TIME_STAMPS, C.TIME_AUTHORITY_AWAY, C.QUEUE_STANDS}
    | {C.OLD_BACKUP, C.NO_BACKUP, C.RESTORE_UNTRIED},
    C.OBJECTS_AWAY: _STANDS | {C.NODE_NOT_READY},
    C.COMPUTE_AWAY: _STANDS | {C.JOBS_DEAD},
    C.CLUSTER_AWAY: _STANDS,
    C.NO_WORKER: _STANDS | {C.PEER_ALARM, C.TIME_STAMPS, C.MAIL_WAITS, C.DEADLINES},
    C.NO_BACKUP: frozenset({C.RESTORE_UNTRIED, C.RESTORE_FAILED}),
    C.RESTORE_FAILED: frozenset({C.RESTORE_UNTRIED}),
    C.NO_NETWORK: _PEERS | {C.MAIL_AWAY, C.SIGN_IN_AWAY, C.TIME_AUTHORITY_AWAY, C.TIME_STAMPS, C.MAIL_WAITS, C.WEBHOOK},
    C.MAIL_AWAY: frozenset({C.MAIL_WAITS}),
    C.TIME_AUTHORITY_AWAY: frozenset({C.TIME_STAMPS}),
    C.PEER_AWAY: frozenset({C.LOG_UNWITNESSED}),
    C.LOG_HELD: frozenset({C.LOG_UNSIGNED, C.LOG_UNWITNESSED}),
    C.CERTIFICATE_ENDED: _PEERS | {C.CLUSTER_AWAY, C.OBJECTS_AWAY, C.MAIL_AWAY},
}
"""Each cause -> what follows from it."""
_ORDER: Final = {cause: place for place, cause in enumerate(Cause)}


class Gravity(IntEnum):
    """The exit code of whoever found nothing worse."""

    GOOD = 0
    WARNING = 1
    FAULT = 2


@dataclass(frozen=True)
class Finding:
    """``what`` is wrong with the ``subject``, how bad that is, and what the operator does ``next``; a sentence each, or
    for the last a command. ``cause`` says what kind of thing it is."""

    subject: str
    gravity: Gravity
    what: str
    next: str
    cause: Cause

    @property
    def sentence(self) -> str:
        """``what``, as it is understood without its subject: of a peer with its name."""
        peer = self.subject.removeprefix("peer ")
        return self.what if peer == self.subject or peer in self.what else f"{peer}: {self.what}"

    @property
    def in_words(self) -> str:
        return f"{self.sentence} {self.next}"


def warning(cause: Cause, subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.WARNING, what, then, cause)


def fault(cause: Cause, subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.FAULT, what, then, cause)


def causes_and_consequences(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What nothing else explains, the most severe first; and what follows from one of these, in the same order."""
    ranked = sorted(findings, key=lambda item: (-item.gravity, _ORDER[item.cause]))
    found = {item.cause for item in ranked}
    explained = {cause for one in found for cause in EXPLAINS.get(one, ()) if one not in EXPLAINS.get(cause, ())}
    return (
        [item for item in ranked if item.cause not in explained],
        [item for item in ranked if item.cause in explained],
    )
