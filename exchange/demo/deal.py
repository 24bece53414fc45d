"""Deal scans out to jurisdictions, so that some firearms occur in two: from a folder, or drawn."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matcher
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import shipped_directory
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction

JURISDICTIONS = (Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
SYNTHETIC_FIREARMS = 10
SYNTHETIC_CASES = 3  # of each firearm


def jurisdiction_name(jurisdiction: Jurisdiction) -> str:
    """As it is printed: the demo knows the release's jurisdictions alone."""
    return shipped_directory().name(jurisdiction)


@dataclass(frozen=True)
class DealtScan:
    """One scan and the jurisdiction whose laboratory submits it; ``firearm`` is None where no truth is known."""

    path: Path
    jurisdiction: Jurisdiction
    case_reference: str
    firearm: str | None

    @property
    def name(self) -> str:
        return self.path.stem


def deal_folder(folder: Path, seed: int) -> list[DealtScan]:
    """Deal the x3p files of a folder. Raises InvalidInput when there are too few, or truth.csv names none of them."""
    paths = sorted(path for path in folder.glob("*.x3p") if path.is_file())
    if len(paths) < 2:
        raise InvalidInput(f"{folder} holds {len(paths)} x3p files; the demo needs two or more.")
    return _deal(paths, _read_truth(folder / "truth.csv", paths), seed, JURISDICTIONS)


def deal_synthetic(
    folder: Path,
    seed: int,
    *,
    firearms: int = SYNTHETIC_FIREARMS,
    jurisdictions: Sequence[Jurisdiction] = JURISDICTIONS,
) -> list[DealtScan]:
    """Draw breech faces of known firearms into ``folder``, three cases of each, and deal them."""
    truth: dict[str, str] = {}
    paths = []
    for firearm in range(firearms):
        for case in range(SYNTHETIC_CASES):
            path = folder / f"synthetic {firearm + 1}-{case + 1}.x3p"
            drawn = breech_face.draw(firearm_seed=seed * 1000 + firearm, shot_seed=case)
            matcher.write_topography(drawn, path, instrument="synthetic")
            truth[path.stem] = str(firearm + 1)
            paths.append(path)
    return _deal(paths, truth, seed, jurisdictions)


def _deal(
    paths: list[Path], truth: dict[str, str], seed: int, jurisdictions: Sequence[Jurisdiction]
) -> list[DealtScan]:
    """Scans of one firearm go round the jurisdictions from a random start, so that most firearms cross a border;
    scans of unknown firearm go anywhere. The order of submission is random too."""
    chance = random.Random(seed)
    by_firearm: dict[str, list[Path]] = {}
    for path in paths:
        by_firearm.setdefault(truth.get(path.stem, f"unknown {path.stem}"), []).append(path)
    dealt: list[tuple[Path, Jurisdiction]] = []
    for firearm in sorted(by_firearm):
        group = by_firearm[firearm]
        chance.shuffle(group)
        start = chance.randrange(len(jurisdictions))
        stays_home = chance.random() < 0.2  # not every firearm crosses a border
        for turn, path in enumerate(group):
            dealt.append((path, jurisdictions[(start + (0 if stays_home else turn)) % len(jurisdictions)]))
    chance.shuffle(dealt)
    return [
        DealtScan(path, jurisdiction, f"{jurisdiction}-26-{number:04d}", truth.get(path.stem))
        for number, (path, jurisdiction) in enumerate(dealt, start=1)
    ]


def _read_truth(path: Path, scans: list[Path]) -> dict[str, str]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        truth = {row["scan"]: row["firearm"] for row in rows}
    except KeyError as error:
        raise InvalidInput(f"{path} needs the columns scan and firearm; {error} is missing.") from error
    if not truth.keys() & {scan.stem for scan in scans}:
        raise InvalidInput(f"{path} names none of the scans beside it.")
    return truth
