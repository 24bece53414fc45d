"""How a node stands, for whoever looks after it: a few lights, each with its next step. What is asked takes
milliseconds; ``ffp doctor`` asks what takes longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.errors import ExchangeError
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.setting_files import examine_certificates
from exchange.flows.operate.measure import free_bytes
from exchange.flows.operate.promised_work import QueueLook, look_at_queue
from exchange.flows.operate.ready import who_works
from exchange.flows.operate.recovery.age import Lack
from exchange.flows.operate.status import NodeStatus
from exchange.flows.sync.partners import ExchangeStanding
from exchange.store.node import jobs

_ROOM: Final = 4
"""Times the reserve below which nothing is taken any more: as long as so much is free nobody need look."""


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
    """``count`` and ``of`` are figures of the sentence that a page makes of it: how many are wrong, and of how many;
    ``at`` when it last went well; ``named`` what it is about. ``steps``: for each thing that is wrong, a sentence and
    what to do, in English."""

    of: LightOf
    shines: Shines
    count: int = 0
    total: int = 0
    at: str | None = None
    named: str | None = None
    steps: tuple[tuple[str, str], ...] = ()


def lights_of(node: Node, status: NodeStatus, exchange: ExchangeStanding) -> list[NodeLight]:
    """What is wrong stands first."""
    found = [
        _health(status),
        _work(node),
        _partners(exchange),
        *_recovery(status),
        _disk(node),
        _certificates(node),
    ]
    return sorted(found, key=lambda light: light.shines is not Shines.OFF)


def _health(status: NodeStatus) -> NodeLight:
    """Without the alarms on backups and restores, which have lights of their own."""
    steps = tuple((alarm, "") for alarm in status.alarms if alarm not in status.recovery.alarms)
    return NodeLight(LightOf.HEALTH, Shines.OFF if steps else Shines.ON, count=len(steps), steps=steps)


def _work(node: Node) -> NodeLight:
    works = who_works(node)
    with node.store.read() as session:
        counts = jobs.counts(session)
    dead, waiting = counts.get(jobs.JobState.DEAD, 0), counts.get(jobs.JobState.PENDING, 0)
    queue = look_at_queue(node) if works == "ok" else None
    steps = []
    if works != "ok":
        steps.append((works, "systemctl start ffp-worker"))
    elif queue is not None and queue.look is QueueLook.STANDS and queue.overdue is not None:
        count, first = queue.overdue
        steps.append((f"{count} jobs are due and not begun, the first since {first}.", "ffp job list"))
    if dead:
        steps.append((f"{dead} jobs were given up.", "ffp job list --dead; ffp job retry --all-dead"))
    is_known = queue is None or queue.look is not QueueLook.NOT_KNOWN
    shines = Shines.OFF if steps else Shines.ON if is_known else Shines.DARK
    return NodeLight(LightOf.WORK, shines, count=waiting, steps=tuple(steps))


def _partners(exchange: ExchangeStanding) -> NodeLight:
    steps = tuple(
        (f"{partner.node_id} last answered {partner.answered_at or 'never'}.", "Telephone its operator.")
        for partner in exchange.silent
    )
    steps += tuple(
        (f"{partner.node_id}: {alarm}", "ffp sync status") for partner in exchange.partners for alarm in partner.alarms
    )
    every = len(exchange.partners)
    shines = Shines.OFF if steps else Shines.ON if every else Shines.DARK
    return NodeLight(LightOf.PARTNERS, shines, len(exchange.behind), every, exchange.answered_at, steps=steps)


def _recovery(status: NodeStatus) -> Iterator[NodeLight]:
    kept = status.recovery
    for of, lacks, at, named in (
        (
            LightOf.BACKUP,
            {Lack.NO_BACKUP, Lack.OLD_BACKUP},
            kept.backup.made_at if kept.backup else None,
            f"{round(kept.backup.bytes / 2**20)} MiB" if kept.backup and kept.backup.bytes is not None else None,
        ),
        (
            LightOf.RESTORE,
            {Lack.RESTORE_FAILED, Lack.RESTORE_UNTRIED},
            kept.verified.at if kept.verified else None,
            kept.verified.backup if kept.verified else None,
        ),
    ):
        steps = tuple((found.what, found.then) for found in kept.lacking if found.lack in lacks)
        shines = Shines.OFF if steps else Shines.ON if at else Shines.DARK
        yield NodeLight(of, shines, at=at, named=named, steps=steps)


def _disk(node: Node) -> NodeLight:
    free, reserve = free_bytes(node), node.settings.min_free_bytes
    steps: tuple[tuple[str, str], ...] = ()
    if free < _ROOM * reserve:
        what = f"{free // 2**20} MiB are free; below {reserve // 2**20} MiB nothing is taken any more."
        steps = (
            (what, f"Free space, or move the node to a larger disk: du -xh {node.settings.home} | sort -h | tail"),
        )
    return NodeLight(LightOf.DISK, Shines.OFF if steps else Shines.ON, named=f"{free / 2**30:.0f} GiB", steps=steps)


def _certificates(node: Node) -> NodeLight:
    try:
        steps = tuple((found.what, found.next) for found in examine_certificates(node.settings))
    except (ExchangeError, OSError) as error:
        steps = ((str(error), "ffp doctor"),)
    return NodeLight(LightOf.CERTIFICATES, Shines.OFF if steps else Shines.ON, steps=steps)
