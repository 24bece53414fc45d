"""Whether this process computes as all others do: one calculation from drawing to score, and what must come of it.

Two machines whose trial has the same digest give one pair of scans the same score, to the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np

from matcher.areal.comparison import compare
from matcher.areal.descriptor import polar_magnitude
from matcher.areal.prepared import prepare
from matcher.mark.clean import COARSE_POINTS, WorkingCopy
from matcher.numeric.parameters import MATCHER_VERSION
from matcher.processor import why_otherwise
from matcher.synthetic.breech_face import draw

SHOTS: Final = ((1, 1), (1, 2), (2, 1))
"""Firearm and shot of three drawn breech faces: a pair of one firearm, and two pairs whose marks lie nowhere alike, so
that the place where their search ends hangs on the last bits."""
EXPECTED: Final = "0d7138c41e3b60b170b3a150f6f66b13"
"""Of this version of the matcher, on processors with AVX2, with numpy, scipy and OpenCV as locked."""


@cache
def trial_digest() -> str:
    """Hexadecimal, 32 digits; takes most of a second once. Of the functions that the matcher calls, of what three scans
    are prepared to, and of where each pair comes to lie and its score, bit by bit."""
    told = hashlib.sha256(MATCHER_VERSION.encode())
    for values in _functions():
        told.update(values.tobytes())
    scans = [prepare(draw(firearm, shot)) for firearm, shot in SHOTS]
    for number, scan in enumerate(scans):
        told.update(scan.digest)
        for other in scans[:number]:
            found = compare(scan, other)
            figures = found.score, found.agreement, found.rotation_deg, *found.shift_um, found.overlap, found.g25
            told.update(" ".join(figure.hex() for figure in figures).encode())
    return told.hexdigest()[:32]


def computes_otherwise() -> str | None:
    """Why scores of this process may differ from those of other nodes; None where they do not."""
    return None if trial_digest() == EXPECTED else why_otherwise()


def _functions() -> Iterator[np.ndarray]:
    """Of many arguments: between two processors one value in some hundreds differs, so three scans may show none."""
    x = np.arange(1, 20_001) / 512
    yield from (np.exp(-x), np.log(x), np.log1p(x), np.sin(x), np.cos(x), np.arctan2(x, x[::-1]), np.hypot(x, x[::-1]))
    single = x.astype(np.float32)
    yield from (np.exp(-single), np.log(single), np.sqrt(single), single[:16_384].reshape(128, 128) @ single[:128])
    waves = np.sin(np.arange(COARSE_POINTS**2) / 7).astype(np.float32).reshape(COARSE_POINTS, COARSE_POINTS)
    yield polar_magnitude(WorkingCopy(waves, np.ones_like(waves)))
