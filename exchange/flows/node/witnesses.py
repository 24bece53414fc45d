"""Who is a witness of whose log, as the registry that is installed here has it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.node.installed_trust import trust_in
from exchange.trust.witness_choice import choose_witnesses

if TYPE_CHECKING:
    from exchange.trust.registry import RegisteredNode


@dataclass(frozen=True)
class Witnesses:
    """By the registry of ``round``; without one, and in a small one, every peer is a witness of every log."""

    round: int | None = None
    nodes: tuple[RegisteredNode, ...] = ()
    _chosen: dict[str, frozenset[str] | None] = field(default_factory=dict, repr=False, compare=False)

    def of(self, log: str) -> frozenset[str] | None:
        """The chosen ones of a node's log; None where every peer is a witness of it."""
        if log not in self._chosen:
            self._chosen[log] = choose_witnesses(log, self.nodes)
        return self._chosen[log]

    def includes(self, witness: str, log: str) -> bool:
        """Whether the one node is a witness of the other's log."""
        chosen = self.of(log)
        return chosen is None or witness in chosen

    def joins(self, one: str, other: str) -> bool:
        """Whether either is a witness of the other's log, so that the two report to each other."""
        return self.includes(one, other) or self.includes(other, one)


EVERY_PEER: Final = Witnesses()


def installed_witnesses(settings: Settings) -> Witnesses:
    """Read anew when a file of the trust root changed: each page and each report asks.

    A trust root that cannot be believed chooses nobody: every peer is a witness then, of which more cosign than must,
    and the node waits for more. What is wrong with it is an alarm already (`root_alarms`).
    """
    try:
        files = tuple(sorted((entry.name, *_as_it_is(entry)) for entry in os.scandir(settings.trust_root)))
    except OSError:
        return EVERY_PEER
    return _read(settings.trust_root, files)


@lru_cache(maxsize=64)
def _read(folder: Path, _files: tuple[tuple[str, int, int, int], ...]) -> Witnesses:
    try:
        trust = trust_in(folder)
    except ConfigurationError:
        return EVERY_PEER
    return EVERY_PEER if trust is None else Witnesses(trust.version, trust.registry.nodes)


def _as_it_is(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    found = entry.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
