"""Which causes are consequences of another cause. If the disk is full, for example, the database cannot be opened and
jobs wait; restoring a backup would not help. The doctor lists consequences below the cause that explains them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exchange.flows.operate.findings import C, Cause, Finding

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


def causes_and_consequences(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What nothing else explains, the most severe first; and what follows from one of these, in the same order."""
    ranked = sorted(findings, key=lambda item: (-item.gravity, _ORDER[item.cause]))
    found = {item.cause for item in ranked}
    explained = {cause for one in found for cause in EXPLAINS.get(one, ()) if one not in EXPLAINS.get(cause, ())}
    return (
        [item for item in ranked if item.cause not in explained],
        [item for item in ranked if item.cause in explained],
    )
