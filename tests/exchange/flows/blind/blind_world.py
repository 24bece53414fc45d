"""Exhibits with scans of two regions each, compared with each other, at two nodes whose examiners verify blind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from exchange.flows.blind.send import draw_control
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.review.statements import Spoke, speak
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.node.jobs import JobKind
from exchange.store.review.candidate_rows import (
    CandidateView,
    NewCandidate,
    StoredCandidate,
    add_candidates,
    candidate_of,
)
from exchange.store.review.review_rows import mark_seen, scans_of
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.work_tables import JobRow
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.examples import acquisition_fields
from tests.schemas.results import SCREEN

REGIONS = ("breech_face", "firing_pin_impression")
FIRST, SECOND, THIRD = (
    Maker(pseudonym=name, role=Role.EXAMINER, signed_in=SignedInBy.TOKEN) for name in ("one", "two", "three")
)
HEAD = Maker(pseudonym="head", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def scan_of(name: str, region: str) -> str:
    return hashlib.sha256(f"{name} {region}".encode()).hexdigest()


class BlindWorld:
    """``records``: the newest version of each exhibit, by its name. ``looking``: who opens the scored list of each, and
    so is shown what is listed."""

    looking = (FIRST, SECOND, THIRD)

    def __init__(self, network: Network) -> None:
        self.network = network
        self.records: dict[str, str] = {}
        self.first_versions: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.tokens: dict[str, str] = {}

    @property
    def rs(self) -> Node:
        return self.network.nodes[RS]

    @contextmanager
    def copied(self, folder: Path) -> Iterator[BlindWorld]:
        """The same world once more, for a test of its own; this one must be closed."""
        with closing(self.network.copied(folder)) as network:
            yield self.on(network)

    def on(self, network: Network) -> BlindWorld:
        """The same exhibits and people on a copy of the network."""
        copy = BlindWorld(network)
        copy.records, copy.owners, copy.tokens = dict(self.records), dict(self.owners), dict(self.tokens)
        copy.first_versions = dict(self.first_versions)
        return copy

    def people(self) -> None:
        for node in self.network.nodes.values():
            with node.store.write() as session:
                for who in (FIRST, SECOND, HEAD):
                    token = add_user(session, who.pseudonym, who.role)
                    if node is self.rs:
                        self.tokens[who.pseudonym] = token

    def exhibit(self, name: str, owner: str = RS, *, scans: str | None = None, **changes: Any) -> str:
        """A new exhibit, or a new version of one; ``scans``: under another name, where they were made anew."""
        described = [
            acquisition_fields(
                roi=region,
                blob={"sha256": scan_of(scans or name, region), "size": 9, "media_type": "application/x-x3p"},
            )
            for region in REGIONS
        ]
        older = self.records.get(name)
        again = {} if older is None else {"supersedes": older}
        case = {"case_reference": f"case-{name}"}
        record = self.network.record(
            owner, audience=["RS", "MK"], acquisitions=described, **{**case, **again, **changes}
        )
        self.network.settle()
        self.records[name], self.owners[name] = record, owner
        self.first_versions[name] = record if older is None else self.first_versions[name]
        for node in self.network.nodes.values():
            open_all_lists(node, *(who.pseudonym for who in self.looking))
        return record

    def compare(self, one: str, other: str, score: float = 0.5) -> None:
        """Each region of the newest versions, as correlation leaves it on Serbia's node; the breech face scores
        higher, and its score is validated."""
        with self.rs.store.write() as session:
            sides = [acquisitions_of(session, self.records[name]) for name in (one, other)]
            found = [compared(a, b, score - 0.01 * place) for place, (a, b) in enumerate(zip(*sides, strict=True))]
            add_candidates(session, found)
            for scan in (*sides[0], *sides[1]):
                scan.correlated_at = "2026-01-01T00:00:00.000Z"
                scan.mark_mm2, scan.spacing_y_um, scan.spacing_x_um = 3.0, 6.25, 6.25

    def pair(self, one: str, other: str, region: str = REGIONS[0], *, scans: dict[str, str] | None = None) -> Any:
        """The contract's pair, of the newest versions."""
        named = scans or {}
        sides = [
            {
                "issuer": self.owners[name],
                "record": self.records[name],
                "first_version": self.first_versions[name],
                "scan": scan_of(named.get(name, name), region),
            }
            for name in (one, other)
        ]
        a, b = sorted(sides, key=lambda side: side["record"])
        return {"a": a, "b": b}

    def candidate(self, one: str, other: str, region: str = REGIONS[0]) -> StoredCandidate:
        scans = scans_of(scan_of(one, region), scan_of(other, region))
        with self.rs.store.read() as session:
            found = candidate_of(session, scans, CandidateView(PIPELINES, None, superseded=True))
        assert found is not None
        return found

    def shown(self, who: Maker, one: str, other: str, region: str, *, opened: bool = False) -> None:
        with self.rs.store.write() as session:
            scans = scans_of(scan_of(one, region), scan_of(other, region))
            mark_seen(session, who.pseudonym, [scans], opened=opened)

    def says(self, who: Maker, kind: str, node: str = RS, **fields: Any) -> Spoke:
        return speak(self.network.nodes[node], who, json.dumps({"type": kind} | fields).encode())

    def concludes(self, who: Maker, one: str, other: str, region: str = REGIONS[0], **fields: Any) -> Spoke:
        return self.says(who, "conclusion", pair=self.pair(one, other, region), **SCREEN | fields)

    def verifies(self, who: Maker, first: Spoke, one: str, other: str, region: str = REGIONS[0]) -> Spoke:
        pair = self.pair(one, other, region)
        return self.says(who, "verification", pair=pair, verifies=first.statement_id, **SCREEN)

    def promised(self) -> list[JobRow]:
        """The controls that are still to be drawn on Serbia's node."""
        with self.rs.store.read() as session:
            return session.query(JobRow).filter_by(kind=JobKind.DRAW_CONTROL).order_by(JobRow.job_id).all()

    def draws(self) -> None:
        """As if the time of each of them had come."""
        for job in self.promised():
            draw_control(self.rs, int(job.subject))
            with self.rs.store.write() as session:
                session.delete(job)

    def hit(self, node: str, one: str, other: str, region: str = REGIONS[0]) -> Spoke:
        """A lead that a node's two examiners agree on, told to the other side."""
        drawn = {"pair": self.pair(one, other, region), **SCREEN}
        first = self.says(FIRST, "conclusion", node, **drawn)
        second = self.says(SECOND, "verification", node, verifies=first.statement_id, **drawn)
        rests_on = {"conclusion": first.statement_id, "verification": second.statement_id}
        told = {"pair": drawn["pair"], "stage": "lead", "basis": "screen", "score": 1.5, "matcher": "3"}
        hit = self.says(FIRST, "hit", node, **told, **rests_on)
        self.network.settle()
        return hit


def compared(one: AcquisitionRow, other: AcquisitionRow, score: float) -> NewCandidate:
    return NewCandidate(
        a=one,
        b=other,
        cross_border=True,
        same_case=False,
        score=score,
        congruent_cells=5,
        cells=9,
        rotation_deg=1.0,
        matcher_version="3",
        comparison=json.dumps({"variant_a": 0, "variant_b": 0}),
        parameters=next(iter(PIPELINES)),
    )


@contextmanager
def blind_world(folder: Path) -> Iterator[BlindWorld]:
    with closing(Network(folder)) as network:
        network.make(Jurisdiction.RS, Jurisdiction.MK)
        world = BlindWorld(network)
        world.people()
        yield world


def three_exhibits(folder: Path) -> BlindWorld:
    """Serbia's exhibit a and North Macedonia's b, with scans of two regions each; c is another one of Serbia's. Closed:
    each test takes a copy."""
    with blind_world(folder) as made:
        for name, owner in (("a", RS), ("b", MK), ("c", RS)):
            made.exhibit(name, owner)
        made.compare("a", "b")
        made.compare("c", "b", 0.3)
    return made
