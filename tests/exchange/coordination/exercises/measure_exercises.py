"""Measure the scores of known drawn pairs, against which people see where an exercise stands:

    python -m tests.exchange.coordination.exercises.measure_exercises [FILE]

writes ``known_scores.json`` of the matcher as it is. It takes some minutes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import matcher
from exchange.coordination.exercises.draw_set import CARRIED, KNOWN_FILE
from exchange.coordination.exercises.exercise_questions import SeedStream
from matcher.synthetic.look_alikes import DrawnFirearm, draw_condition

KINDS = {"different": 100, "look_alikes": 50, "same": 50}
"""How many pairs of each kind."""


def pairs_of(kind: str, count: int) -> Iterator[tuple[DrawnFirearm, DrawnFirearm, tuple[int, int]]]:
    stream = SeedStream(f"known scores of {kind}")
    for number in range(count):
        tool, own = stream.number("tool", number), stream.number("own", number)
        shots = stream.number("shot", 0, number), stream.number("shot", 1, number)
        one = DrawnFirearm(tool, own)
        match kind:
            case "same":
                other = one
            case "look_alikes":
                carried = stream.between(*CARRIED, "carried", number)
                one, other = (
                    DrawnFirearm(tool, own, carried),
                    DrawnFirearm(tool, stream.number("other", number), carried),
                )
            case _:
                other = DrawnFirearm(stream.number("other tool", number), stream.number("other", number))
        yield one, other, shots


def measured(kind: str, count: int) -> Iterator[float]:
    for one, other, shots in pairs_of(kind, count):
        scans = (draw_condition(one, shots[0]), draw_condition(other, shots[1]))
        yield matcher.compare(*map(matcher.prepare, scans)).score


def main() -> None:
    home = Path(__file__).parents[4] / "exchange" / "coordination" / "exercises" / KNOWN_FILE
    target = Path(sys.argv[1]) if sys.argv[1:] else home
    found = {kind: sorted(round(score, 4) for score in measured(kind, count)) for kind, count in KINDS.items()}
    said = {"matcher": matcher.MATCHER_VERSION, "parameters": matcher.DEFAULT_PARAMETERS.digest, **found}
    target.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
