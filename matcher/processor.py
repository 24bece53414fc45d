"""One pair has one score on every machine: numpy and OpenCV are bound to what all x86-64 processors with AVX2 can do.

Both, and the OpenBLAS within numpy and scipy, choose their code by the processor, and each choice rounds otherwise: the
two sides of a border would store different scores (docs/adr/0004). What they read here they read when they are loaded,
so ``import matcher`` comes before ``import numpy``. Where a processor has no AVX2, or is of another family, nothing can
be bound; `matcher.evaluate.trial` tells whether this process computes as the others do.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

BOUND: Final = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENCV_IPP": "avx2",
}
"""Settings of the three libraries. What somebody set themselves stands."""
_NEEDED: Final = {"avx2", "fma"}


def bind() -> None:
    """For this process and those that it starts, unless numpy is loaded already."""
    if "numpy" not in sys.modules and _features() >= _NEEDED:
        for name, value in BOUND.items():
            os.environ.setdefault(name, value)


def as_environment() -> str:
    """The settings as a command begins with them, for processes that load numpy first."""
    return " ".join(f"{name}={value}" for name, value in BOUND.items())


def why_otherwise() -> str:
    """Why this process computes otherwise than those that are bound, and what to do, for an operator."""
    if not _features() >= _NEEDED:
        return "The processor has no AVX2, with which all others compute. Take one that has."
    if any(os.environ.get(name) != value for name, value in BOUND.items()):
        return f"Its libraries are not bound to AVX2. Start it with {as_environment()} in its environment."
    return "Its numpy, scipy or OpenCV are not those of the release. Install those that its lock names."


def _features() -> set[str]:
    """Of the processor, as Linux names them; empty where it does not say."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()
    return next((set(line.split()) for line in told.splitlines() if line.startswith("flags")), set())
