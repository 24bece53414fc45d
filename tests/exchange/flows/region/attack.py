"""What somebody can work out who has everything that is published, knows the definitions, and knows the rules by which
figures are held back: an integer programme for each held-back count, by `scipy.optimize.milp` (HiGHS).

Variables are the true counts. Constraints are what is told of each; that a part is never more than its whole, from the
first half-year on; that both sides of a pair tell of the same hits; that feedback given and missing is what fell due;
that a year and the region are sums; that a time is told of enough spans, and what it says that it is not told; and, of
a part that is told as a range, that it would be told exactly if the rule allowed it.

Left out are two facts that bind counts by products and not by sums: that two cases need an exhibit of each side, so
that leads are no more than the exhibits of one side times those of the other; and that one of the two was shared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from exchange.flows.monitoring.definitions import GAPS
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.public_edition import FREE_COUNTS, PART_OF
from exchange.flows.monitoring.small_counts import Figure, Told
from tests.exchange.flows.region.random_region import CODES, Drawn, Key, pair

MOST = 1_000
Terms = Mapping[Key, float]


@dataclass
class Programme:
    """``low`` and ``high`` by variable; ``rows``: sums that lie between two numbers; ``hidden``: what is held back."""

    low: dict[Key, float] = field(default_factory=dict)
    high: dict[Key, float] = field(default_factory=dict)
    rows: list[tuple[Terms, float, float]] = field(default_factory=list)
    hidden: dict[Key, int] = field(default_factory=dict)
    implied: int = 0
    """Sums that say no more than their parts do."""

    def variable(self, key: Key, low: float = 0, high: float = MOST) -> None:
        self.low[key] = max(self.low.get(key, 0), low)
        self.high[key] = min(self.high.get(key, MOST), high)

    def row(self, terms: Terms, low: float, high: float) -> None:
        for key in terms:
            self.variable(key)
        least = sum(value * (self.low[key] if value > 0 else self.high[key]) for key, value in terms.items())
        most = sum(value * (self.high[key] if value > 0 else self.low[key]) for key, value in terms.items())
        if least >= low and most <= high:
            self.implied += 1
            return
        self.rows.append((terms, low, high))

    def parts(self) -> list[tuple[list[Key], list[tuple[Terms, float, float]]]]:
        """What hangs together: the variables, and the rows that join them."""
        parent = {key: key for key in self.low}

        def root(key: Key) -> Key:
            while parent[key] != key:
                parent[key] = parent[parent[key]]
                key = parent[key]
            return key

        for terms, _, _ in self.rows:
            first, *others = terms
            for other in others:
                parent[root(other)] = root(first)
        keys: dict[Key, list[Key]] = defaultdict(list)
        rows: dict[Key, list[tuple[Terms, float, float]]] = defaultdict(list)
        for key in self.low:
            keys[root(key)].append(key)
        for row in self.rows:
            rows[root(next(iter(row[0])))].append(row)
        return [(found, rows[name]) for name, found in keys.items()]


@dataclass(frozen=True)
class Attacked:
    """A held-back count: values that it can have, and which of the small ones it cannot. ``least`` and ``greatest`` are
    the least and the greatest value wherever these are within the small ones."""

    key: Key
    least: int
    greatest: int
    impossible: tuple[int, ...]


def attack(programme: Programme, smallest: int, every_value: bool) -> Iterable[Attacked]:
    """``every_value``: solve for each small value, not for the least and the greatest alone."""
    for keys, rows in programme.parts():
        hidden = [key for key in keys if key in programme.hidden]
        if not hidden:
            continue
        if not rows:
            for key in hidden:
                yield _told(key, programme.low[key], programme.high[key], (), smallest)
            continue
        solver = _Solver(programme, keys, rows)
        solver.look(dict.fromkeys(hidden, 1))
        solver.look(dict.fromkeys(hidden, -1))
        for key in hidden:
            if solver.least[key] > 1:
                solver.look({key: 1})
            if solver.greatest[key] < smallest - 1:
                solver.look({key: -1})
            least, greatest = solver.least[key], solver.greatest[key]
            holes = tuple(
                value
                for value in range(max(1, least) + 1, min(smallest - 1, greatest))
                if every_value and not solver.is_possible(key, value)
            )
            yield _told(key, least, greatest, holes, smallest)


def _told(key: Key, least: float, greatest: float, holes: Sequence[int], smallest: int) -> Attacked:
    outside = [value for value in range(1, smallest) if not least <= value <= greatest]
    return Attacked(key, round(least), round(greatest), (*outside, *holes))


class _Solver:
    def __init__(self, programme: Programme, keys: Sequence[Key], rows: Sequence[tuple[Terms, float, float]]) -> None:
        self._at = {key: number for number, key in enumerate(keys)}
        self._low = np.array([programme.low[key] for key in keys], dtype=float)
        self._high = np.array([programme.high[key] for key in keys], dtype=float)
        entries = [
            (number, self._at[key], value) for number, (terms, _, _) in enumerate(rows) for key, value in terms.items()
        ]
        lines, columns, values = (np.array(part) for part in zip(*entries, strict=True))
        matrix = csr_array((values.astype(float), (lines, columns)), shape=(len(rows), len(keys)))
        self._rows = LinearConstraint(
            matrix,  # type: ignore[arg-type]  # scipy takes sparse arrays
            np.array([low for _, low, _ in rows], dtype=float),
            np.array([high for _, _, high in rows], dtype=float),
        )
        self._whole = np.ones(len(keys))
        self.least: dict[Key, int] = dict.fromkeys(keys, MOST * MOST)
        self.greatest: dict[Key, int] = dict.fromkeys(keys, -1)

    def look(self, weights: Mapping[Key, int]) -> None:
        """Find what is possible with the least weighted sum, and note each variable's value in it. Raises
        AssertionError where nothing is possible: then what was published contradicts itself."""
        aim = np.zeros(len(self._at))
        for key, weight in weights.items():
            aim[self._at[key]] = weight
        found = milp(aim, integrality=self._whole, bounds=Bounds(self._low, self._high), constraints=self._rows)
        assert found.success, (list(weights)[:3], found.message)
        for key, at in self._at.items():
            value = round(float(found.x[at]))
            self.least[key] = min(self.least[key], value)
            self.greatest[key] = max(self.greatest[key], value)

    def is_possible(self, key: Key, value: int) -> bool:
        low, high = self._low.copy(), self._high.copy()
        low[self._at[key]] = high[self._at[key]] = value
        aim = np.zeros(len(self._at))
        found = milp(aim, integrality=self._whole, bounds=Bounds(low, high), constraints=self._rows)
        return bool(found.success)


def programme_of(drawn: Drawn, *, knows_the_rule: bool = True) -> Programme:
    """All that is published of a region; ``knows_the_rule``: and what follows from how figures are held back."""
    made = Programme()
    for number, _ in enumerate(drawn.halves):
        for code in CODES:
            _told_of(made, drawn, drawn.documents[number, code], number, code)
    _definitions(made, drawn)
    if knows_the_rule:
        _parts_as_told(made, drawn)
        _times(made, drawn)
        _rates(made, drawn)
    _sums(made, drawn)
    return made


def key_of(name: str, code: str, column: str, number: int) -> Key:
    """The count behind one cell of one node's report."""
    if column == code:
        return name, code, number
    match name:
        case "leads" | "confirmed_hits" | "hits_retracted":
            return name, pair(code, column), number
        case "queries_received":
            return "queries_asked", f"{column}>{code}", number
        case _:
            return name, f"{code}>{column}", number


