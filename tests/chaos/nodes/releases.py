"""Other releases than this one, each as a folder of sources that runs: the landed one, and one still to come."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from schemas.vocabulary import Role
from tests.chaos.nodes.processes import PEOPLE, Process, bearer, environment_of
from tests.exchange.conftest import LEGAL_BASIS, free_port

SOURCES = Path(__file__).parents[3]
PACKAGES = ("exchange", "matcher", "schemas")
LANDED = "8928842"
"""The release that says nothing of what it reads."""
OF_CONTRACT_1_1 = "6d50b91"
"""The release before this one: it says that it reads 1.1, and knows no item, firearm or custody."""
OF_FORM_6 = "c3d9d59"
"""The last state of the sources whose database has form 6: the release before this one, to which a node goes back."""

ADDITIONS = {
    "schemas/statement_base.py": {
        'Literal["1.0", "1.1", "1.2", "1.3"]': 'Literal["1.0", "1.1", "1.2", "1.3", "1.4"]',
    },
    "schemas/versions.py": {
        "ADDED: dict[str, str] = {": "ADDED: dict[str, str] = dict.fromkeys("
        '("Exhibit.colour", "CaseMaterial=polymer", "Notice.type=notice"), "1.4") | {'
    },
    "schemas/exhibit.py": {
        "    headstamp: ShortText | None = None\n": "    headstamp: ShortText | None = None\n"
        "    colour: ShortText | None = Field(default=None, exclude_if=lambda colour: colour is None)\n"
    },
    "schemas/vocabulary.py": {
        "class CaseMaterial(StrEnum):\n": 'class CaseMaterial(StrEnum):\n    POLYMER = "polymer"\n'
    },
    "schemas/sharing.py": {
        "class Hold(Statement):": "class Notice(Statement):\n"
        '    """A line to all who read the lane."""\n\n    type: Literal["notice"]\n    text: ShortText\n\n\n'
        "class Hold(Statement):"
    },
    "schemas/kinds.py": {
        "Grant, Hold, Policy": "Grant, Hold, Notice, Policy",
        "    | Hold\n": "    | Hold\n    | Notice\n",
        '    Kind(Hold, "record"),\n': '    Kind(Hold, "record"),\n    Kind(Notice, None, MeantFor.ALL),\n',
    },
}
"""What the release to come adds: a field, a word of a vocabulary, a kind of statement."""

NOTICE = """
from exchange.flows.node.node import opened
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from schemas.sharing import Notice

with opened(Path(told["home"])) as node:
    said = say(node, Notice, THE_NODE, text="Closed at noon.")
    with node.store.write() as session:
        enter(session, said, to=[told["to"]])
print(json.dumps(said.statement_id))
"""
_MAKE = """
from exchange.flows.node.node import create_node, opened
from exchange.store.access.users import add_user
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

with opened(Path(told["home"])) as node:
    for card in told["cards"]:
        met = read_introduction(node, card.encode())
        enrol(node, met, confirmed=met.fingerprint, legal_basis=told["basis"])
print("null")
"""
_BEFORE = {
    "exchange.flows.node.node": "exchange.flows.node",
    "exchange.flows.keys.enrol": "exchange.flows.enrol",
    "exchange.store.access.users": "exchange.store.users",
}
"""Where the landed release has modules that these lines name."""


@dataclass(frozen=True)
class Release:
    """Sources in a folder of their own."""

    folder: Path

    def run(self, script: str, **told: Any) -> Any:
        """Run a few lines on these sources; returns what they print last, as JSON."""
        if not (self.folder / "exchange/flows/node").is_dir():
            for name, before in _BEFORE.items():
                script = script.replace(f"from {name} import", f"from {before} import")
        lines = f"import json, sys\nfrom pathlib import Path\ntold = json.loads(sys.argv[1])\n{script}"
        return json.loads(self._call("-c", lines, json.dumps(told, default=str)).splitlines()[-1])

    def ffp(self, *arguments: str) -> str:
        return self._call("-m", "exchange.cli.main", *arguments)

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment_of(self.folder, os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


THIS = Release(SOURCES)


class ReleasedNode(Process):
    """A node that some release made and runs, until another is installed."""

    def __init__(self, home: Path, release: Release, jurisdiction: str) -> None:
        port = free_port()
        self.node_id, self.runs = f"ffp-{jurisdiction.lower()}", release
        url = f"http://127.0.0.1:{port}"
        more = {"examiner-2": Role.EXAMINER, "investigator-1": Role.INVESTIGATOR}
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

    def go_back(self, release: Release, form: int, backups: Path) -> None:
        """As the runbook says: stop, back up and migrate with the release that runs, install the earlier one, start."""
        self.stop()
        back = ("--to-form", str(form), "--yes", "--backup", str(backups))
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
        found = {"pair": dict(zip("ab", sides, strict=True)), "conclusion": "identification", "basis": "screen"}
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
        self.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"})

    def seen_of(self, other: ReleasedNode) -> dict[str, Any]:
        """What this node tells its operator of a peer."""
        peers = self.get("/v1/peers", by="operator-1")
        found: dict[str, Any] = next(peer for peer in peers if peer["node_id"] == other.node_id)
        return found


def release_to_come(folder: Path) -> Release:
    """This release with a few additions to the contract."""
    for package in PACKAGES:
        shutil.copytree(SOURCES / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path, changes in ADDITIONS.items():
        text = (folder / path).read_text(encoding="utf-8")
        for before, after in changes.items():
            assert text.count(before) == 1, (path, before)
            text = text.replace(before, after)
        (folder / path).write_text(text, encoding="utf-8")
    return Release(folder)


def landed_release(folder: Path, commit: str = LANDED) -> Release | None:
    """A release as the history has it; None where there is no history, as in an unpacked archive."""
    archive = subprocess.run(
        ["git", "-C", str(SOURCES), "archive", commit, *PACKAGES], capture_output=True, check=False
    )
    if archive.returncode != 0:
        return None
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(folder, filter="data")
    return Release(folder)
