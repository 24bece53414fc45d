"""A ninth jurisdiction, as a file states it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exchange.jurisdictions.jurisdiction_entry import Entries, entries_in
from schemas.jurisdiction import Jurisdiction

HR = Jurisdiction("HR")
NAMES = {
    "en": "Croatia",
    "sq": "Kroacia",
    "bs": "Hrvatska",
    "hr": "Hrvatska",
    "sr-Latn": "Hrvatska",
    "cnr": "Hrvatska",
    "mk": "Хрватска",
    "ro": "Croația",
    "uk": "Хорватія",
}


def entry(**changes: Any) -> dict[str, Any]:
    return {"names": NAMES, "languages": ["hr"], "clock": "Europe/Zagreb", **changes}


def croatia(**changes: Any) -> Entries:
    return entries_in({"HR": entry(**changes)}, "a test")


def write(path: Path, **entries: Any) -> Path:
    path.write_text(json.dumps(entries or {"HR": entry()}, ensure_ascii=False), encoding="utf-8")
    return path