def _told_of(made: Programme, drawn: Drawn, document: Document, number: int, code: str) -> None:
    for name, row in (*document.counts.items(), *document.gaps.items()):
        for column, figure in row.cells.items():
            if figure.told in (Told.RESTRICTED, Told.NO_DATA):  # of what nobody counted nothing can be told
                continue
            key = key_of(name, code, column, number)
            made.variable(key, *_ends(figure))
            if figure.told is Told.EXACT:
                made.hidden.pop(key, None)
            else:
                made.hidden[key] = drawn.true.get(key, 0)


def _ends(figure: Figure) -> tuple[float, float]:
    return (0, MOST) if figure.low is None or figure.high is None else (figure.low, figure.high)


def _definitions(made: Programme, drawn: Drawn) -> None:
    halves = range(len(drawn.halves))
    both = [pair(one, other) for one in CODES for other in CODES if one < other]
    for code in CODES:
        _never_more(made, "exhibits_searched", code, "exhibits_entered", code, halves)
        _never_more(made, "first_review", code, "exhibits_searched", code, halves)
        _within_sum(made, "answer_received", code, "queries_asked", [f"{code}>{o}" for o in CODES if o != code], halves)
        for other in CODES:
            if other != code:
                _never_more(made, "exhibits_shared", f"{code}>{other}", "exhibits_entered", code, halves)
                for at in halves:
                    reasons = {(name, f"{code}>{other}", at): 1.0 for name in GAPS}
                    made.row({**reasons, ("exhibits_entered", code, at): -1}, -MOST, 0)
                    due, own = ("feedback_due", pair(code, other), at), f"{code}>{other}"
                    given, missing = ("feedback_given", own, at), ("feedback_missing", own, at)
                    made.row({given: 1, missing: 1, due: -1}, 0, 0)
    for name in (*CODES, *both):
        _never_more(made, "confirmed_hits", name, "leads", name, halves)
    for name in both:
        _never_more(made, "feedback_due", name, "leads", name, halves)


