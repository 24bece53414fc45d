"""How many seeds are tried: one, or as many as $FFP_OBSERVERS_SEEDS says."""

from __future__ import annotations

import os

SEEDS = range(1, 1 + int(os.environ.get("FFP_OBSERVERS_SEEDS", "1")))
