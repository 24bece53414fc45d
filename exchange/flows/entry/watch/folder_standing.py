"""How a folder stands that is watched: written down by whoever watches it, in the home of the node, and read by whoever
looks after the node. The watch is a process of its own, which may have ended, or wait for a share, for months.

What is written down goes with the folder: no name of a file, and nothing of a case or a person.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from exchange.clock import DAY_S, stamp, stamp_in
from exchange.flows.entry.watch.watched_folder import lock_of
from exchange.home import private_folder, write_private

WRITTEN_S: Final = 60.0
"""How often a watch says that it lives."""
LATE_S: Final = 900
"""So long a watch may be silent, or meet the same fault: a share may be away for some minutes, a unit restarted."""
REFUSED_S: Final = 7 * DAY_S
"""So long what was refused may lie there."""


@dataclass(frozen=True)
class WatchStanding:
    """``alive_at``: when the watch last said so. ``fault``: what is wrong since ``fault_since``; empty where nothing
    is. ``refused`` scans lie in ``refused/``, the first since ``refused_since``."""

    folder: str
    alive_at: str
    fault: str = ""
    fault_since: str = ""
    refused: int = 0
    refused_since: str = ""


class StandingFile:
    """Of one folder that is watched. What cannot be written is left: that the watch is silent tells so."""

    def __init__(self, home: Path, folder: Path) -> None:
        """What was wrong before it was started anew is so until a round has ended well: else a service that ends again
        and again would never have been wrong for long."""
        private_folder(home / "watch")
        self._path = lock_of(home, folder).with_suffix(".json")
        self._standing = _read(self._path) or WatchStanding(ascii(str(folder))[1:-1], stamp())
        self._write_at = 0.0

    def alive(self) -> None:
        """It gets on, be it within a long round."""
        if time.monotonic() >= self._write_at:
            self._write()

    def good(self, fault: str, refused: int, refused_since: str) -> None:
        """A round has ended well; of what it could not do tells ``fault``."""
        self._note(fault, refused=refused, refused_since=refused_since)

    def failed(self, fault: str) -> None:
        """A round broke off."""
        self._note(fault, refused=self._standing.refused, refused_since=self._standing.refused_since)

    def forget(self) -> None:
        """Nobody expects that it is watched."""
        self._path.unlink(missing_ok=True)

    def _note(self, fault: str, *, refused: int, refused_since: str) -> None:
        since = (self._standing.fault_since if self._standing.fault else stamp()) if fault else ""
        before = self._standing
        self._standing = replace(before, fault=fault, fault_since=since, refused=refused, refused_since=refused_since)
        if self._standing != before:
            self._write()
        self.alive()

    def _write(self) -> None:
        self._standing = replace(self._standing, alive_at=stamp())
        self._write_at = time.monotonic() + WRITTEN_S
        with contextlib.suppress(OSError):  # the disk is full
            write_private(self._path, json.dumps(asdict(self._standing)))


def standings_in(home: Path) -> list[tuple[Path, WatchStanding]]:
    """Of each folder that a process of this node watches, or watched when it was last heard of; with the file that says
    so. What is no such file is left out."""
    return [(path, one) for path in sorted((home / "watch").glob("*.json")) if (one := _read(path)) is not None]


def _read(path: Path) -> WatchStanding | None:
    """None of what is no such file, or was written by a release that says something else."""
    try:
        return WatchStanding(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def watch_alarms(home: Path) -> list[str]:
    """What an operator must see to, in words, with the next step."""
    alarms, late = [], stamp_in(-LATE_S)
    for path, one in standings_in(home):
        if one.alive_at < late:
            said = f" It said at last: {one.fault}" if one.fault else ""
            alarms.append(
                f"Nobody watches {one.folder} since {one.alive_at}, and nothing is taken from it.{said} Start its "
                f"service: systemctl list-units --all 'ffp-watch@*'. Is it to be watched no more: rm {path}"
            )
        elif one.fault and one.fault_since < late:
            alarms.append(f"The watched folder {one.folder}, since {one.fault_since}: {one.fault}")
        if one.refused and one.refused_since < stamp_in(-REFUSED_S):
            alarms.append(
                f"In {one.folder}/refused lie scans that are in no record: {one.refused}, the first since "
                f"{one.refused_since[:10]}. A report beside each says why. Have whoever dropped them mend them and put "
                "them back into the folder, or clear them away"
            )
    return alarms
