"""The world that fifty people look at: references, candidates, hits, scans that wait, and who is signed in."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from exchange.clock import stamp
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.blind.visibility import pair_of
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.review.statements import speak
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.store.access.sign_in_rows import begin_session, state_purpose
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import acquisitions_with_records
from exchange.store.review.candidate_rows import CandidateView, Page, open_candidates
from exchange.store.tables.record_tables import CandidateRow, RecordRow
from exchange.store.tables.review_tables import OpenedListRow
from schemas import Maker
from schemas.vocabulary import Jurisdiction, LawfulPurpose, Role, SignedInBy
from tests.load.archive import FACES, Archive, drawn
from tests.schemas.results import SCREEN

PEOPLE = {Role.EXAMINER: 30, Role.INVESTIGATOR: 15, Role.HEAD: 5}
SHOTS = 24
"""Scans of firearms that no reference is of, each under several names: those that wait to be correlated."""
CORRELATED = 4
"""Own scans whose correlation is done for real while the world is made; the other pairs take theirs over."""
ON_A_LIST = 40
IN_THE_GALLERY_FIRST = 2_000


@dataclass(frozen=True)
class Size:
    """``waiting``: scans that are to be correlated while people browse; ``hits``: pairs that are held for a lead."""

    references: int
    own: int
    waiting: int
    hits: int


SMALL = Size(references=10_000, own=200, waiting=150, hits=10)
FULL = Size(references=100_000, own=2_000, waiting=1_200, hits=40)


@dataclass(frozen=True)
class Person:
    pseudonym: str
    role: str
    cookie: str


@dataclass(frozen=True)
class World:
    """What there is to look at. ``pairs``: by id, with the record from whose list each is opened, and its scan."""

    people: tuple[Person, ...]
    records: tuple[str, ...]
    own: tuple[str, ...]
    pairs: tuple[tuple[int, str, str], ...]
    hits: tuple[str, ...]


def make(folder: Path, size: Size, port: int, database_url: str | None = None) -> World:
    """Make the node in ``folder / "rs"``; two peers' nodes beside it sign their records, and are not served."""
    homes = {code: folder / code.lower() for code in ("RS", "MK", "XK")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FFP_NODE_CONTROL_SHARE", "0")  # only what is to be verified here
        for code, home in homes.items():
            at = port if code == "RS" else 9
            address = database_url if code == "RS" else None
            url = f"http://127.0.0.1:{at}"
            create_node(home, jurisdiction=Jurisdiction(code), url=url, port=at, database_url=address)
        with opened(homes["RS"]) as rs, opened(homes["MK"]) as mk, opened(homes["XK"]) as xk:
            return _fill(rs, (mk, xk), size, folder / "scans")


def _fill(rs: Node, peers: Sequence[Node], size: Size, scans: Path) -> World:
    people = _people(rs)
    examiners = [person.pseudonym for person in people if person.role == Role.EXAMINER]
    archive = Archive(rs, peers, examiners)
    faces = [drawn(scans, firearm) for firearm in range(FACES)]
    shots = [drawn(scans, FACES + firearm, 1) for firearm in range(SHOTS)]

    # some real correlations, as long as there is little to compare with
    few = archive.add_peers(IN_THE_GALLERY_FIRST, faces)
    archive.fill_galleries(few, faces)
    for acquisition in archive.add_own(CORRELATED, shots, waiting=True):
        correlate_acquisition(rs, acquisition)
    own = archive.add_own(size.own, shots)
    theirs = archive.add_peers(size.references - len(few) - len(own), faces)
    archive.fill_galleries([*own, *theirs], faces)
    _more_candidates(rs, own, [*few, *theirs])
    hits = _leads(rs, people, size.hits)
    archive.add_own(size.waiting, shots, waiting=True)
    archive.as_after_a_night()
    return _looked_at(rs, people, hits)


def _people(node: Node) -> tuple[Person, ...]:
    people = []
    with node.store.write() as session:
        for role, count in PEOPLE.items():
            for number in range(1, count + 1):
                name = f"reading-{role}-{number}"  # the process that serves adds users of its own
                add_user(session, name, role)
                cookie = begin_session(session, name, SignedInBy.PASSWORD_AND_TOTP, most_s=10 * 24 * 3600)
                state_purpose(session, cookie, LawfulPurpose.INVESTIGATION, "Test law, article 1")
                people.append(Person(name, role.value, cookie))
    return tuple(people)


def _more_candidates(node: Node, own: Sequence[int], others: Sequence[int]) -> None:
    """A list for each own scan, with the real comparisons of other pairs: their scores, cells and explanations."""
    dice = random.Random(4)
    with node.store.read() as session:
        known = session.scalars(select(CandidateRow)).all()
    for start in range(0, len(own), 100):
        with node.store.write() as session:
            mine = acquisitions_with_records(session, own[start : start + 100])
            rows: list[dict[str, Any]] = []
            for scan, record in mine.values():
                drawn_ids = dice.sample(others, ON_A_LIST)
                for other, (reference, theirs) in acquisitions_with_records(session, drawn_ids).items():
                    like = dice.choice(known)
                    rows.append(
                        {
                            "pair": "-".join(map(str, sorted((scan.acquisition_id, other)))),
                            "acquisition_a": scan.acquisition_id,
                            "acquisition_b": reference.acquisition_id,
                            "statement_a": record.statement_id,
                            "statement_b": theirs.statement_id,
                            "cross_border": True,
                            "same_case": False,
                            "score": like.score + dice.uniform(-0.05, 0.05),
                            "congruent_cells": like.congruent_cells,
                            "cells": like.cells,
                            "rotation_deg": like.rotation_deg,
                            "matcher_version": like.matcher_version,
                            "comparison": like.comparison,
                            "parameters": like.parameters,
                            "created_at": stamp(),
                        }
                    )
            session.execute(insert(CandidateRow), rows)


def _leads(node: Node, people: Sequence[Person], count: int) -> tuple[str, ...]:
    """Pairs that two examiners hold for a lead."""
    first, second, *_ = (person.pseudonym for person in people if person.role == Role.EXAMINER)
    with node.store.read() as session:
        found = open_candidates(session, CandidateView(PIPELINES, None), Page(count))
    on_screen = {
        **SCREEN,
        "remark": "Striae agree from hour two to five.",
    }
    hits = []
    for lead in found:
        pair = pair_of(lead).model_dump(mode="json")
        conclusion = _say(node, first, "conclusion", pair=pair, **on_screen)
        with node.store.write() as session:
            task = tasks_for(session, second)[0]
            take_task(session, second, task.task_id)
        verification = _say(
            node, second, "verification", verifies=conclusion, pair=task.pair.model_dump(mode="json"), **on_screen
        )
        rests_on = {"conclusion": conclusion, "verification": verification}
        score, version = round(lead.row.score, 4), lead.row.matcher_version
        hits.append(
            _say(node, first, "hit", pair=pair, stage="lead", basis="screen", score=score, matcher=version, **rests_on)
        )
    return tuple(hits)


def _say(node: Node, pseudonym: str, kind: str, **fields: Any) -> str:
    maker = Maker(pseudonym=pseudonym, role=Role.EXAMINER, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    return speak(node, maker, json.dumps({"type": kind} | fields).encode()).statement_id


def _looked_at(node: Node, people: tuple[Person, ...], hits: tuple[str, ...]) -> World:
    with node.store.read() as session:
        newest = session.scalars(select(RecordRow.statement_id).order_by(RecordRow.sequence.desc()).limit(3000)).all()
        best = open_candidates(session, CandidateView(PIPELINES, None), Page(2_000))
    pairs = tuple((item.row.candidate_id, item.row.statement_a, item.acquisition_b.sha256) for item in best)
    own = tuple({item.row.statement_a: None for item in best})
    with node.store.write() as session:  # so that each visit draws a scored list
        opened = session.scalars(select(RecordRow.exhibit).where(RecordRow.statement_id.in_(own)).distinct()).all()
        who = [person.pseudonym for person in people if person.role == Role.EXAMINER]
        rows = [{"pseudonym": name, "exhibit": one, "opened_at": stamp()} for name in who for one in opened]
        session.execute(insert(OpenedListRow), rows)
    return World(people, tuple(newest), own, pairs, hits)


def kept(world: World, file: Path) -> None:
    file.write_text(json.dumps(asdict(world)), encoding="utf-8")


def known(file: Path) -> World:
    """A world that was made before."""
    fields = json.loads(file.read_text(encoding="utf-8"))
    people = tuple(Person(**person) for person in fields.pop("people"))
    pairs = tuple((int(pair), record, scan) for pair, record, scan in fields.pop("pairs"))
    return World(people=people, pairs=pairs, **{name: tuple(values) for name, values in fields.items()})


def forget(folder: Path) -> None:
    """The galleries take gigabytes."""
    shutil.rmtree(folder, ignore_errors=True)
