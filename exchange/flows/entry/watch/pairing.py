"""Which sidecar belongs to which scan, by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from exchange.flows.entry.watch.dropped import FolderEntry


def sidecars_of(looked: Mapping[str, FolderEntry]) -> dict[str, FolderEntry | str]:
    """The sidecar of each scan: ``NAME.x3p.json``, else ``NAME.json``; or a sentence, where it cannot be told which."""
    found: dict[str, FolderEntry | str] = {}
    by_stem: dict[str, list[FolderEntry]] = {}
    scans = [entry for entry in looked.values() if entry.is_scan]
    for entry in (each for each in looked.values() if each.is_sidecar):
        by_stem.setdefault(entry.stem, []).append(entry)
    without = []
    for scan in scans:
        own = by_stem.get(scan.name, [])
        if len(own) == 1:
            found[scan.name] = own[0]
        elif own:
            found[scan.name] = _two_sidecars(own)
        else:
            without.append(scan)
    names = Counter(scan.stem for scan in without)
    for scan in without:
        beside = by_stem.get(scan.stem, [])
        if len(beside) > 1:
            found[scan.name] = _two_sidecars(beside)
        elif beside and names[scan.stem] > 1:
            found[scan.name] = (
                f"{beside[0].name} stands beside several scans of that name: name the sidecar of each after the whole "
                f"name of its scan, as {scan.name}.json."
            )
        elif beside:
            found[scan.name] = beside[0]
    return found


def _two_sidecars(found: Sequence[FolderEntry]) -> str:
    return f"It has two sidecars, {' and '.join(entry.name for entry in found)}: leave one."
