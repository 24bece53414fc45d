"""Twenty nodes of three jurisdictions in one process, all enrolled with each other, with a trust root that names them.

Twelve of them are the witnesses of each log (`trust.witness_choice`).
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from exchange.clock import stamp_in
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.witness.witnessed import check_witnessed
from exchange.store.tables.log import CosignatureRow, WitnessedLogRow
from exchange.store.witness.witnessed_rows import witnessed_log
from exchange.trust.registry import Trust
from exchange.trust.witness_choice import majority
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.keys.test_trust_root import entry, install
from tests.exchange.flows.network import Network
from tests.exchange.trust.rounds import Capitals

X = "ffp-rs-0"
"""The node whose log is witnessed."""
COUNT = 20
CODES = (Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.AL)


class Federation(Network):
    """``trust`` is the round that all of them have installed."""

    trust: Trust
    capitals: Capitals

    def found(self, count: int = COUNT) -> None:
        for number in range(count):
            code = CODES[number % len(CODES)]
            node_id, home = f"ffp-{code.lower()}-{number}", self.folder / str(number)
            create_node(home, jurisdiction=code, url=f"http://n{number}.test", node_id=node_id, port=9)
            self.nodes[node_id] = open_node(home)
        self.capitals = Capitals()
        self.trust = self.capitals.round(nodes=[entry(node) for node in self.nodes.values()])
        self.enrol_all()
        for node in self.nodes.values():
            install(node, self.trust)
        sign_head(self.nodes[X])

    def copied_to(self, folder: Path) -> Federation:
        copy = Federation(folder, self.databases)
        copy.published, copy.capitals, copy.trust = self.published, self.capitals, self.trust
        for node_id, node in self.nodes.items():
            self.databases.copy(node.settings.home, folder / node.settings.home.name)
            copy.nodes[node_id] = open_node(folder / node.settings.home.name)
        return copy

    def witnesses(self, log: str = X) -> list[str]:
        chosen = installed_witnesses(self.nodes[log].settings).of(log)
        assert chosen is not None
        return sorted(chosen)

    def readers(self, log: str = X) -> list[str]:
        return sorted(set(self.nodes) - {log} - set(self.witnesses(log)))

    def next_round(self, *gone: str) -> None:
        """All install a round that names these no more."""
        nodes = [entry(node) for name, node in self.nodes.items() if name not in gone]
        self.trust = self.capitals.round(self.trust, nodes=nodes)
        for node in self.nodes.values():
            install_trust(node.settings, self.trust, confirmed=None)

    def witnessed_by(self, *witnesses: str, log: str = X) -> None:
        """Each reads, cosigns and reports."""
        for witness in witnesses:
            self.round(witness, log)

    def ask(self, reader: str, log: str = X) -> bool:
        """The last step of the reader's round."""
        return check_witnessed(self.nodes[reader], self.client(reader), log)

    def hours_pass(self, reader: str, hours: float, log: str = X) -> None:
        """For the reader: what it saw and asked was so much earlier."""
        row = self.known(reader, log)
        earlier = {
            name: stamp_in(-hours * 3600) for name in ("waiting_since", "asked_at") if getattr(row, name) is not None
        }
        with self.nodes[reader].store.write() as session:
            session.execute(update(WitnessedLogRow).where(WitnessedLogRow.log == log).values(**earlier))

    def asked_after(self, reader: str, hours: float, log: str = X) -> WitnessedLogRow:
        """The reader notes what it saw, and asks so many hours later."""
        self.ask(reader, log)
        self.hours_pass(reader, hours, log)
        assert self.ask(reader, log) is True
        return self.known(reader, log)

    def known(self, reader: str, log: str = X) -> WitnessedLogRow:
        with self.nodes[reader].store.read() as session:
            row = witnessed_log(session, log)
        assert row is not None
        return row

    def cosigners(self, node: str | Node = X) -> set[str]:
        """Whose cosignatures a node keeps."""
        node = self.nodes[node] if isinstance(node, str) else node
        with node.store.read() as session:
            return {row.peer for row in session.query(CosignatureRow)}

    @property
    def needed(self) -> int:
        return majority(frozenset(self.witnesses()))
