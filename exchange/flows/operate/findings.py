"""The table of causes: what can be wrong with a node, how serious it is, and what the operator does. Each condition is
decided in one place; the doctor, `ffp status` and the lights of the first pages show the same findings.

Findings are listed by gravity, and findings of one gravity in the order of this table. deploy/troubleshooting.md has
the same table for people; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple


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


class Gravity(IntEnum):
    """The exit code of whoever found nothing worse."""

    GOOD = 0
    WARNING = 1
    FAULT = 2


class Fault(NamedTuple):
    """The subject of a cause, its gravity, and the remedy. Each check fills in the names in braces."""

    subject: str
    gravity: Gravity
    remedy: str


_W, _F = Gravity.WARNING, Gravity.FAULT
CAUSES: Final[Mapping[Cause, Fault]] = {
    C.NO_NODE: Fault(
        "settings",
        _F,
        "Name the right folder with --home. Is its disk mounted? findmnt -T {home}. Lost: ffp restore BACKUP",
    ),
    C.HALF_RESTORE: Fault("restore", _F, "Restore once more: ffp restore {source} --home {home}"),
    C.HALF_MOVE: Fault("move", _F, "Go on with it: {command} --home {home}"),
    C.DATABASE_SET_BACK: Fault("database", _F, "{step}"),
    C.SETTINGS_DIFFER: Fault("settings", _F, "{step}"),
    C.WRONG_USER: Fault("permissions", _F, "runuser -u {user} -- ffp doctor --home {home}"),
    C.DISK_READ_ONLY: Fault("disk", _F, "See in dmesg whether the disk fails; if not: mount -o remount,rw {mount}"),
    C.DISK_FULL: Fault(
        "disk",
        _F,
        "Free space there, or move the node to a larger disk. What takes it: du -xh {mount} | sort -h | tail",
    ),
    C.DISK_INODES: Fault(
        "disk",
        _F,
        "Find the folder with too many small files, and empty it: du --inodes -x {mount} | sort -n | tail",
    ),
    C.DISK_QUOTA: Fault("disk", _F, "Raise it, or free space: quota -s; edquota ffp"),
    C.DISK_FAILS: Fault(
        "disk",
        _F,
        "See what the kernel says of it, and make a backup while it can be read: dmesg | tail -50",
    ),
    C.SETTING_VARIABLE: Fault("settings", _F, "{step}"),
    C.SETTING_UNKNOWN: Fault("settings", _F, "{step}"),
    C.SETTING_REFUSED: Fault("settings", _F, "{step}"),
    C.EXTRA_MISSING: Fault("settings", _F, "{step}"),
    C.WRONG_OWNER: Fault("permissions", _F, "chown -R {user}: {home}"),
    C.FOLDER_GONE: Fault("permissions", _F, "install -d -m 700 -o {user} {folder}"),
    C.FOLDER_UNWRITABLE: Fault(
        "permissions",
        _F,
        "chown -R --reference={folder.parent} {folder} && chmod -R u+rwX {folder}",
    ),
    C.KEY_MISSING: Fault(
        "keys",
        _F,
        "Copy what is missing from the newest backup of the keys: cp -np BACKUP-OF-KEYS/* {folder}/",
    ),
    C.KEY_OPEN: Fault("keys", _F, "Make it private, and ask yourself who read it meanwhile: chmod 600 {path}"),
    C.KEY_DAMAGED: Fault(
        "keys",
        _F,
        "Copy it from the newest backup of the keys: cp -p BACKUP-OF-KEYS/{name} {folder}/",
    ),
    C.PASSPHRASE_WRONG: Fault(
        "keys",
        _F,
        "Give the right one in FFP_NODE_KEY_PASSPHRASE, or in the file {home}/secrets/ffp_node_key_passphrase",
    ),
    C.PASSPHRASE_MISSING: Fault(
        "keys",
        _W,
        "Give it in FFP_NODE_KEY_PASSPHRASE, or in the file {home}/secrets/ffp_node_key_passphrase",
    ),
    C.DATABASE_AWAY: Fault("database", _F, "Start it, or see to the way there: systemctl start postgresql"),
    C.DATABASE_LOGIN: Fault(
        "database",
        _F,
        "Correct user and password in the file {home}/secrets/ffp_node_database_url; try: psql '{url}'",
    ),
    C.DATABASE_GONE: Fault(
        "database",
        _F,
        "Stop the node, and restore the newest backup into an empty folder: ffp restore BACKUP --home FOLDER",
    ),
    C.DATABASE_DAMAGED: Fault(
        "database",
        _F,
        "Stop the node, and restore the newest backup into an empty folder: ffp restore BACKUP --home FOLDER",
    ),
    C.DATABASE_OLDER: Fault("database", _F, "With the node stopped: ffp backup FOLDER, then ffp migrate"),
    C.DATABASE_NEWER: Fault("database", _F, "Install the release that made it, or a later one (deploy/README.md, 10)."),
    C.DATABASE_MOVED: Fault(
        "database",
        _F,
        "Have database_url name the new one: ffp config show --origin says where it is set",
    ),
    C.DATABASE_READ_ONLY: Fault("database", _F, "Make it the node's user's own: chown --reference={home} {database}*"),
    C.DATABASE_LOCKED: Fault("database", _F, "Find it, and end it."),
    C.DATABASE_UNUSABLE: Fault(
        "database",
        _F,
        "See whose it is, and whether the disk fails: ls -l {database}*; dmesg | tail",
    ),
    C.KEYS_OF_ANOTHER: Fault(
        "node",
        _F,
        "Take keys and database of one backup, or the keys of the last change: cp -p BACKUP-OF-KEYS/* keys/",
    ),
    C.KEYS_NEWER: Fault("keys", _F, "Its peers give the log back; see with `ffp peer list` that some are reached."),
    C.CALIBRATION: Fault(
        "calibration",
        _F,
        "Make it anew: ffp calibrate (docs/likelihood-ratio.md); or take calibration out of config.toml",
    ),
    C.SETTING_FILE: Fault("settings", _F, "Correct it in {home}/config.toml, or put the file there (docs/settings.md)"),
    C.CERTIFICATE_ENDED: Fault("certificate", _F, "Put a new one in its place ({file}), then: systemctl restart ffp"),
    C.PORT_OF_ANOTHER_NODE: Fault("port", _F, "{stop}; or give this node a free port: port in {home}/config.toml"),
    C.PORT_TAKEN: Fault("port", _F, "{stop}; or give this node a free port: port in {home}/config.toml"),
    C.PORT_REFUSED: Fault("port", _F, "Set port = 8440 in {home}/config.toml, and have the reverse proxy lead there"),
    C.NODE_SILENT: Fault(
        "node",
        _F,
        "See why in its log (journalctl -u ffp -e). If it hangs: systemctl restart ffp, or kill {pid}",
    ),
    C.ADDRESS_OF_ANOTHER_NODE: Fault(
        "own address",
        _F,
        "Lead that name here, in DNS or in the reverse proxy; or correct url in {home}/config.toml",
    ),
    C.RUNS_ELSEWHERE: Fault(
        "own address",
        _W,
        "Find that machine or container, and start nothing here before it is off: two nodes with one set of "
        "keys sign two histories.",
    ),
    C.CLOCK_OFF: Fault(
        "clock",
        _F,
        "Compare it with a clock that you trust (date -u), and have it set by NTP: timedatectl set-ntp true",
    ),
    C.OBJECTS_AWAY: Fault(
        "object store",
        _F,
        "Bring it back, or correct objects_* in config.toml: what waits is stored by itself",
    ),
    C.OBJECTS_ALTERED: Fault("object store", _F, "See which with: ffp log check. Copy these from a backup into blobs."),
    C.SCANS_GONE: Fault(
        "scans",
        _F,
        "Copy them from the newest backup: cp -rn BACKUPS/blobs/* {blobs}/, then: ffp log check",
    ),
    C.SCANS_SET_ASIDE: Fault(
        "scans",
        _W,
        "Submit again what the laboratory's own files show to be lost; then erase the folder.",
    ),
    C.LOG_ALTERED: Fault("log", _F, "See which with: ffp log check"),
    C.LOG_FORKED: Fault("log", _F, "Stop the node, look at `ffp log evidence`, and telephone the peers' operators."),
    C.LOG_HELD: Fault("log", _F, "See `ffp peer list` for who is reached, and telephone who is not."),
    C.POLICY_ALTERED: Fault("policy", _F, "Find out who changed the database."),
    C.PEER_ALTERED: Fault("peer", _F, "Look at what else was changed: ffp log check"),
    C.PEER_FORKED: Fault("peer", _F, "Keep what `ffp log evidence` shows, and telephone its operator."),
    C.COMPUTE_AWAY: Fault(
        "compute",
        _F,
        "See to the limits of the machine, what came waits: free -m; systemctl show ffp -p TasksMax -p MemoryMax",
    ),
    C.CLUSTER_AWAY: Fault(
        "cluster",
        _F,
        "Start scheduler and workers there, or take cluster_scheduler out of config.toml. What is to be "
        "correlated waits, and none of it is given up.",
    ),
    C.NO_WORKER: Fault(
        "worker", _F, "Start one: systemctl start ffp-worker; or have ffp serve run without --no-worker"
    ),
    C.EGRESS_STRANGE: Fault("egress", _F, "Ask whoever runs it; if that is right: ffp egress allow NAME"),
    C.NODE_NOT_OPENED: Fault("node", _F, "Mend that, and examine again for the rest."),
    C.NODE_NOT_READY: Fault(
        "readiness",
        _F,
        "It mends itself when that is there again; if it does not: systemctl restart ffp",
    ),
    C.NO_NETWORK: Fault("network", _F, "See to this machine's network: ip route; resolvectl status"),
    C.QUEUE_STANDS: Fault(
        "jobs",
        _F,
        "See what the worker is at: ffp job list; journalctl -u ffp -e. Then: systemctl restart ffp",
    ),
    C.LOG_UNSIGNED: Fault(
        "log",
        _W,
        "Look into the node's own log for why (journalctl -u ffp -e), then: systemctl restart ffp",
    ),
    C.MAIL_AWAY: Fault(
        "e-mail",
        _W,
        "Bring it back, or correct smtp_* in config.toml; try: nc -vz {server.host} {server.port}",
    ),
    C.SIGN_IN_AWAY: Fault("sign-in", _W, "Bring it back, or correct oidc_issuer; try: curl {url}"),
    C.TIME_AUTHORITY_AWAY: Fault(
        "time stamps",
        _W,
        "Tell whoever runs it; stamps are asked for again by themselves. Try: curl -sI {url}",
    ),
    C.CERTIFICATE_ENDS: Fault("certificate", _W, "Put a new one in its place ({file}), then: systemctl restart ffp"),
    C.TRUST_ROOT: Fault(
        "trust root",
        _W,
        "Ask those who sign it for the next round, then: ffp root install FOLDER. Enrolled peers go on meanwhile.",
    ),
    C.CLOCK_DRIFTS: Fault(
        "clock",
        _W,
        "Compare it with a clock that you trust (date -u), and have it set by NTP: timedatectl set-ntp true",
    ),
    C.ROWS_OF_THE_FUTURE: Fault(
        "clock",
        _W,
        "The clock agrees with the peers' now. Wait until then before you judge deadlines; note it in the book.",
    ),
    C.OWN_ADDRESS: Fault(
        "own address",
        _W,
        "Look at the reverse proxy, the name and the firewall here: systemctl status nginx",
    ),
    C.PEER_CERTIFICATE: Fault("peer", _W, "Tell its operator."),
    C.PEER_CLOCK: Fault("peer", _W, "{step}"),
    C.PEER_AWAY: Fault("peer", _W, "Look at the way there, or telephone its operator; what waits is not lost."),
    C.PEER_ALARM: Fault("peer", _W, "See with `ffp sync status` what stands still, and telephone its operator."),
    C.QUARANTINE: Fault("quarantine", _W, "Telephone its operator, then: ffp sync note {peer}"),
    C.CONTRACT: Fault("contract", _W, "Whoever is older upgrades; `ffp --version` there says what it reads."),
    C.FEW_WITNESSES: Fault("witnesses", _W, "Enrol those who are named: ffp peer add"),
    C.NO_POLICY_LINE: Fault(
        "policy",
        _W,
        "The head states a line, also one that blocks: ffp policy set, or the page Policy",
    ),
    C.JOBS_WAIT: Fault("jobs", _W, "Bring that back: they go on within a minute, and none is given up meanwhile."),
    C.JOBS_DEAD: Fault("jobs", _W, "Mend that, then: ffp job retry --all-dead. Each is named by: ffp job list --dead"),
    C.TIME_STAMPS: Fault("time stamps", _W, "Nothing waits for them."),
    C.MAIL_WAITS: Fault("e-mail", _W, "Nothing waits for it."),
    C.WATCHED_FOLDER: Fault(
        "watched folders",
        _W,
        "See its own words: journalctl -u 'ffp-watch@*' -e. What lies there is taken when that is mended.",
    ),
    C.WEBHOOK: Fault("webhooks", _W, "Mend what the sentence names; no record waits for it."),
    C.NO_BACKUP: Fault(
        "backup",
        _W,
        "Make one, and have it made every day: systemctl start ffp-backup; systemctl enable --now ffp-backup.timer",
    ),
    C.OLD_BACKUP: Fault(
        "backup",
        _W,
        "See why none is made: journalctl -u ffp-backup -e. Make one, and have it made every day: systemctl "
        "start ffp-backup; systemctl enable --now ffp-backup.timer",
    ),
    C.RESTORE_FAILED: Fault("backup", _W, "Mend that, make a backup, and drill again: ffp restore-drill"),
    C.RESTORE_UNTRIED: Fault(
        "backup",
        _W,
        "Drill, and have it done every month: systemctl start ffp-restore-drill; systemctl enable --now "
        "ffp-restore-drill.timer",
    ),
    C.LOG_UNWITNESSED: Fault("log", _W, "See with `ffp peer list` why peers do not come, or telephone them."),
    C.LOG_UNREAD: Fault("log", _W, "Do so now: ffp log check"),
    C.DISK_FILLS: Fault(
        "disk",
        _W,
        "Free space there, or move the node to a larger disk. What takes it: du -xh {mount} | sort -h | tail",
    ),
    C.OPEN_TO_OTHERS: Fault("permissions", _W, "Make it private: chmod {mode} {path}"),
    C.KEYS_NOT_ENCRYPTED: Fault("keys", _W, "Encrypt them, with the node stopped: ffp key encrypt"),
    C.DATABASE_ROLES: Fault(
        "database roles",
        _W,
        "Run deploy/postgresql/roles.sql again as a superuser, and the watchdog: systemctl enable --now "
        "ffp-database-watchdog. Take CONNECT from roles that nobody needs (deploy/README.md, Roles)",
    ),
    C.IDENTITY_HERE: Fault(
        "keys",
        _W,
        "Move both files identity-*.pem to a medium that is locked away (deploy/README.md, 2).",
    ),
    C.EGRESS_UNIT: Fault(
        "egress",
        _W,
        "ffp egress unit > {unit}, then: systemctl daemon-reload && systemctl restart ffp",
    ),
    C.DEADLINES: Fault("deadlines", _W, "Tell whoever heads the laboratory; they wait on the first page."),
    C.CLOCK_UNSET: Fault("clock", _W, "Have it set by NTP: timedatectl set-ntp true, or apt-get install chrony"),
    C.COMPUTES_OTHERWISE: Fault("compute", _W, "{step}"),
    C.NOT_EXAMINED: Fault("", _W, "Mend what is named above it, and examine again."),
}


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


def finding(
    cause: Cause, what: str, *, subject: str = "", then: str = "", gravity: Gravity | None = None, **named: object
) -> Finding:
    """What was found, as its row of ``CAUSES`` has it; ``named`` fills in the remedy. The others stand in place of what
    that row says."""
    check = CAUSES[cause]
    next_step = then or check.remedy.format(**named)
    return Finding(subject or check.subject, check.gravity if gravity is None else gravity, what, next_step, cause)