def _never_more(made: Programme, name: str, who: str, whole: str, of: str, halves: Iterable[int]) -> None:
    for at in halves:
        terms = {(name, who, h): 1.0 for h in range(at + 1)} | {(whole, of, h): -1.0 for h in range(at + 1)}
        made.row(terms, -MOST * 10, 0)


def _within_sum(made: Programme, name: str, who: str, whole: str, of: Sequence[str], halves: Iterable[int]) -> None:
    for at in halves:
        terms = {(name, who, h): 1.0 for h in range(at + 1)}
        terms |= {(whole, key, h): -1.0 for h in range(at + 1) for key in of}
        made.row(terms, -MOST * 100, 0)


def _parts_as_told(made: Programme, drawn: Drawn) -> None:
    """A part that is told as a range is small, or is one that the rule does not tell: which those are, follows from
    what is told besides."""
    for (number, code), document in drawn.documents.items():
        for name, whole in PART_OF.items():
            for column, figure in document.counts[name].cells.items():
                if figure.told is not Told.BETWEEN:
                    continue
                _small_or_untold(
                    made,
                    key_of(name, code, column, number),
                    *_room(drawn, number, code, name, whole, column),
                    drawn.smallest,
                )
        entered = document.counts["exhibits_entered"].total
        for column in document.partners:
            left = int(entered.high or 0)
            for name in GAPS:
                figure = document.gaps[name].cells[column]
                if figure.told is Told.EXACT and (figure.low or 0) >= drawn.smallest:
                    left -= int(figure.low or 0)
                elif figure.told is Told.BETWEEN and entered.told is Told.EXACT:
                    bound = max(drawn.smallest, left - drawn.smallest + 2)
                    _either(made, (name, f"{code}>{column}", number), drawn.smallest - 1, bound, int(figure.high or 0))


def _room(drawn: Drawn, number: int, code: str, name: str, whole: str, column: str) -> tuple[int, int, bool]:
    low = high = taken = 0
    hidden = False
    for at in range(number + 1):
        cells = drawn.documents[at, code].counts[whole].cells
        told = cells[column] if column in cells else cells[code]
        low, high = low + int(told.low or 0), high + int(told.high or 0)
        if at < number:
            before = drawn.documents[at, code].counts[name].cells[column]
            taken += int(before.low or 0) if before.told is Told.EXACT else 0
            hidden = hidden or before.told is not Told.EXACT
    return low - taken, high - taken, hidden


def _small_or_untold(made: Programme, key: Key, fits: int, left: int, hidden: bool, smallest: int) -> None:
    bound = max(smallest, min(fits + 1, left - smallest + 2))
    top = left if hidden or left > fits else left - 1
    _either(made, key, smallest - 1, bound, top)


def _either(made: Programme, key: Key, small: int, bound: int, top: int) -> None:
    """At most ``small``, or from ``bound`` to ``top``."""
    if bound > top:
        made.variable(key, 0, small)
        return
    choice: Key = ("choice", f"{key[0]} {key[1]}", key[2])
    made.variable(choice, 0, 1)
    made.row({key: 1, choice: -float(top)}, -MOST, small)
    made.row({key: 1, choice: -float(bound)}, 0, MOST)
    made.variable(key, 0, max(small, top))


