"""One pair has one score on every machine: numpy and OpenCV are bound to what all x86-64 processors with AVX2 can do.

Both, and the OpenBLAS within numpy and scipy, choose their code by the processor, and each choice rounds otherwise: the
two sides of a border would store different scores (docs/adr/0008). What they read here they read when they are loaded,
so ``import matcher`` comes before ``import numpy``. Where a processor has no AVX2, or is of another family, nothing can
be bound; `matcher.evaluate.trial` tells whether this process computes as the others do.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

BOUND: Final = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENCV_IPP": "avx2",
}
"""Settings of the three libraries. What somebody set themselves stands."""
_AVX2: Final = (1, 1, 1 << 5)
_FMA: Final = (0, 2, 1 << 12)
"""A leaf of those that glibc lists (sys/platform/x86.h), which of its four registers, and the bit."""


def bind() -> None:
    """For this process and those that it starts, unless numpy is loaded already."""
    if "numpy" not in sys.modules and _has_avx2():
        for name, value in BOUND.items():
            os.environ.setdefault(name, value)


def as_environment() -> str:
    """The settings as a command begins with them, for processes that load numpy first."""
    return " ".join(f"{name}={value}" for name, value in BOUND.items())


def why_otherwise() -> str:
    """Why this process computes otherwise than those that are bound, and what to do, for an operator."""
    if not _has_avx2():
        return "The processor has no AVX2, with which all others compute, or glibc is before 2.33 and does not say so."
    if any(os.environ.get(name) != value for name, value in BOUND.items()):
        return f"Its libraries are not bound to AVX2. Start it with {as_environment()} in its environment."
    return "Its numpy, scipy or OpenCV are not those of the release. Install those that its lock names."


def _has_avx2() -> bool:
    """As glibc has found out, since 2.33: a unit of systemd may hide /proc/cpuinfo. False where nobody says."""
    leaf_of = getattr(ctypes.CDLL(None), "__x86_get_cpuid_feature_leaf", None)
    if leaf_of is None:
        return False
    leaf_of.restype = ctypes.POINTER(ctypes.c_uint32 * 8)  # what there is, then what may be used of it
    return all(leaf_of(leaf).contents[4 + register] & bit for leaf, register, bit in (_AVX2, _FMA))
