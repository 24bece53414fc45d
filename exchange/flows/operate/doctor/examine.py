"""Examine a node, whether it runs or not, and say what is wrong and what to do. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError, ExchangeError, KeysDiffer, SettingsDiffer
from exchange.flows.node.node import Node, opened, store_of
from exchange.flows.operate.doctor.check_peers import examine_peers
from exchange.flows.operate.doctor.consequences import causes_and_consequences
from exchange.flows.operate.doctor.database import (
    examine_database,
    examine_move,
    examine_reading_roles,
    examine_restore,
)
from exchange.flows.operate.doctor.machine import (
    examine_clock,
    examine_disk,
    examine_growth,
    examine_home,
    examine_owner,
    examine_time_setting,
    reserve_of,
)
from exchange.flows.operate.doctor.port import examine_address, examine_port
from exchange.flows.operate.doctor.services import (
    examine_compute,
    examine_egress,
    examine_mail,
    examine_objects,
    examine_sign_in,
    examine_time_authority,
)
from exchange.flows.operate.doctor.setting_files import examine_certificates, examine_files, examine_keys, refused_home
from exchange.flows.operate.doctor.work import (
    examine_alarms,
    examine_deadlines,
    examine_log,
    examine_scans,
)
from exchange.flows.operate.findings import Cause, Finding, Gravity, finding
from exchange.flows.operate.promised_work import look_at_queue, work_findings
from exchange.flows.operate.recovery import recovery_of
from exchange.store.database.engine import Store
from exchange.store.operate.newest_row import first_row


def examine_backup(settings: Settings, store: Store) -> Iterable[Finding]:
    with store.read() as session:
        return recovery_of(settings, first_row(session)).lacking


OF_SETTINGS: Final[Mapping[str, Callable[[Settings], Iterable[Finding]]]] = {
    "folders": examine_home,
    "keys": examine_keys,
    "files of the settings": examine_files,
    "certificates": examine_certificates,
    "time setting": lambda _settings: examine_time_setting(),
}
OF_STORE: Final[Mapping[str, Callable[[Settings, Store], Iterable[Finding]]]] = {
    "clock": examine_clock,
    "database roles": examine_reading_roles,
    "backup": examine_backup,
}
OF_NODE: Final[Mapping[str, Callable[[Node, bool], Iterable[Finding]]]] = {
    "room to grow": lambda node, _served: examine_growth(node),
    "scans": lambda node, _served: examine_scans(node),
    "object store": lambda node, served: examine_objects(node, served=served),
    "log": lambda node, served: examine_log(node, served=served),
    "work": lambda node, served: work_findings(node, look_at_queue(node, waits=True) if served else None),
    "alarms": lambda node, _served: examine_alarms(node),
    "compute": lambda node, _served: examine_compute(node),
    "deadlines": lambda node, _served: examine_deadlines(node),
    "mail server": lambda node, _served: examine_mail(node),
    "sign-in": lambda node, _served: examine_sign_in(node),
    "time-stamp authority": lambda node, _served: examine_time_authority(node),
    "egress": lambda node, _served: examine_egress(node),
    "peers": lambda node, served: examine_peers(node, served=served),
}
_STEPS: Final = ("restore", "move", "disk", "owner", "settings", "port", "own address", "database", "node")
"""The other checks; what each finds decides which of the above can be made."""


@dataclass
class Examination:
    """``served`` says whether the node runs at this moment; ``checks`` which were made, and the worst that each found:
    None of one that could not be made."""

    home: str
    served: bool = False
    findings: list[Finding] = field(default_factory=list)
    checks: dict[str, Gravity | None] = field(
        default_factory=lambda: dict.fromkeys((*_STEPS, *OF_SETTINGS, *OF_STORE, *OF_NODE))
    )

    @property
    def worst(self) -> Gravity:
        return max((found.gravity for found in self.findings), default=Gravity.GOOD)

    @property
    def causes(self) -> list[Finding]:
        """What nothing else explains; the first of it is what the operator is to mend first."""
        return causes_and_consequences(self.findings)[0]

    @property
    def consequences(self) -> list[Finding]:
        return causes_and_consequences(self.findings)[1]

    def look(self, check: str, made: Callable[[], Iterable[Finding]]) -> bool:
        """Make one check, and say whether it found nothing. One that fails by itself is a finding too: the others go
        on."""
        found: list[Finding] = []
        try:
            found.extend(made())
        except (ExchangeError, OSError) as error:
            found.append(finding(Cause.NOT_EXAMINED, f"The check of this broke off: {error}", subject=check))
        self.findings += found
        self.checks[check] = max((one.gravity for one in found), default=Gravity.GOOD)
        return not found


def examine(home: Path, *, passphrase: SecretStr | None = None) -> Examination:
    """Look at everything that can be looked at; what stands in the way of the rest is a finding itself.

    1. The home: a restore or a move that was broken off, its disks, whose it is.
    2. The settings; without them nothing else can be found.
    3. What the settings name, who answers at the node's port and address, its keys.
    4. The database. Where it is damaged or has another schema version the rest would tell nothing.
    5. The node, opened as for any command: its keys are those that its log names. Scans, log, work, services, peers.
    """
    found = Examination(str(home))
    settings: Settings | None = None
    try:
        settings, trouble = load_settings(home), None
    except ConfigurationError as error:
        trouble = refused_home(home, error)
    except OSError as error:
        what = f"{error.filename or home} cannot be read: {error.strerror}."
        then = f"Run this as the user whom the node belongs to: ls -ld {home}"
        trouble = finding(Cause.SETTING_FILE, what, then=then)
    # 1.
    if _is_folder(home):
        found.look("restore", partial(examine_restore, home))
        found.look("move", partial(examine_move, home))
        found.look("disk", partial(examine_disk, home, reserve_of(settings)))
        found.look("owner", partial(examine_owner, home))
    # 2.
    found.look("settings", lambda: [] if trouble is None else [trouble])
    if settings is None:
        return found
    if passphrase is not None:
        settings = settings.model_copy(update={"key_passphrase": passphrase})
    # 3.
    found.look("port", partial(_examine_port, found, settings))
    found.look("own address", partial(examine_address, settings, served=found.served))
    for name, check in OF_SETTINGS.items():
        found.look(name, partial(check, settings))
    # 4.
    if found.look("database", partial(examine_database, settings)):
        store = store_of(settings)
        try:
            for name, check_store in OF_STORE.items():
                found.look(name, partial(check_store, settings, store))
        finally:
            store.close()
        # 5.
        if all(one.cause is not Cause.PASSPHRASE_MISSING for one in found.findings):
            found.look("node", partial(_examine_node, found, home, passphrase))
    return found


def _is_folder(home: Path) -> bool:
    try:
        return home.is_dir()
    except OSError:
        return False


def _examine_port(found: Examination, settings: Settings) -> list[Finding]:
    found.served, findings = examine_port(settings)
    return findings


def _examine_node(found: Examination, home: Path, passphrase: SecretStr | None) -> Iterator[Finding]:
    try:
        with opened(home, passphrase=passphrase) as node:
            for name, check in OF_NODE.items():
                found.look(name, partial(check, node, found.served))
    except SettingsDiffer as error:
        for _, what, then in error.settings:
            yield finding(Cause.SETTINGS_DIFFER, what, step=then)
    except KeysDiffer as error:
        yield finding(Cause.KEYS_OF_ANOTHER, str(error))
    except ExchangeError as error:
        yield finding(Cause.NODE_NOT_OPENED, f"The node cannot be opened: {error}")