def _times(made: Programme, drawn: Drawn) -> None:
    smallest = drawn.smallest
    for (number, code), document in drawn.documents.items():
        for stage, base in (("first_review", "exhibits_searched"), ("answer_received", "queries_asked")):
            told, key = document.stages[stage][0].told, (stage, code, number)
            made.variable(key)
            if told is Told.EXACT:
                made.variable(key, smallest)
                continue
            if told is Told.NO_DATA:
                continue
            made.hidden[key] = drawn.true[key]
            if _would_tell(drawn, number, code, stage, base):
                made.variable(key, 0, smallest - 1)
    for period, stages in drawn.region_stages.items():
        number = next(at for at, half in enumerate(drawn.halves) if str(half) == period)
        found = next(stage for stage in stages if stage.id == "confirmation")
        if found.median.told is Told.EXACT:
            names = [*CODES, *(pair(one, other) for one in CODES for other in CODES if one < other)]
            made.row({("confirmed_hits", name, number): 1 for name in names}, smallest, MOST * 100)


def _would_tell(drawn: Drawn, number: int, code: str, stage: str, base: str) -> bool:
    """Whether all but the number of spans lets the rule tell the time: then not to tell it says that they are few."""
    rows = [drawn.documents[at, code].counts for at in range(number + 1)]
    whole = PART_OF.get(base, base)
    least = sum(int(row[base].total.low or 0) for row in rows)
    most = min(sum(int(row[name].total.high or 0) for row in rows) for name in (base, whole))
    before = [drawn.documents[at, code].stages[stage][0].told for at in range(number)]
    taken = drawn.smallest * before.count(Told.EXACT)
    rest = most - taken - drawn.smallest
    hidden = any(told is not Told.EXACT for told in before)
    return taken + drawn.smallest <= least and (rest >= drawn.smallest - 1 or (rest == 0 and not hidden))


def _rates(made: Programme, drawn: Drawn) -> None:
    """A rate to a thousandth, of at least so many given and so many missing."""
    for (number, code), document in drawn.documents.items():
        rate = document.rate.total
        if rate.told is not Told.EXACT or rate.low is None:
            continue
        given = {("feedback_given", f"{code}>{other}", number): 1.0 for other in document.partners}
        missing = {("feedback_missing", f"{code}>{other}", number): 1.0 for other in document.partners}
        made.row(given, drawn.smallest, MOST)
        made.row(missing, drawn.smallest, MOST)
        for share, low, high in ((rate.low - 0.0005, 0, MOST), (rate.low + 0.0005, -MOST, 0)):
            terms = dict.fromkeys(given, 1 - share) | dict.fromkeys(missing, -share)
            made.row(terms, low, high)


def _sums(made: Programme, drawn: Drawn) -> None:
    """Years, totals and the region: sums of what was told."""
    for (number, code), document in drawn.documents.items():
        _totals(made, document, code, [number])
    for (year, code), document in drawn.years.items():
        _totals(made, document, code, [at for at, half in enumerate(drawn.halves) if half.year == year])
    for period, rows in drawn.region.items():
        parts = [at for at, half in enumerate(drawn.halves) if period in (str(half), str(half.year))]
        for row in rows:
            if row.id not in (*FREE_COUNTS, *PART_OF, *GAPS) or row.total.told not in (Told.EXACT, Told.BETWEEN):
                continue
            told = {key: figure for key, figure in row.cells.items() if figure.told is not Told.NO_DATA}
            keys = [(_regional(row.id, key), at) for key in told for at in parts]
            terms: dict[Key, float] = {(name, who, at): 1.0 for (name, who), at in keys}
            made.row(terms, *_ends(row.total))
            for key, figure in told.items():
                name, who = _regional(row.id, key)
                made.row({(name, who, at): 1.0 for at in parts}, *_ends(figure))


def _regional(name: str, key: str) -> tuple[str, str]:
    if name == "queries_received":
        own, other = key.split(">")
        return "queries_asked", f"{other}>{own}"
    return name, key


def _totals(made: Programme, document: Document, code: str, parts: Sequence[int]) -> None:
    for name, row in (*document.counts.items(), *document.gaps.items()):
        if row.total.told not in (Told.EXACT, Told.BETWEEN):
            continue
        terms: dict[Key, float] = {}
        for column, figure in row.cells.items():
            keys = [key_of(name, code, column, at) for at in parts]
            terms |= dict.fromkeys(keys, 1.0)
            made.row(dict.fromkeys(keys, 1.0), *_ends(figure))
        made.row(terms, *_ends(row.total))
