"""Two laboratories for the stories of the five roles, Serbia's and North Macedonia's, with real scans and a line
between them. The stories are told at Serbia's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from sqlalchemy import func, select

from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.blind.visibility import pair_of
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.release_request import request_release
from exchange.flows.review.statements import speak
from exchange.flows.sync.quarantine import keep_evidence
from exchange.flows.sync.verify_lane_page import Poison
from exchange.store.access.user_rows import add_user, all_users
from exchange.store.query.queries import found_by
from exchange.store.review.candidate_rows import CandidateView, Page, StoredCandidate, open_candidates
from exchange.store.sync.peers import find_peer, quarantined, standing_alarm
from exchange.store.tables.terms_tables import ApprovalRow
from schemas import Maker
from schemas.record import ScanMediaType
from schemas.vocabulary import Jurisdiction, LawfulPurpose, Role, SignedInBy
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter
from tests.journeys.people import until
from tests.schemas.results import SCREEN

THEIRS_OF_EXAMINERS: Final = {
    "MK-2026-0501": "H",
    "MK-2026-0502": "N",
    "MK-2026-0601": "I",
    "MK-2026-0602": "O",
    "MK-2026-0801": "P",
    "MK-2026-0802": "Q",
    "MK-2026-1001": "L",
    "MK-2026-1002": "E",
}
"""Of four firearms two exhibits each: whatever the examiners of Serbia register was fired by one of these."""
JOINED: Final = {
    Jurisdiction.RS: {"RS-2026-0701": "7-1", "RS-2026-0702": "7-2"},
    Jurisdiction.MK: {"MK-2026-0711": "R", "MK-2026-0712": "S", "MK-2026-0713": "Y"},
}
"""One firearm: each of the six pairs becomes a lead that Serbia is to answer."""
AT_HOME: Final = {"RS-2026-0301": "3-2", "RS-2026-0302": "A", "RS-2026-0303": "T", "RS-2026-0304": "Z"}
"""One firearm of which North Macedonia has another exhibit: it asks for the release of all four."""
ASKED_WITH: Final = {"MK-2026-0311": "3-1"}
BASIS_OF_PROGRAM: Final = "Criminal Procedure Code, article 286"
SEEN: Final = {**SCREEN, "remark": "2 x 3"}


@dataclass(frozen=True)
class Laboratories:
    rs: RunningNode
    mk: RunningNode
    written: Collection[str]

    def data(self) -> list[str]:
        """What stands on pages and is in no language: what was written there, and by whom."""
        people = []
        for lab in (self.rs, self.mk):
            with lab.node.store.read() as session:
                people += [user.pseudonym for user in all_users(session)]
        return [*self.written, *people]


@contextmanager
def for_examiners(folder: Path, scans: Path) -> Iterator[Laboratories]:
    with _enrolled(folder) as (rs, mk):
        for case, scan in THEIRS_OF_EXAMINERS.items():
            _submit(mk, scans / f"Fadul {scan}.x3p", case, "RS")
        rs.wait_correlated(len(THEIRS_OF_EXAMINERS))
        yield Laboratories(rs, mk, _data(rs, mk, THEIRS_OF_EXAMINERS))


@contextmanager
def for_others(folder: Path, scans: Path) -> Iterator[Laboratories]:
    """With six leads to answer, four questions to decide, and somebody's searches in the log."""
    with _enrolled(folder) as (rs, mk):
        for node, other in ((rs, Jurisdiction.MK), (mk, Jurisdiction.RS)):
            for case, scan in JOINED[node.node.settings.jurisdiction].items():
                _submit(node, scans / f"Fadul {scan}.x3p", case, other)
        for case, scan in AT_HOME.items():
            _submit(rs, scans / f"Fadul {scan}.x3p", case, "MK", level="search")
        asking = [
            _submit(mk, scans / f"Fadul {scan}.x3p", case, "RS", level="search") for case, scan in ASKED_WITH.items()
        ]
        shared = sum(map(len, JOINED.values()))
        rs.wait_correlated(shared + len(AT_HOME))
        mk.wait_correlated(shared + len(ASKED_WITH))
        _ask_for_all(mk, rs, *asking)
        _send_leads(mk, rs)
        stated = {"FFP-Purpose": "investigation", "FFP-Legal-Basis": BASIS_OF_PROGRAM}
        assert rs.get("/v1/records", Role.INVESTIGATOR, headers=stated).status_code == 200
        cases = [case for held in (*JOINED.values(), AT_HOME, ASKED_WITH) for case in held]
        yield Laboratories(rs, mk, [*_data(rs, mk, cases), BASIS_OF_PROGRAM])


