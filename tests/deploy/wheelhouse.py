"""A wheelhouse for this interpreter, made once a run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def made_wheelhouse(folder: Path) -> Path:
    script = ROOT / "deploy" / "wheelhouse.sh"
    done = subprocess.run(["sh", script, folder, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def pins(lock: Path) -> dict[str, set[str]]:
    """What a lock names: ``name==version``, with the markers, and the digests of each."""
    whole = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return {
        line.split(" --hash")[0].strip(): set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
        for line in whole.splitlines()
        if line and not line.startswith((" ", "#"))
    }
