"""A laboratory that registers its test fires: a node without a server, whose scans are correlated at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from exchange.flows.entry.submit import submit_record
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.statement.received_scan import ReceivedScan, arriving_scan
from exchange.store.access.user_rows import add_user
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.running_nodes import metadata

EXAMINER = Maker(pseudonym="examiner-1", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)


@dataclass(frozen=True)
class Laboratory:
    node: Node

    @property
    def home(self) -> Path:
        return self.node.settings.home

    def register(self, scan: Path, firearm: str | None, *, calibre: str = "9x19", **changes: Any) -> str:
        """A test fire of a firearm; without one an exhibit from a scene. Returns the record's id; its scan is
        correlated."""
        said = metadata() | {"case_reference": f"RS-{scan.stem.replace(' ', '-')}"} | changes
        said["exhibit"] = {"kind": "crime_scene", "calibre": calibre}
        if firearm is not None:
            held = {"firearm_id": firearm, "kind": "pistol", "calibre": calibre}
            said["exhibit"] = {"kind": "test_fire", "calibre": calibre, "firearm": held}
        with arriving_scan(self.node) as arrival:
            arrival.write(scan.read_bytes())
            received = ReceivedScan("scan", arrival, arrival.finish())
            done = submit_record(self.node, EXAMINER, json.dumps(said).encode(), [received], None)
        correlate_acquisition(self.node, self.scan_of(done.statement_id))
        return done.statement_id

    def scan_of(self, statement_id: str) -> int:
        with self.node.store.read() as session:
            wanted = AcquisitionRow.statement_id == statement_id
            return session.scalars(select(AcquisitionRow.acquisition_id).where(wanted)).one()


@contextmanager
def laboratory(home: Path) -> Iterator[Laboratory]:
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (home / "config.toml").open("a") as settings:
        settings.write("workers = 1\n")
    with closing(open_node(home)) as node:
        with node.store.write() as session:
            add_user(session, EXAMINER.pseudonym, Role.EXAMINER)
        yield Laboratory(node)