def set_something_aside(labs: Laboratories) -> None:
    """An item of North Macedonia's lane that Serbia did not believe, and that its operator has not seen."""
    rs, peer, content = labs.rs.node, labs.mk.node.node_id, b"no envelope"
    with rs.store.write() as session:
        place = 100_000 + quarantined(session, peer)
        digest = hashlib.sha256(content).hexdigest()
        poison = Poison(place, digest, place, content, "unreadable", "It is no envelope.", len(content), digest)
        keep_evidence(session, rs, peer, [poison])
        row = find_peer(session, peer)
        assert row is not None
        row.alarm = standing_alarm(session, peer)


@contextmanager
def _enrolled(folder: Path) -> Iterator[tuple[RunningNode, RunningNode]]:
    """No control is drawn among the blind verifications: each story knows what waits."""
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        rs, mk = (start(one, control_share=0.0) for one in (Jurisdiction.RS, Jurisdiction.MK))
        enrol_each_other(rs, mk)
        yield rs, mk


def _data(rs: RunningNode, mk: RunningNode, cases: Collection[str]) -> list[str]:
    with rs.node.store.read() as session:
        peer = find_peer(session, mk.node.node_id)
        assert peer is not None
        basis = peer.legal_basis
    forms = [*get_args(ScanMediaType), "x3p", "https://"]
    return [rs.node.node_id, mk.node.node_id, rs.url, mk.url, basis, "9 mm Luger", *forms, *cases]


def _submit(node: RunningNode, scan: Path, case: str, other: str, *, level: str = "full") -> str:
    exhibit = {"kind": "crime_scene", "calibre": "9 mm Luger"}
    sent = node.submit(scan, case_reference=case, level=level, audience=[other], exhibit=exhibit)
    assert sent.status_code == 201, sent.text
    return str(sent.json()["statement_id"])


def _send_leads(mk: RunningNode, rs: RunningNode) -> None:
    """Two examiners of North Macedonia agree on each pair; Serbia knows of all of them."""
    first, second = "examiner-lake", "examiner-ridge"
    with mk.node.store.write() as session:
        for name in (first, second):
            add_user(session, name, Role.EXAMINER)
    with mk.node.store.read() as session:
        found = [one for one in open_candidates(session, CandidateView(PIPELINES, None), Page(50)) if _is_joined(one)]
    assert len(found) == len(JOINED[Jurisdiction.RS]) * len(JOINED[Jurisdiction.MK])
    for lead in found:
        pair = pair_of(lead).model_dump(mode="json")
        conclusion = _say(mk, first, "conclusion", pair=pair, **SEEN)
        with mk.node.store.write() as session:
            (task,) = tasks_for(session, second)
            take_task(session, second, task.task_id)
        verification = _say(mk, second, "verification", verifies=conclusion, pair=pair, **SEEN)
        rests_on = {"conclusion": conclusion, "verification": verification}
        ranked = {"score": round(lead.row.score, 4), "matcher": lead.row.matcher_version}
        _say(mk, first, "hit", pair=pair, stage="lead", basis="screen", **rests_on, **ranked)
    until(lambda: len(_hits(rs)) == len(found), "the leads have arrived")


def _is_joined(found: StoredCandidate) -> bool:
    cases = {record.case_reference for record in (found.record_a, found.record_b)}
    return all(cases & {*held} for held in JOINED.values())


def _hits(node: RunningNode) -> list[Any]:
    answer = node.get("/v1/statements", Role.INVESTIGATOR, params={"kind": "hit", "limit": "200"})
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def _ask_for_all(mk: RunningNode, rs: RunningNode, record: str) -> None:
    """A query with one exhibit of North Macedonia's; then it asks for whatever that found."""
    asker = Maker(pseudonym="investigator-ash", role=Role.INVESTIGATOR, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    question = Question(record, 0, LawfulPurpose.INVESTIGATION, BASIS_OF_PROGRAM)
    (asked,) = ask(mk.node, asker, question, [rs.node.node_id])

    def handles() -> list[str]:
        with mk.node.store.read() as session:
            return [row.handle for row in found_by(session, [asked.query or ""])]

    until(lambda: len(handles()) >= len(AT_HOME), "the query has found all four")
    for handle in handles():
        request_release(mk.node, asker, handle, "12/2026")
    waiting = select(func.count()).select_from(ApprovalRow).where(ApprovalRow.decision.is_(None))

    def are_waiting() -> bool:
        with rs.node.store.read() as session:
            return (session.scalar(waiting) or 0) >= len(AT_HOME)

    until(are_waiting, "the requests have arrived")


def _say(node: RunningNode, pseudonym: str, kind: str, **fields: Any) -> str:
    maker = Maker(pseudonym=pseudonym, role=Role.EXAMINER, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    return speak(node.node, maker, json.dumps({"type": kind} | fields).encode()).statement_id
