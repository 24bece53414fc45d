"""The addresses that were confirmed for names: a file in the node's home, not in its database, since the database's own
address stands in it too, and who may change a database must not choose where a node connects to.

Each process reads it anew when it was changed. When ``confirm`` has returned, it is on disk.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_network
from pathlib import Path

from exchange.clock import stamp
from exchange.errors import ConfigurationError


@dataclass(frozen=True)
class Confirmed:
    """``networks``: addresses or networks that a name may lead to. ``by_hand``: the operator allowed the name itself,
    which no peer and no setting has. ``refused``: where it led when it was last refused, None when all is well."""

    networks: tuple[str, ...]
    since: str
    why: str
    by_hand: bool = False
    refused: str | None = None
    refused_at: str | None = None


class AddressBook:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], dict[str, Confirmed]] | None = None

    def of(self, host: str) -> Confirmed | None:
        """None for a name of which nothing was confirmed. Raises ConfigurationError."""
        return self.all().get(host)

    def all(self) -> dict[str, Confirmed]:
        """By name. Raises ConfigurationError when the file is damaged: then nothing is allowed."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return {}
        version = (state.st_ino, state.st_mtime_ns, state.st_size)
        if self._read is None or self._read[0] != version:
            self._read = (version, self._parsed())
        return dict(self._read[1])

    def confirm(self, host: str, networks: Iterable[str], *, why: str, by_hand: bool = False) -> None:
        """These, in place of those that were confirmed before."""
        found = tuple(dict.fromkeys(networks))
        self._change(host, lambda _: Confirmed(found, stamp(), why, by_hand))

    def note_refused(self, host: str, led_to: str | None) -> None:
        """For the operator; None when it leads again to where it may. Written once, however often it is tried."""

        def noted(known: Confirmed | None) -> Confirmed:
            known = known or Confirmed((), stamp(), "nothing was confirmed yet")
            return replace(known, refused=led_to, refused_at=stamp() if led_to else None)

        known = self.of(host)
        if (known.refused if known else None) != led_to:
            self._change(host, noted)

    def forget(self, hosts: Iterable[str]) -> None:
        """Nothing happens to those that are not in it."""
        for host in hosts:
            self._change(host, lambda _: None)

    def _change(self, host: str, change: Callable[[Confirmed | None], Confirmed | None]) -> None:
        with self._alone():
            names = self.all()
            changed = change(names.pop(host, None))
            if changed is not None:
                names[host] = changed
            self._write(names)

    def _write(self, names: dict[str, Confirmed]) -> None:
        fresh = self._path.with_suffix(".new")
        text = json.dumps({name: asdict(names[name]) for name in sorted(names)}, indent=1) + "\n"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as made:
            made.write(text)
            made.flush()
            os.fsync(made.fileno())
        fresh.replace(self._path)

    def _parsed(self) -> dict[str, Confirmed]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            names = {
                str(name): Confirmed(**{**entry, "networks": tuple(entry["networks"])}) for name, entry in told.items()
            }
            for entry in names.values():
                for network in entry.networks:
                    ip_network(network)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigurationError(
                f"{self._path} cannot be read ({error}), so this node connects to nobody. Restore it, or remove it: "
                "then each name gets the addresses that it has at its next connection."
            ) from error
        return names

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time, for the moment that it takes."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # `ffp init` asks the database first
        with self._path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
