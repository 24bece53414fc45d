"""Nodes as real processes on free local ports, each with its own folder, database and keys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from exchange.clock import now
from exchange.demo.deal import DealtScan, jurisdiction_name
from exchange.demo.outcome import Submitted
from exchange.errors import PROBLEM_TYPE, ConfigurationError, InvalidInput
from exchange.flows.access.users import add_users
from exchange.flows.keys.enrol import Introduction, enrol, fetch_introduction
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.terms.first_line import FirstLine
from exchange.trust.card import fingerprint
from schemas import Maker
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy

START_TIMEOUT_S = 120
"""A process that ends is noticed at once; eight that begin together on two busy cores take longer than one."""
LEGAL_BASIS = "Demonstration with sample data; no legal basis is needed or claimed"
DEMO_HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.NODE_KEY)
REVIEWED_AFTER = timedelta(days=365)

SILENT: Final = httpx.HTTPError
"""What is raised where a node does not answer as it should."""


@dataclass
class DemoNode:
    """One running node: its process, its address, and a token for each role."""

    jurisdiction: Jurisdiction
    home: Path
    url: str
    fingerprint: str
    tokens: dict[Role, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start ``ffp serve`` in a session of its own, so that Ctrl-C reaches the demo alone, which then ends it."""
        log = (self.home / "serve.log").open("ab")
        environment = {**os.environ, "FFP_NODE_PULL_INTERVAL_S": "0.5", "FFP_NODE_WORKERS": "1"}
        self.process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
            [sys.executable, "-m", "exchange.cli.main", "serve", "--home", str(self.home)],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()

    def wait_ready(self) -> None:
        """Raises ConfigurationError with the end of the node's log when it does not come up."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise ConfigurationError(f"The node of {jurisdiction_name(self.jurisdiction)} did not start:\n{self.log_end()}")

    def submit(self, scan: DealtScan, *, audience: Sequence[Jurisdiction]) -> Submitted:
        """What an examiner's program does: one multipart request. Sent again it gives the same record."""
        metadata = {
            "case_reference": scan.case_reference,
            "exhibit": {"kind": "crime_scene", "calibre": "9 mm Luger"},
            "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
            "handling": {"code": "H0"},
            "level": "full",
            "audience": [name for name in audience if name != self.jurisdiction],
            "retention_until": "2036-12-31",
        }
        with scan.path.open("rb") as file:
            answer = httpx.post(
                f"{self.url}/v1/records",
                headers={**self._bearer(Role.EXAMINER), "Idempotency-Key": scan.case_reference},
                files={"metadata": (None, json.dumps(metadata), "application/json"), "scan": (scan.path.name, file)},
                timeout=120,
                trust_env=False,
            )
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CREATED):
            shown = f"\n{self.log_end()}" if answer.is_server_error else ""
            told = answer.json()
            refused = f"{scan.name} was refused: {told.get('detail', answer.text)}{shown}"
            raise InvalidInput(refused, code=str(told.get("type", "")).removeprefix(PROBLEM_TYPE) or InvalidInput.code)
        receipt = answer.json()
        again = answer.status_code == httpx.codes.OK
        return Submitted(scan, receipt["statement_id"], receipt["received_at"], again)

    def get(self, path: str, role: Role) -> dict[str, Any]:
        answer = httpx.get(self.url + path, headers=self._bearer(role), timeout=60, trust_env=False)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def _bearer(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def log_end(self) -> str:
        """The last lines of the node's log, in short: what happened, and the last line of any trace."""
        lines = (self.home / "serve.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(_shortened(line) for line in lines[-6:])

    def stop(self) -> None:
        """Ask the process to end, and see that it and its workers did."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


def make_node(
    jurisdiction: Jurisdiction, folder: Path, *, port: int | None = None, database_url: str | None = None
) -> DemoNode:
    """Initialise a node with one user for each role. Nothing runs yet."""
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    home = folder / f"ffp-{jurisdiction.lower()}"
    card = create_node(home, jurisdiction=jurisdiction, url=url, port=port, database_url=database_url)
    roles = [role for role in Role if role is not Role.NODE]
    with opened(home) as node:
        tokens = add_users(node, {f"{role}-1": role for role in roles})
    return DemoNode(jurisdiction, home, url, fingerprint(card.identity), dict(zip(roles, tokens.values(), strict=True)))


def enrol_all(nodes: list[DemoNode]) -> None:
    """Each enrols each, comparing the fingerprint that the other side read out at its own initialisation."""
    for reader in nodes:
        with opened(reader.home) as node:
            for other in nodes:
                if other is not reader:
                    enrol_and_share(node, fetch_introduction(node, other.url), other.fingerprint)


def enrol_and_share(node: Node, introduction: Introduction, fingerprint: str) -> None:
    """Enrol a peer; the head signs that it may have every kind of exhibit."""
    line = FirstLine(DEMO_HEAD, tuple(ExhibitKind), SharingRule.ALLOWED, now().date() + REVIEWED_AFTER)
    enrol(node, introduction, confirmed=fingerprint, legal_basis=LEGAL_BASIS, first_line=line)


def _shortened(line: str) -> str:
    try:
        entry = json.loads(line)
        parts = [entry.get("event"), entry.get("detail"), str(entry.get("exception", "")).strip().split("\n")[-1]]
    except (ValueError, AttributeError):
        return line[:300]
    return " | ".join(str(part) for part in parts if part)[:300]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
