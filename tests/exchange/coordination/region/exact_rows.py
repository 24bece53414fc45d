"""The parts of a restricted edition that somebody makes up: each figure stands in it once, of most of them nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchange.coordination.half_year.figure_definitions import COUNTS, GAPS, HELD, STAGES

Cells = Mapping[str, int | None]


def exact_parts(counts: Mapping[str, Cells] | None = None) -> dict[str, Any]:
    """``counts``: the cells of some figures; the others have none."""
    told = counts or {}
    words = {"goal": 3, "title": "t", "definition": "d"}
    return {
        "indicators": [{"id": name, **words, "cells": told.get(name, {})} for name in COUNTS],
        "harmonisation_gap": [{"id": name, **words, "cells": told.get(name, {})} for name in GAPS],
        "stages": [{"id": name, **words, "hours": []} for name in STAGES],
        "held_under_earlier_line": [{"id": name, **words, "cells": told.get(name, {})} for name in HELD],
    }
