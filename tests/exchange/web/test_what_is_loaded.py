"""A process that serves loads none of what compares scans: it starts sooner, and takes forty megabytes less."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "cv2", "scipy")


@pytest.mark.slow
@pytest.mark.parametrize("loaded", ["exchange.web.app", "exchange.worker", "exchange.cli.serving.serve"])
def test_arrays_are_left_to_those_who_compute(loaded: str) -> None:
    code = f"import sys, {loaded}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n", "import it where a worker process needs it: see exchange/flows/scan/inspect.py"
