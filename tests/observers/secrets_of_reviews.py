"""Two secrets of reviews: what a colleague concluded, and whether a colleague concluded anything at all.

Both leave two pairs with the examiner who is observed, one that a colleague holds for a lead and one that nobody does.
The two have the same history otherwise: a hit of the other side's, and a message about a record of each.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from exchange.flows.blind import pair_of
from exchange.flows.pipelines import PIPELINES
from exchange.flows.speak import speak
from exchange.store.candidates import StoredCandidate, View, candidate_of
from exchange.store.records import acquisitions_of
from exchange.store.review_tables import VerificationTaskRow
from exchange.store.reviews import open_tasks, scans_of
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.network import MK
from tests.observers.trial import Secret
from tests.observers.world import COLLEAGUE, INVESTIGATOR, THIRD, World, drawn

OTHER_SIDE = tuple(Maker(pseudonym=f"examiner-{n}", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN) for n in (7, 8))


class OfReview(Secret):
    """``lead`` and ``control`` are the two pairs; ``sibling`` is another scan of the first exhibit."""

    name: ClassVar[str]

    def build(self, world: World, value: int) -> list[str]:
        double = world.submit(
            drawn(1, 7), drawn(1, 8), case_reference="RS-2026-double", level="full", audience=["MK", "XK"]
        )
        world.work()
        first, second = _scans(world, double)
        other = _scans(world, world.records["1-2"])[0]
        self.lead, self.sibling = _candidate(world, first, other), _candidate(world, second, other)
        apart = _scans(world, world.records["2-1"])[0], _scans(world, world.records["3-2"])[0]
        self.control = _candidate(world, *apart)
        for record, pair in ((double, self.lead), (world.records["2-1"], self.control)):
            _hit_of_other_side(world, pair)
            fields = {"to": MK, "about": record, "text": "Which laboratory holds it?", "reference": None}
            say(world, INVESTIGATOR, "message", **fields)
        world.work()
        ids = self.conclude(world, value)
        self._name_tasks(world)
        world.work()
        return ids

    def conclude(self, world: World, value: int) -> list[str]:
        raise NotImplementedError

    def _name_tasks(self, world: World) -> None:
        """A task has the same random id in both worlds whichever of the two it is."""
        with world.write() as session:
            for task in open_tasks(session):
                name = hashlib.sha256(f"{self.seed} {task.scan_low} {task.scan_high}".encode()).hexdigest()[:32]
                session.query(VerificationTaskRow).filter_by(task_id=task.task_id).update({"task_id": name})


class Conclusion(OfReview):
    """What a colleague holds of a pair, also by what was verified of another scan of the same exhibit."""

    name = "a colleague's conclusion"

    def conclude(self, world: World, value: int) -> list[str]:
        chance = random.Random(f"{self.name}/{self.seed}")
        said = ("identification", "inconclusive_b")[value]
        remarks = ["Parallel striae agree." * chance.randint(1, 9) for _ in range(2)]
        fields = {"conclusion": said, "basis": "screen", "remark": remarks[value]}
        if chance.random() < 0.7:
            sibling = {"pair": pair_of(self.sibling).model_dump(mode="json"), **fields}
            first = say(world, COLLEAGUE, "conclusion", **sibling)
            say(world, THIRD, "verification", verifies=first, **sibling)
        with drawing(self.control):
            return [say(world, COLLEAGUE, "conclusion", pair=pair_of(self.lead).model_dump(mode="json"), **fields)]


class Control(OfReview):
    """Which of two pairs a colleague concluded on, and which nobody holds for a lead."""

    name = "which pair is the control"

    def conclude(self, world: World, value: int) -> list[str]:
        real, control = (self.lead, self.control) if value == 0 else (self.control, self.lead)
        fields = {"conclusion": "inconclusive_a", "basis": "screen", "remark": "Some agreement."}
        with drawing(control):
            return [say(world, COLLEAGUE, "conclusion", pair=pair_of(real).model_dump(mode="json"), **fields)]


def drawing(control: StoredCandidate) -> Any:
    """While the block runs, this pair is drawn as the one that nobody holds for a lead."""
    patched = pytest.MonkeyPatch()
    patched.setattr("exchange.flows.blind.unsent_candidates", lambda *_, **__: [control])
    return _Undone(patched)


class _Undone:
    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._patched.undo()


def say(world: World, pseudonym: str, kind: str, **fields: Any) -> str:
    """What a person of Serbia's says; returns its id."""
    found: str = world.rest("POST", "/v1/statements", pseudonym, json={"type": kind, **fields}).json()["statement_id"]
    return found


def _hit_of_other_side(world: World, pair: StoredCandidate) -> None:
    """North Macedonia holds the pair for a lead, and says so."""
    drawn_up = {"pair": pair_of(pair).model_dump(mode="json"), "conclusion": "inconclusive_a", "basis": "screen"}
    first, second = OTHER_SIDE
    concluded = _other_side_says(world, first, "conclusion", **drawn_up)
    verified = _other_side_says(world, second, "verification", verifies=concluded, **drawn_up)
    rests_on = {"conclusion": concluded, "verification": verified}
    del drawn_up["conclusion"]
    _other_side_says(world, first, "hit", stage="lead", score=1.2, matcher="3", **drawn_up, **rests_on)


def _other_side_says(world: World, who: Maker, kind: str, **fields: Any) -> str:
    world.steps.step()
    return speak(world.mk, who, json.dumps({"type": kind, **fields}).encode()).statement_id


def _scans(world: World, record: str) -> Sequence[str]:
    with world.rs.store.read() as session:
        return [row.sha256 for row in acquisitions_of(session, record)]


def _candidate(world: World, one: str, other: str) -> StoredCandidate:
    with world.rs.store.read() as session:
        found = candidate_of(session, scans_of(one, other), View(PIPELINES, None))
    assert found is not None, "the two were not compared"
    return found
