"""Three secrets of reviews: what a colleague concluded, whether a colleague concluded anything at all, and what the
matcher scored.

The first two leave two pairs with the examiner who is observed, who opened all lists: one that a colleague holds for a
lead, and the other side too, and one that nobody does. With the third the examiner opened none.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import delete, update

from exchange.flows.blind import send
from exchange.flows.blind.visibility import pair_of
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.review.statements import speak
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.review.candidate_rows import CandidateView, StoredCandidate, candidate_of
from exchange.store.review.review_rows import open_tasks, scans_of
from exchange.store.tables.record_tables import CandidateRow
from exchange.store.tables.review_tables import OpenedListRow, VerificationTaskRow
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.flows.network import MK, RS, XK
from tests.observers.trial import Secret
from tests.observers.world import COLLEAGUE, EXAMINER, INVESTIGATOR, THIRD, Base, World, drawn
from tests.schemas.results import INCONCLUSIVE

MOST_MESSAGES = 1
OTHER_SIDE = tuple(Maker(pseudonym=f"examiner-{n}", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN) for n in (7, 8))


class OfReview(Secret):
    """``lead`` and ``control`` are the two pairs; ``sibling`` is another scan of the first exhibit."""

    name: ClassVar[str]

    def build(self, world: World, value: int) -> list[str]:
        self.lead, self.sibling, self.control = pairs_of(world)
        ids = self.conclude(world, value)
        self._name_tasks(world)
        world.work(((MK, RS), (RS, MK)))
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
        held = ("possible_association", "inconclusive")[value]
        remarks = ["Parallel striae agree." * chance.randint(1, 9) for _ in range(2)]
        fields = {"result": {"basis": "screen", "conclusion": held}, "remark": remarks[value]}
        sibling = {"pair": pair_of(self.sibling).model_dump(mode="json"), **fields}
        first = say(world, COLLEAGUE, "conclusion", **sibling)
        say(world, THIRD, "verification", verifies=first, **sibling)
        _hit_of_other_side(world, self.lead)
        world.work(((RS, MK),))
        said = say(world, COLLEAGUE, "conclusion", pair=pair_of(self.lead).model_dump(mode="json"), **fields)
        send_control(world, self.control)
        return [said]


class Control(OfReview):
    """Which of two pairs a colleague concluded on, and which nobody holds for a lead; and whether the other side wrote
    of the first."""

    name = "which pair is the control"

    def conclude(self, world: World, value: int) -> list[str]:
        real, control = (self.lead, self.control) if value == 0 else (self.control, self.lead)
        fields = {**INCONCLUSIVE, "remark": "Some agreement."}
        _hit_of_other_side(world, real, messages=value)
        world.work(((RS, MK),))
        world.rest("GET", f"/v1/candidates/{real.row.candidate_id}", COLLEAGUE)  # its cells are known from now on
        if value == 1:  # the first pair is asked for first in both worlds, at the same time
            send_control(world, control)
        said = say(world, COLLEAGUE, "conclusion", pair=pair_of(real).model_dump(mode="json"), **fields)
        if value == 0:
            send_control(world, control)
        return [said]


class Scores(OfReview):
    """What the matcher scored, of all pairs; a colleague concluded on one of them, as the colleague does either way."""

    name = "what the matcher scored"

    def conclude(self, world: World, value: int) -> list[str]:
        with world.write() as session:
            session.execute(delete(OpenedListRow).where(OpenedListRow.pseudonym == EXAMINER))
            if value == 1:
                session.execute(update(CandidateRow).values(score=1 - CandidateRow.score))
        return [say(world, COLLEAGUE, "conclusion", pair=pair_of(self.lead).model_dump(mode="json"), **INCONCLUSIVE)]


def send_control(world: World, control: StoredCandidate) -> None:
    """This pair is drawn as the one that nobody holds for a lead."""
    world.steps.step()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(send, "_draw_control", lambda *_: control.row.candidate_id)
        send.draw_control(world.rs, 2**127)


def prepared(base: Base, folder: Path) -> Base:
    """The base with two pairs that may be concluded on, and a message about a record of each. Who is observed opened
    every list."""
    with base.opened(folder, "reviews") as world, world.running():
        scans = drawn(1, 7), drawn(1, 8)
        double = world.submit(*scans, case_reference="RS-2026-double", level="full", audience=["MK", "XK"])
        world.records["double"] = double
        for _ in range(2):  # a record is pulled once its owner's head is cosigned
            world.work()
        for pair in pairs_of(world):
            about = pair_of(pair).a.record
            say(world, INVESTIGATOR, "message", to=MK, about=about, text="Which laboratory holds it?", reference=None)
        open_all_lists(world.rs, EXAMINER)
        return replace(base, folder=folder, network=world.network, moment=world.steps.time(), records=world.records)


def pairs_of(world: World) -> tuple[StoredCandidate, StoredCandidate, StoredCandidate]:
    """A pair that resembles, another scan of its first exhibit with the same second, and a pair that does not."""
    first, second = _scans(world, world.records["double"])
    other = _scans(world, world.records["1-2"])[0]
    apart = _scans(world, world.records["2-1"])[0], _scans(world, world.records["3-2"])[0]
    return _candidate(world, first, other), _candidate(world, second, other), _candidate(world, *apart)


def say(world: World, pseudonym: str, kind: str, **fields: Any) -> str:
    """What a person of Serbia's says; returns its id."""
    found: str = world.rest("POST", "/v1/statements", pseudonym, json={"type": kind, **fields}).json()["statement_id"]
    return found


def _hit_of_other_side(world: World, pair: StoredCandidate, *, messages: int = 0) -> None:
    """North Macedonia holds the pair for a lead, publishes the hit, and then writes messages about the hit. The other
    messages go to Kosovo*: a bundle shows the size of the log, which tells an examiner nothing about a pair."""
    pair_fields = {"pair": pair_of(pair).model_dump(mode="json")}
    first, second = OTHER_SIDE
    concluded = _other_side_says(world, first, "conclusion", **pair_fields, **INCONCLUSIVE)
    verified = _other_side_says(world, second, "verification", verifies=concluded, **pair_fields, **INCONCLUSIVE)
    lead = {"stage": "lead", "basis": "screen", "conclusion": concluded, "verification": verified}
    hit = _other_side_says(world, first, "hit", score=1.2, matcher="3", **pair_fields, **lead)
    for number in range(MOST_MESSAGES):
        to, about = (RS, hit) if number < messages else (XK, None)
        fields = {"to": to, "about": about, "text": "May we compare the exhibits?", "reference": None}
        _other_side_says(world, first, "message", **fields)


def _other_side_says(world: World, who: Maker, kind: str, **fields: Any) -> str:
    world.steps.step()
    return speak(world.mk, who, json.dumps({"type": kind, **fields}).encode()).statement_id


def _scans(world: World, record: str) -> Sequence[str]:
    with world.rs.store.read() as session:
        return [row.sha256 for row in acquisitions_of(session, record)]


def _candidate(world: World, one: str, other: str) -> StoredCandidate:
    with world.rs.store.read() as session:
        found = candidate_of(session, scans_of(one, other), CandidateView(PIPELINES, None))
    assert found is not None, "the two were not compared"
    return found
