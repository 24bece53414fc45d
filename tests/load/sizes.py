"""How large the trials are: short by default, those of ``make load`` where $FFP_LOAD says so; and where figures go."""

from __future__ import annotations

import json
import os
from pathlib import Path

SIZES = ("short", "full")


def is_full() -> bool:
    wanted = os.environ.get("FFP_LOAD", "short")
    if wanted not in SIZES:
        raise ValueError(f"FFP_LOAD is {wanted}; it may be one of {', '.join(SIZES)}.")
    return wanted == "full"


def report(trial: str, figures: dict[str, object]) -> None:
    """Print what was measured, and put it beside the other trials where $FFP_LOAD_REPORT names a file of JSON."""
    print(f"\n{trial}: {json.dumps(figures, indent=2)}")
    named = os.environ.get("FFP_LOAD_REPORT")
    if named:
        path = Path(named)
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**kept, trial: figures}, indent=2) + "\n", encoding="utf-8")
