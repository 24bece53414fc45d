"""How large the trials are: small ones by default, those that ``make chaos`` runs where $FFP_CHAOS says so.

What was measured is printed and, where $FFP_CHAOS_REPORT names a file, kept there as JSON.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

SIZES = ("small", "full")


def is_full() -> bool:
    wanted = os.environ.get("FFP_CHAOS", "small")
    if wanted not in SIZES:
        raise ValueError(f"FFP_CHAOS is {wanted}; it may be one of {', '.join(SIZES)}.")
    return wanted == "full"


def sized(small: int, full: int) -> int:
    """The size of a trial in this run."""
    return full if is_full() else small


def report(trial: str, figures: dict[str, object]) -> None:
    """Print the figures of a trial and put them beside those of others."""
    print(f"\n{trial}: {json.dumps(figures, ensure_ascii=False)}")
    named = os.environ.get("FFP_CHAOS_REPORT")
    if named:
        path = Path(named)
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps({**kept, trial: figures}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
