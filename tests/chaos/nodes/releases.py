"""Nodes that one release made and runs, and another one later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from schemas.vocabulary import Role
from tests.chaos.nodes.processes import PEOPLE, Process, bearer
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.running_nodes import free_port
from tests.next_release import Release

_MAKE = """
from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role

home = Path(told["home"])
create_node(home, jurisdiction=Jurisdiction(told["jurisdiction"]), url=told["url"], port=told["port"])
with opened(home) as node:
    with node.store.write() as session:
        tokens = {name: add_user(session, name, Role(role)) for name, role in told["people"].items()}
    print(json.dumps({"card": node.card_envelope.raw.decode(), "tokens": tokens}))
"""
_ENROL = """
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import opened
from tests.exchange.open_policy import allow_all

with opened(Path(told["home"])) as node:
    allow_all(node)
    for card in told["cards"]:
        met = read_introduction(node, card.encode())
        enrol(node, met, confirmed=met.fingerprint, legal_basis=told["basis"])
print("null")
"""


class ReleasedNode(Process):
    """A node that some release made and runs, until another is installed."""

    def __init__(self, home: Path, release: Release, jurisdiction: str) -> None:
        port = free_port()
        self.node_id, self.runs = f"ffp-{jurisdiction.lower()}", release
        url = f"http://127.0.0.1:{port}"
        more = {"examiner-2": Role.EXAMINER, "investigator-1": Role.INVESTIGATOR, "head-1": Role.HEAD}
        told = {"jurisdiction": jurisdiction, "url": url, "port": port, "people": PEOPLE | more}
        made = release.run(_MAKE, home=home, **told)
        self.card, self._tokens = made["card"], made["tokens"]
        settings = {"FFP_NODE_WORKERS": "1", "FFP_NODE_PULL_INTERVAL_S": "1"}
        super().__init__(home, port, settings, release=release.folder)
        self.people |= {name: bearer(self.add_user(name, role)) for name, role in more.items()}

    def add_user(self, pseudonym: str, role: Role) -> str:
        """The token of one who was added when the node was made: each call of a release takes seconds."""
        del role
        token: str = self._tokens[pseudonym]
        return token

    def meet(self, *others: ReleasedNode) -> None:
        self.runs.run(_ENROL, home=self.home, cards=[other.card for other in others], basis=LEGAL_BASIS)

    def upgrade(self, release: Release) -> None:
        """As the runbook says: stop, install, migrate, start."""
        self.stop()
        self.runs, self.release = release, release.folder
        release.ffp("migrate", "--home", str(self.home))
        self.start()
        self.wait_ready()

    def go_back(self, release: Release, version: int, backups: Path) -> None:
        """As the runbook says: stop, back up and migrate with the release that runs, install the earlier one, start."""
        self.stop()
        back = ("--to-version", str(version), "--yes", "--backup", str(backups))
        self.runs.ffp("migrate", *back, "--home", str(self.home))
        self.runs, self.release = release, release.folder
        self.start()
        self.wait_ready()

    def enter(
        self,
        number: int,
        scan: bytes,
        to: ReleasedNode,
        *,
        level: str = "full",
        roi: str = "chamber_mark",
        **exhibit: Any,
    ) -> str:
        """An exhibit, for the other node; its statement id."""
        metadata = {
            "case_reference": f"{self.node_id[4:].upper()}-{number}",
            "exhibit": {"kind": "crime_scene", "calibre": "9 mm Luger"} | exhibit,
            "acquisitions": [{"roi": roi, "modality": "topography", "file": "scan"}],
            "handling": {"code": "H0"},
            "level": level,
            "audience": [to.node_id[4:].upper()],
            "retention_until": "2036-12-31",
        }
        answer = self.http.post(
            "/v1/records",
            headers=self.examiner | {"Idempotency-Key": f"exhibit-{number}"},
            files={"metadata": (None, json.dumps(metadata)), "scan": ("scan.x3p", scan)},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        name: str = answer.json()["statement_id"]
        return name

    def say(self, by: str = "examiner-1", **said: Any) -> str:
        """Returns the statement's id."""
        name: str = self.post("/v1/statements", said, by)["statement_id"]
        return name

    def post(self, path: str, said: dict[str, Any], by: str = "examiner-1") -> Any:
        answer = self.http.post(path, headers=self.people[by], json=said)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return answer.json()

    def find_lead(self, own: str, theirs: str) -> str:
        """Two examiners of this node agree on a pair, and the other node is told; the hit's id."""
        sides = [
            {"issuer": record["issuer"], "record": name, "scan": record["acquisitions"][0]["blob"]["sha256"]}
            for name in sorted((own, theirs))
            for record in [self.get(f"/v1/records/{name}")["statement"]]
        ]
        result = {"basis": "screen", "conclusion": "possible_association"}
        found = {"pair": dict(zip("ab", sides, strict=True)), "result": result}
        first = self.say(type="conclusion", **found)
        second = self.say(by="examiner-2", type="verification", verifies=first, **found)
        lead = {"pair": found["pair"], "stage": "lead", "basis": "screen"}
        return self.say(type="hit", conclusion=first, verification=second, **lead)

    def ask(self, record: str) -> str:
        """Ask the peers with one of its records what stands out there; the query's id."""
        told = {"purpose": "investigation", "legal_basis": LEGAL_BASIS}
        [asked] = self.post(f"/v1/records/{record}/queries", told, "investigator-1")
        name: str = asked["query"]
        return name

    def withdraw(self, record: str) -> None:
        self.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"}, "head-1")

    def seen_of(self, other: ReleasedNode) -> dict[str, Any]:
        """What this node tells its operator of a peer."""
        peers = self.get("/v1/peers", by="operator-1")
        found: dict[str, Any] = next(peer for peer in peers if peer["node_id"] == other.node_id)
        return found
