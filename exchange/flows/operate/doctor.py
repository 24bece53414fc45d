"""Examine a node, whether it runs or not, and say what is wrong and what to do. Nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError, ExchangeError, PassphraseNeeded, PeerUnreachable, StoreUnavailable
from exchange.flows.node.node import Node, opened, store_of
from exchange.flows.operate.doctor_egress import examine_egress
from exchange.flows.operate.doctor_machine import examine_clock, examine_disk, examine_home, examine_keys
from exchange.flows.operate.doctor_peers import examine_peers
from exchange.flows.operate.doctor_work import (
    examine_compute,
    examine_deadlines,
    examine_log,
    examine_objects,
    examine_scans,
    examine_work,
)
from exchange.flows.operate.findings import Finding, Gravity, fault, warning
from exchange.net.egress import Typed
from exchange.net.probe import reach

HERE_S = 5.0
"""How long the node on this machine may take to say that it runs."""


@dataclass(frozen=True)
class Examination:
    """``served`` says whether the node runs at this moment."""

    home: str
    served: bool
    findings: list[Finding]

    @property
    def worst(self) -> Gravity:
        return max((found.gravity for found in self.findings), default=Gravity.GOOD)


def examine(home: Path, *, passphrase: SecretStr | None = None) -> Examination:
    """Look at everything that can be looked at; what stands in the way of the rest is a finding itself.

    1. The settings; without them there is nothing to look at.
    2. The machine: permissions, keys at rest, free space, clock.
    3. The database. Where it is damaged or of another form the rest would tell nothing.
    4. The node, opened as for any command: its keys are those that its log names.
    5. What it says of itself where it runs; scans, log, work, deadlines, peers.
    """
    # 1.
    try:
        settings = load_settings(home)
    except ConfigurationError as error:
        return Examination(str(home), False, [fault("settings", str(error), "Mend them; nothing else was examined.")])
    if passphrase is not None:
        settings = settings.model_copy(update={"key_passphrase": passphrase})
    # 2.
    served, findings = _examine_served(settings)
    findings += [*examine_home(settings), *examine_keys(settings), *examine_clock()]
    # 3.
    database = list(_examine_database(settings))
    findings += database
    if database:
        return Examination(str(home), served, [*findings, *examine_disk(settings, None)])
    # 4. and 5.
    try:
        with opened(home, passphrase=passphrase) as node:
            findings += _examine_open(node, served)
    except PassphraseNeeded as error:
        then = "Give it, and examine again; scans, log, work and peers were not examined."
        findings.append(warning("keys", str(error), then))
    except ExchangeError as error:
        findings.append(fault("node", f"It cannot be opened: {error}", "Mend that, and examine again for the rest."))
    return Examination(str(home), served, findings)


def _examine_open(node: Node, served: bool) -> Iterator[Finding]:
    yield from examine_disk(node.settings, node)
    yield from examine_scans(node)
    yield from examine_objects(node, served=served)
    yield from examine_log(node, served=served)
    yield from examine_work(node, served=served)
    yield from examine_compute(node)
    yield from examine_deadlines(node)
    yield from examine_egress(node)
    yield from examine_peers(node, served=served)


def _examine_served(settings: Settings) -> tuple[bool, list[Finding]]:
    """Whether it runs; and where it does, what it lacks by its own account."""
    host = "127.0.0.1" if settings.host == "0.0.0.0" else settings.host  # noqa: S104 - asked, not bound
    place = f"[{host}]" if ":" in host else host
    try:
        url = f"http://{place}:{settings.port}/readyz"
        answer = reach(url, guard=Typed(url), timeout_s=HERE_S)
    except PeerUnreachable:
        return False, []
    if answer.status == 200:
        return True, []
    try:
        told = json.loads(answer.body)
        lacks = [f"{part}: {state}" for part, state in told.items() if part != "status" and state != "ok"]
    except (ValueError, AttributeError):
        return False, []  # something else listens there
    then = "It mends itself when that is there again; restart it if it does not."
    return True, [fault("readiness", f"The node runs and is not ready. {' '.join(lacks)}", then)]


def _examine_database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None and not settings.database.is_file():
        yield fault("database", f"{settings.database} is missing.", "Stop the node and restore the backup.")
        return
    store = store_of(settings)
    try:
        store.check()
        damage = store.damage()
    except StoreUnavailable as error:
        yield fault("database", str(error), "Bring its server back, or stop the node and restore the backup.")
    except ConfigurationError as error:
        yield fault("database", str(error), "The node does not start before that.")
    else:
        if damage:
            then = "Stop the node and restore the backup; its peers give back what came since."
            yield fault("database", f"It is damaged: {'; '.join(damage)}.", then)
    finally:
        store.close()
