"""Two half-years, or more, day by day: who enters what, concludes, verifies, sends, asks and decides."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import matcher
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.training import past_papers as papers
from exchange.coordination.training.past_stage import PastStage
from exchange.coordination.training.past_story import PastExhibit, PastHit, Story
from exchange.coordination.training.past_truth import Truth
from matcher.read.topography import Topography
from matcher.synthetic import breech_face
from schemas.calibre import Calibre, compatible_calibres
from schemas.vocabulary import MeetingKind

BUSY_PAIR: Final = ("MK", "RS")
"""Two neighbours with many hits."""
HOLDERS: Final = (6, 5, 4, 4, 3, 3)
"""In how many jurisdictions each firearm of a half-year was used."""
COMPARED_FIREARMS: Final = frozenset({2, 4, 5})
"""Of which firearms there are breech faces, which nodes compare; of the others ejector marks. To compare a scan takes a
second of each node that has it."""
_ODDS: Final = (("none", 35), ("lead", 30), ("confirmed", 22), ("retracted", 13))
_WORDS: Final = frozenset({"unknown", "not_examined", "other"})


class Fate(Enum):
    """What becomes of a pair of exhibits of one firearm."""

    NONE = auto()
    """Nobody looks at it."""
    LEAD = auto()
    CONFIRMED = auto()
    RETRACTED = auto()


@dataclass(frozen=True)
class PlannedPair:
    """``signed_by`` is the side that looks first; ``feedback``: which sides say what became of it; ``looked``: whether
    the other side opens it too."""

    firearm: int
    signed_by: str
    other: str
    fate: Fate
    feedback: frozenset[str]
    looked: bool
    after_h: float


@dataclass(frozen=True)
class HalfPlan:
    """``firearms``: by number, its calibre and who has an exhibit of it; ``at_home``: who has two of one firearm."""

    firearms: tuple[tuple[str, tuple[str, ...]], ...]
    pairs: tuple[PlannedPair, ...]
    at_home: str
    calibres: tuple[str, ...]
    """For exhibits beside these."""


def plan_half(number: int, codes: Sequence[str], chance: random.Random) -> HalfPlan:
    """The half-year with this number, from 0 on. No calibre of it is compared with one of another half-year."""
    each = len(HOLDERS) + CALIBRES_BESIDE
    calibres = _apart()[number * each : (number + 1) * each]
    firearms = tuple(
        (calibre, _holders(codes, count, chance)) for calibre, count in zip(calibres, HOLDERS, strict=False)
    )
    pairs = tuple(
        _pair(firearm, one, other, chance)
        for firearm, (_, holders) in enumerate(firearms)
        for one, other in combinations(holders, 2)
    )
    return HalfPlan(firearms, pairs, chance.choice(BUSY_PAIR), tuple(calibres[len(HOLDERS) :]))


CALIBRES_BESIDE: Final = 4
MOST_HALVES: Final = 4


def _holders(codes: Sequence[str], count: int, chance: random.Random) -> tuple[str, ...]:
    others = [code for code in codes if code not in BUSY_PAIR]
    return tuple(sorted([*BUSY_PAIR, *chance.sample(others, count - len(BUSY_PAIR))]))


def _pair(firearm: int, one: str, other: str, chance: random.Random) -> PlannedPair:
    first, second = chance.sample((one, other), 2)
    (word,) = chance.choices([name for name, _ in _ODDS], [odds for _, odds in _ODDS])
    fate = Fate[word.upper()]
    if {one, other} == set(BUSY_PAIR) and fate in (Fate.NONE, Fate.RETRACTED):
        fate = Fate.LEAD
    told = frozenset(code for code in (first, second) if fate in (Fate.LEAD, Fate.CONFIRMED) and chance.random() < 0.5)
    return PlannedPair(firearm, first, second, fate, told, chance.random() < 0.5, chance.choice((2, 6, 20)))


def _apart() -> list[str]:
    """Calibres of which none is compared with another one."""
    return list(_each_apart())


def _each_apart() -> Iterator[str]:
    taken: set[Calibre] = set()
    for calibre in Calibre:
        if calibre.value not in _WORDS and not compatible_calibres(calibre) & taken:
            taken.add(calibre)
            yield calibre.value


_FIREARMS: Final = 500
"""Above those that the training draws for its exhibits to come."""
_OUTCOMES: Final = ("under_investigation", "cases_joined", "suspect_found", "no_use")


@dataclass
class ToldBeside:
    """What is true beside the figures: by half-year and jurisdiction."""

    meetings: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    incidents: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    maturity: dict[str, dict[str, int]] = field(default_factory=dict)
    availability: dict[str, papers.Available] = field(default_factory=dict)


def live(stage: PastStage, halves: Sequence[Half], scans: Path, seed: int) -> dict[str, Any]:
    """Returns the truth, as it is written down."""
    truth, told = Truth(), ToldBeside()
    story, chance = Story(stage, truth), random.Random(seed)
    codes, begun = sorted(stage.nodes), stage.clock().date()
    for number, half in enumerate(halves):
        begin = datetime.fromisoformat(half.start)
        if number == 0:
            stage.clock.to(begin + timedelta(days=2, hours=8))
            papers.state_terms(story, codes)
            story.settle()
        elif number == 1:
            stage.clock.to(begin + timedelta(days=2, hours=8))
            papers.change_law(story)
            story.settle()
        lived = _HalfLived(story, half, plan_half(number, codes, chance), scans, seed, number, chance)
        lived.run()
        told.meetings[str(half)] = lived.held
        _after(story, half, codes, told, begun, chance)
    return {
        **truth.as_json(map(str, halves)),
        "meetings": told.meetings,
        "incidents": told.incidents,
        "availability": told.availability,
        "maturity": told.maturity,
    }


def _after(
    story: Story, half: Half, codes: Sequence[str], told: ToldBeside, begun: date, chance: random.Random
) -> None:
    """What is kept once a half-year is over; its report is left to the heads."""
    story.clock.to(datetime.fromisoformat(half.end) + timedelta(days=8, hours=8))
    papers.sign_way_in(story, codes, half)
    story.settle()
    story.stage.close_half()
    told.availability[str(half)] = papers.write_availability(story, codes, half, begun, chance)
    told.incidents[str(half)] = {code: papers.enter_incidents(story, code, half, chance) for code in codes}
    told.maturity[str(half)] = {code: papers.keep_maturity(story, code, half) for code in codes}


class _HalfLived:
    """One half-year."""

    def __init__(
        self, story: Story, half: Half, plan: HalfPlan, scans: Path, seed: int, number: int, chance: random.Random
    ) -> None:
        self._story, self._half, self._plan, self._chance = story, half, plan, chance
        self._scans, self._seed, self._number = scans, seed, number
        self._begin = datetime.fromisoformat(half.start)
        self._codes = sorted(story.stage.nodes)
        self._entered: dict[tuple[int, str], PastExhibit] = {}
        self._hits: list[tuple[PlannedPair, PastHit]] = []
        self._extras: dict[str, PastExhibit] = {}
        self._pieces = 0
        self.held: dict[str, dict[str, int]] = {}
        """By kind of meeting and jurisdiction, how many people were there."""

    def run(self) -> None:
        """1. Exhibits come and are compared; pairs are opened, concluded on, verified, sent.
        2. Some hits are taken back, some exhibits meet under one microscope.
        3. Questions, feedback, meetings.
        4. On the last day a hit that the other side reads in the next half-year."""
        # 1.
        firearms = range(len(self._plan.firearms))
        early, late = firearms[: len(firearms) // 2], firearms[len(firearms) // 2 :]
        self._enter(6, early, extras=True)
        self._look(9, early)
        self._enter(20, late)
        self._look(22, late)
        # 2.
        self._take_back(24)
        self._compare(26)
        # 3.
        self._ask(45)
        self._tell(55)
        self._meet(60)
        # 4.
        self._at_the_end()

    def _on(self, day: float) -> None:
        self._story.clock.to(self._begin + timedelta(days=day, hours=8))

    def _enter(self, day: int, firearms: range, *, extras: bool = False) -> None:
        story, plan = self._story, self._plan
        self._on(day)
        for firearm in firearms:
            calibre, holders = plan.firearms[firearm]
            for code in holders:
                others = [other for other in holders if other != code]
                scan, compared = self._scan(firearm, code), firearm in COMPARED_FIREARMS
                self._entered[firearm, code] = story.enter(code, scan, calibre, others, compared=compared)
        if extras:
            self._enter_extras()
        story.clock.on(hours=self._chance.choice((1, 3, 9)))
        story.settle()

    def _enter_extras(self) -> None:
        """A second exhibit of one firearm at home; seized ones that the policy keeps; one that is entered in error."""
        story, calibres = self._story, self._plan.calibres
        calibre, holders = self._plan.firearms[0]
        home = self._plan.at_home
        others = [code for code in holders if code != home]
        scan = self._scan(0, "home")
        self._extras["at home"] = story.enter(home, scan, calibre, others, compared=False)
        seized = {
            "approved": ("RS", {"MK": "needs_approval", "AL": "no_line"}),
            "refused": ("MK", {"RS": "needs_approval"}),
            "waiting": ("MK", {"RS": "needs_approval"}),
            "blocked": ("XK", {"AL": "blocked"}),
        }
        for number, (name, (code, keeps)) in enumerate(seized.items()):
            scan = self._scan(len(self._plan.firearms) + number, code)
            entered = story.enter(code, scan, calibres[number], list(keeps), kind="seized", keeps=keeps, compared=False)
            self._extras[name] = entered
        scan = self._scan(1, "error")
        self._extras["in error"] = story.enter("ME", scan, calibres[0], [], compared=False)

    def _look(self, day: int, firearms: range) -> None:
        """Pairs are opened and sent as leads. One conclusion is verified by nobody."""
        story, home = self._story, self._plan.at_home
        self._on(day)
        looked = [pair for pair in self._plan.pairs if pair.firearm in firearms and pair.fate is not Fate.NONE]
        sides = [tuple(self._entered[pair.firearm, code] for code in (pair.signed_by, pair.other)) for pair in looked]
        for pair, (one, other) in zip(looked, sides, strict=True):
            if pair.firearm in COMPARED_FIREARMS:
                story.open_pair(pair.signed_by, one, other)
        found: list[list[PastHit]] = [[] for _ in looked]
        leads = [
            story.lead(one, other, after_h=pair.after_h, hits=hits)
            for pair, (one, other), hits in zip(looked, sides, found, strict=True)
        ]
        if 0 in firearms:
            leads.append(story.lead(self._entered[0, home], self._extras["at home"], after_h=3))
            spare = self._spare()
            if spare is not None:
                story.leave_unverified(*spare)
        story.together(leads)
        story.settle()
        self._hits += [(pair, hit) for pair, hits in zip(looked, found, strict=True) for hit in hits]
        for pair, (one, other) in zip(looked, sides, strict=True):
            if pair.firearm in COMPARED_FIREARMS and pair.looked:
                story.open_pair(pair.other, other, one)

    def _spare(self, *, last: bool = False) -> tuple[PastExhibit, PastExhibit] | None:
        """A pair of the first firearm that nobody looks at: the first of them, or the last."""
        spare = [pair for pair in self._plan.pairs if pair.firearm == 0 and pair.fate is Fate.NONE]
        if len(spare) < 1 + last:
            return None
        pair = spare[-1 if last else 0]
        return self._entered[0, pair.signed_by], self._entered[0, pair.other]

    def _take_back(self, day: int) -> None:
        story = self._story
        self._on(day)
        for pair, hit in self._hits:
            if pair.fate is Fate.RETRACTED:
                story.retract(hit)
        story.decide(self._extras["approved"], "MK", approved=True)
        story.decide(self._extras["refused"], "RS", approved=False)
        story.withdraw(self._extras["in error"])
        story.settle()

    def _compare(self, day: int) -> None:
        """Exhibits meet: asked, agreed, sent, received, compared, returned, received."""
        story = self._story
        confirmed = [(pair, hit) for pair, hit in self._hits if pair.fate is Fate.CONFIRMED]
        hits = [hit for _, hit in confirmed]
        self._on(day)
        for hit in hits:
            story.ask_comparison(hit)
        story.settle()
        self._on(day + 3)
        for hit in hits:
            story.agree(hit, self._begin + timedelta(days=day + 8))
        story.settle()
        for later, step, side in ((5, "sent", 0), (7, "received", 1)):
            self._on(day + later)
            self._move(hits, step, side)
        self._on(day + 9)
        story.together(story.confirm(hit, after_h=pair.after_h) for pair, hit in confirmed)
        story.settle()
        for later, step, side in ((12, "returned", 1), (15, "received", 0)):
            self._on(day + later)
            self._move(hits, step, side)

    def _move(self, hits: Sequence[PastHit], step: str, side: int) -> None:
        for hit in hits:
            self._story.move(hit, step, hit.codes[side])
        self._story.settle()

    def _ask(self, day: int) -> None:
        story = self._story
        self._on(day)
        for firearm in sorted(COMPARED_FIREARMS):
            _, holders = self._plan.firearms[firearm]
            story.ask(self._entered[firearm, "RS"], "MK")
            asker = self._chance.choice([code for code in holders if code != "RS"])
            for asked in [code for code in holders if code != asker][:2]:
                story.ask(self._entered[firearm, asker], asked)
        story.settle()
        story.clock.on(hours=self._chance.choice((4, 16, 30)))
        story.settle(answers=True)

    def _tell(self, day: int) -> None:
        story = self._story
        self._on(day)
        for pair, hit in self._hits:
            for code in sorted(pair.feedback):
                story.feedback(hit, code, self._chance.choice(_OUTCOMES))
        story.settle()

    def _meet(self, day: int) -> None:
        story = self._story
        self._on(day)
        self.held["local"] = papers.hold_meeting(story, self._codes, MeetingKind.LOCAL, self._chance)
        self._on(day + 20)
        self.held["regional"] = papers.hold_meeting(story, self._codes, MeetingKind.REGIONAL, self._chance)
        self.held["training"] = papers.hold_meeting(story, ["RS"], MeetingKind.TRAINING, self._chance)
        papers.agree_on_actions(story, self._codes)
        story.settle()

    def _at_the_end(self) -> None:
        spare = self._spare(last=True)
        if spare is None:
            return
        one, other = spare
        self._story.clock.to(datetime.fromisoformat(self._half.end) - timedelta(hours=20))
        self._story.together([self._story.lead(one, other, after_h=2)])

    def _scan(self, firearm: int, shot: str) -> Path:
        """A drawn breech face, or, of what is not compared, a piece of one that stands for an ejector mark."""
        path = self._scans / f"past {self._half} {firearm + 1}-{shot}.x3p"
        seed = self._seed * 1000 + _FIREARMS + 20 * self._number
        if firearm in COMPARED_FIREARMS:
            drawn = breech_face.draw(firearm_seed=seed + firearm, shot_seed=sum(shot.encode()))
        else:
            self._pieces += 1
            drawn = _piece_of(seed, column=2 * self._pieces)
        matcher.write_topography(drawn, path, instrument="synthetic")
        return path


def _piece_of(seed: int, *, column: int) -> Topography:
    """Three quarters of a millimetre of a face, from this column on: no two of a half-year alike."""
    whole = _face(seed)
    heights = whole.heights_um[60:180, 170 + column : 290 + column].copy()
    heights.flags.writeable = False
    return replace(whole, heights_um=heights)


@lru_cache(maxsize=16)
def _face(seed: int) -> Topography:
    return breech_face.draw(firearm_seed=seed, shot_seed=0)
