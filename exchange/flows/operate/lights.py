"""How a node stands, for whoever looks after it: a few lights, each with its next step. What is asked takes
milliseconds; ``ffp doctor`` asks what takes longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.errors import ExchangeError
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.machine import room_findings
from exchange.flows.operate.doctor.setting_files import examine_certificates
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.flows.operate.measure import free_bytes
from exchange.flows.operate.promised_work import look_at_queue, work_findings
from exchange.flows.operate.recovery import Recovery
from exchange.flows.operate.status import NodeStatus
from exchange.flows.sync.sync_partners import ExchangeStanding
from exchange.store.node.jobs import JobState


class LightOf(StrEnum):
    HEALTH = "health"
    WORK = "work"
    PARTNERS = "partners"
    BACKUP = "backup"
    RESTORE = "restore"
    DISK = "disk"
    CERTIFICATES = "certificates"


class Shines(StrEnum):
    ON = "on"
    OFF = "off"
    DARK = "dark"
    """Nothing is known yet."""


@dataclass(frozen=True)
class NodeLight:
    """``count`` and ``total`` are figures of the sentence that a page makes of it: how many are wrong, and of how many;
    ``at`` when it last went well; ``named`` what it is about. ``findings``: what is wrong."""

    of: LightOf
    findings: tuple[Finding, ...]
    known: bool = True
    count: int = 0
    total: int = 0
    at: str | None = None
    named: str | None = None

    @property
    def shines(self) -> Shines:
        return Shines.OFF if self.findings else Shines.ON if self.known else Shines.DARK


_BACKUP: Final = (Cause.NO_BACKUP, Cause.OLD_BACKUP)


def lights_of(node: Node, status: NodeStatus, exchange: ExchangeStanding) -> list[NodeLight]:
    """What is wrong stands first."""
    health = tuple(found for found in status.findings if found not in status.recovery.lacking)
    free, queue = free_bytes(node), look_at_queue(node)
    room = room_findings(node.settings.home, free, node.settings.min_free_bytes)
    found = [
        NodeLight(LightOf.HEALTH, health, count=len(health)),
        NodeLight(
            LightOf.WORK,
            tuple(work_findings(node, queue)),
            known=queue.known,
            count=status.jobs.get(JobState.PENDING, 0),
        ),
        _partners(exchange),
        *_recovery(status.recovery),
        NodeLight(LightOf.DISK, tuple(room), named=f"{free / 2**30:.0f} GiB"),
        NodeLight(LightOf.CERTIFICATES, _certificates(node)),
    ]
    return sorted(found, key=lambda light: light.shines is not Shines.OFF)


def _partners(exchange: ExchangeStanding) -> NodeLight:
    findings = [
        finding(
            Cause.PEER_AWAY,
            f"{partner.node_id} last answered {partner.answered_at or 'never'}.",
            subject=f"peer {partner.node_id}",
        )
        for partner in exchange.silent
    ]
    findings += [
        finding(Cause.PEER_ALARM, alarm, subject=f"peer {partner.node_id}")
        for partner in exchange.partners
        for alarm in partner.alarms
    ]
    every = len(exchange.partners)
    return NodeLight(LightOf.PARTNERS, tuple(findings), every > 0, len(exchange.behind), every, exchange.answered_at)


def _recovery(kept: Recovery) -> Iterator[NodeLight]:
    of_backup = tuple(found for found in kept.lacking if found.cause in _BACKUP)
    made, verified = kept.backup, kept.verified
    yield NodeLight(
        LightOf.BACKUP,
        of_backup,
        made is not None,
        at=made.made_at if made else None,
        named=f"{round(made.bytes / 2**20)} MiB" if made else None,
    )
    of_restore = tuple(found for found in kept.lacking if found not in of_backup)
    yield NodeLight(
        LightOf.RESTORE,
        of_restore,
        verified is not None,
        at=verified.at if verified else None,
        named=verified.backup if verified else None,
    )


def _certificates(node: Node) -> tuple[Finding, ...]:
    try:
        return tuple(examine_certificates(node.settings))
    except (ExchangeError, OSError) as error:
        return (finding(Cause.NOT_EXAMINED, str(error), subject="certificate", then="ffp doctor"),)
