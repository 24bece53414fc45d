"""A small world to look at: three nodes with real scans, and the work of some weeks between them. All of it made up but
the scans."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from exchange.clock import DAY_S, day_after, stamp_in, today
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.blind.visibility import pair_of
from exchange.flows.entry import draft_scans, drafts
from exchange.flows.entry.draft_changes import changes_of_form
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.release_request import request_release
from exchange.flows.review.statements import speak
from exchange.record_filter import RecordFilter
from exchange.store.access.user_rows import add_user
from exchange.store.entry.search import search_records
from exchange.store.query.queries import found_by
from exchange.store.review.candidate_rows import CandidateView, Page, open_candidates
from exchange.store.review.review_rows import find_task
from exchange.store.tables.terms_tables import ApprovalRow
from schemas import Maker
from schemas.vocabulary import Jurisdiction, LawfulPurpose, Role, SignedInBy
from tests.exchange import extended
from tests.exchange.flows.kept_checks import keep_check
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter

PASSWORD = "correct horse battery staple"
EXHIBITS = {
    "RS": (("1-1", "RS-2026-0815"), ("2-1", "RS-2026-0815"), ("5-1", "RS-2026-0901"), ("8-1", "RS-2026-0907")),
    "MK": (("1-2", "MK-2026-0044"), ("3-1", "MK-2026-0051"), ("8-2", "MK-2026-0062")),
    "XK": (("5-2", "XK-2026-0007"), ("4-1", "XK-2026-0012")),
}
AT_HOME = {
    "RS": (("9-1", "RS-2026-0912"), ("10-2", "RS-2026-0913")),
    "MK": (("9-2", "MK-2026-0066"),),
    "XK": (("10-1", "XK-2026-0013"),),
}
"""What the others may search and not have: North Macedonia asks Serbia about the one firearm, and Serbia asks Kosovo*
about the other."""
DRAFT = {
    "exhibit.kind": "crime_scene",
    "exhibit.calibre": "9 mm Luger",
    "exhibit.offence": "homicide",
    "exhibit.occurred.earliest": "2026-11-20",
    "exhibit.occurred.latest": "2026-11-21",
    "exhibit.occurred.precision": "day",
    "exhibit.classes.firing_pin_class": "hemispherical",
    "exhibit.classes.breech_face.parallel": "yes",
    "exhibit.headstamp": "synthetic 9x19",
    "level": "full",
    "audience.MK": "yes",
    "audience.XK": "yes",
}
ANSWERED_S = 60
CLASSES = {"firing_pin_class": "hemispherical", "firing_pin_aperture": "circular", "breech_face": ["parallel"]}


@dataclass
class World:
    """``pair`` is one that nobody has concluded on; ``hit`` a lead between Serbia and North Macedonia; ``task`` what
    waits for Serbia's second examiner, who has taken it; ``draft`` an exhibit that the first is entering; ``check`` the
    last one of Serbia's instrument."""

    rs: RunningNode
    mk: RunningNode
    xk: RunningNode
    first: str
    second: str
    investigator: str
    pair: int
    concluded: int
    hit: str
    task: str
    record: str
    draft: str
    case: str
    check: int


@contextmanager
def made(folder: Path, scans: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        rs, mk, xk = (start(Jurisdiction(code), control_share=0) for code in EXHIBITS)
        for one, other in ((rs, mk), (rs, xk), (mk, xk)):
            enrol_each_other(one, other)
        first = _user(rs, "examiner-dragon", Role.EXAMINER)
        for node, (code, exhibits) in zip((rs, mk, xk), EXHIBITS.items(), strict=True):
            for number, (name, case) in enumerate(exhibits):
                _submit(node, scans / f"Fadul {name}.x3p", case, sorted(set(EXHIBITS) - {code}), number)
            for name, case in AT_HOME[code]:
                _submit(node, scans / f"Fadul {name}.x3p", case, sorted(set(EXHIBITS) - {code}), 0, level="search")
        for node, code in zip((rs, mk, xk), EXHIBITS, strict=True):
            node.wait_correlated(sum(map(len, EXHIBITS.values())) + len(AT_HOME[code]))
        _ask(mk, rs, "MK-2026-0066")
        _ask(rs, xk, "RS-2026-0913")
        for extension in extended.modules("browser.world"):
            extension.publish_laws(rs, mk)
        draft = _begun(rs, first, scans)
        yield _work(rs, mk, xk, first, draft)


def pages_of(world: World) -> dict[Role, list[tuple[str, str]]]:
    """By role, each page of Serbia's node with a name for its picture."""
    first, second = two_scans_of(world)
    everybody = [
        ("home", "/app/"),
        ("tour", "/app/?tour=1"),
        ("guide", "/app/guide"),
        ("tokens", "/app/tokens"),
        ("actions", "/app/actions"),
        ("meetings", "/app/meetings"),
        ("exercises", "/app/exercises"),
    ]
    readers = [
        ("candidates", "/app/candidates"),
        ("candidates-of-a-record", f"/app/records/{world.record}/candidates"),
        ("search", "/app/search?calibre=9x19&kind=crime_scene"),
        ("search-empty", "/app/search?calibre=.45+ACP&municipality=%C4%8Ca%C4%8Dak&ejector_hour=3"),
        ("record", f"/app/records/{world.record}"),
        ("compare-choose", f"/app/compare?a={first}"),
        ("compare", f"/app/compare?a={first}&b={second}"),
        ("queries", "/app/queries"),
        ("case", f"/app/cases/RS/{world.case}"),
        ("hits", "/app/hits"),
        ("hit", f"/app/hits/{world.hit}"),
        ("alerts", "/app/alerts"),
    ]
    examiner = [
        ("register", "/app/register"),
        ("instruments", "/app/instruments"),
        ("instrument", f"/app/instruments/{world.check}"),
        ("instrument-check", "/app/instruments/check?specimen=SRM+2461-7&roi=breech_face"),
        ("draft", f"/app/register/{world.draft}"),
        ("summary", f"/app/register/{world.draft}/summary"),
        ("comparison", f"/app/pairs/{world.pair}"),
        ("review", f"/app/pairs/{world.concluded}"),
        ("verifications", "/app/verifications"),
        ("error", "/app/pairs/999999"),
    ]
    pages = {
        Role.EXAMINER: everybody + examiner + readers,
        Role.INVESTIGATOR: everybody + readers,
        Role.OPERATOR: [*everybody, ("peers", "/app/peers"), ("instruments", "/app/instruments")],
        Role.HEAD: [*everybody, ("approvals", "/app/approvals"), ("alerts", "/app/alerts"), ("audit", "/app/audit")],
        Role.AUDITOR: [*everybody, ("audit", "/app/audit")],
    }
    for extension in extended.modules("browser.world"):
        for role, further in extension.pages().items():
            pages[role] += further
    return pages


def two_scans_of(world: World) -> tuple[str, str]:
    """Return the digests of a scan of Serbia's newest record and of another node's newest one."""
    items = world.rs.get("/v1/records").json()["items"]
    records = [next(item for item in items if (item["issuer"] == "ffp-rs") is own) for own in (True, False)]
    first, second = (world.rs.get(f"/v1/records/{record['statement_id']}").json() for record in records)
    return first["acquisitions"][0]["sha256"], second["acquisitions"][0]["sha256"]


def _checked(node: RunningNode) -> int:
    """An instrument that was checked once a week, and whose heights begin to rise."""
    with node.node.store.write() as session:
        row = keep_check(session, "reference", at=stamp_in(-9 * 7 * DAY_S))
        for week in range(1, 9):
            rise = 0.0009 * max(0, week - 4)
            row = keep_check(
                session,
                "passed",
                at=stamp_in((week - 9) * 7 * DAY_S),
                correlation=0.9931 - 0.0004 * (week % 3),
                height_ratio=1.0006 - 0.0004 * (week % 2) + rise,
                scale_x=1.0001 - 0.0001 * (week % 3),
                scale_y=0.9999 + 0.0001 * (week % 2),
                skew_deg=0.004 * (week % 3 - 1),
                detail_ratio=0.992 + 0.003 * (week % 4),
                difference_share=0.081 + 0.004 * (week % 3),
                missing=0.002 * (week % 2),
            )
        session.flush()
        return row.check_id


def _user(node: RunningNode, pseudonym: str, role: Role) -> str:
    with node.node.store.write() as session:
        node.tokens[role] = add_user(session, pseudonym, role)
    return pseudonym


def _submit(node: RunningNode, scan: Path, case: str, audience: list[str], number: int, *, level: str = "full") -> None:
    exhibit = {
        "kind": "crime_scene" if number % 2 == 0 else "test_fire",
        "calibre": "9 mm Luger",
        "classes": CLASSES,
        "offence": "attempted_homicide",
        "occurred": {"earliest": f"2026-0{number + 3}-02", "latest": f"2026-0{number + 3}-05", "precision": "day"},
        "headstamp": "synthetic 9x19",
    }
    sent = node.submit(scan, case_reference=case, level=level, audience=audience, exhibit=exhibit)
    assert sent.status_code == 201, sent.text


def _ask(node: RunningNode, owner: RunningNode, case: str) -> None:
    """Ask whether the other side has seen the firearm, and for the release of what it found: its head is to decide."""
    with node.node.store.read() as session:
        (record,) = search_records(session, RecordFilter(case_reference=case), before=None, limit=2)
    basis = f"Criminal Procedure Code, article 286; {case}"
    asker = Maker(pseudonym="investigator-ash", role=Role.INVESTIGATOR, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    question = Question(record.statement_id, 0, LawfulPurpose.INVESTIGATION, basis)
    (asked,) = ask(node.node, asker, question, [owner.node.node_id])
    deadline = time.monotonic() + ANSWERED_S
    while True:
        with node.node.store.read() as session:
            found = found_by(session, [asked.query or ""])
        if found:
            break
        assert time.monotonic() < deadline, "the query was not answered"
        time.sleep(0.2)
    request_release(node.node, asker, found[0].handle, "The prosecutor asks for it: order 12/2026.")
    while not _waits(owner):
        assert time.monotonic() < deadline, "the request did not arrive"
        time.sleep(0.2)


def _waits(owner: RunningNode) -> bool:
    with owner.node.store.read() as session:
        return bool(session.scalar(select(func.count()).select_from(ApprovalRow).where(ApprovalRow.decision.is_(None))))


def _begun(rs: RunningNode, pseudonym: str, scans: Path) -> str:
    """A draft with two scans that were read: it could be signed."""
    draft = drafts.begin(rs.node, pseudonym, "RS-2026-0911")
    fields = dict(DRAFT)
    for name, source in (
        ("RS-2026-0911 breech face.x3p", scans / "Fadul 6-1.x3p"),
        ("RS-2026-0911 breech face, ring light.png", scans.parent / "reflectance" / "NBIDE R BF 118.png"),
    ):
        content = source.read_bytes()
        file = draft_scans.announce(rs.node, pseudonym, draft, name, len(content), "0").file_id
        for offset in range(0, len(content), draft_scans.PIECE_BYTES):
            piece = content[offset : offset + draft_scans.PIECE_BYTES]
            draft_scans.take_piece(rs.node, pseudonym, draft, file, offset, piece)
        fields |= {f"file.{file}.roi": "breech_face", f"file.{file}.captured_by": "examiner"}
        if name.endswith(".png"):
            fields |= {f"file.{file}.lateral_resolution_um": "2.53", f"file.{file}.lighting": "ring"}
    drafts.save(rs.node, pseudonym, draft, changes_of_form(fields, drafts.read_draft(rs.node, pseudonym, draft).fields))
    for row in drafts.read_draft(rs.node, pseudonym, draft).files:
        draft_scans.read_scan(rs.node, pseudonym, draft, row.file_id)
    return draft


def _work(rs: RunningNode, mk: RunningNode, xk: RunningNode, first: str, draft: str) -> World:
    second, third = (_user(rs, name, Role.EXAMINER) for name in ("examiner-heron", "examiner-lynx"))
    investigator = _user(rs, "investigator-elm", Role.INVESTIGATOR)
    with rs.node.store.read() as session:
        found = open_candidates(session, CandidateView(PIPELINES, None), Page(20))
    lead, other, *rest = found
    conclusion = _say(
        rs, first, "conclusion", pair=pair_of(lead).model_dump(mode="json"), **_on_screen("possible_association")
    )
    with rs.node.store.write() as session:
        task = tasks_for(session, third)[0]
        take_task(session, third, task.task_id)
    fields = {"verifies": conclusion, "pair": task.pair.model_dump(mode="json"), **_on_screen("possible_association")}
    verification = _say(rs, third, "verification", **fields)
    rests_on = {"conclusion": conclusion, "verification": verification}
    score, matcher = round(lead.row.score, 4), lead.row.matcher_version
    fields = {"pair": pair_of(lead).model_dump(mode="json"), "stage": "lead", "basis": "screen", **rests_on}
    hit = _say(rs, first, "hit", **fields, score=score, matcher=matcher)
    peer = next(record.issuer for record in (lead.record_a, lead.record_b) if record.issuer != rs.node.node_id)
    asked = {"hit": hit, "step": "asked", "on": str(day_after(today())), "place": "Skopje"}
    _say(rs, investigator, "physical-comparison", role=Role.INVESTIGATOR, **asked)
    text = "May our examiner come on Thursday with both exhibits?"
    _say(rs, investigator, "message", role=Role.INVESTIGATOR, to=peer, about=hit, text=text)

    _say(rs, third, "conclusion", pair=pair_of(other).model_dump(mode="json"), **_on_screen("inconclusive"))
    with rs.node.store.write() as session:
        waiting = tasks_for(session, second)[0]
        take_task(session, second, waiting.task_id)
        assert find_task(session, waiting.task_id) is not None
    own = next(record for record in (lead.record_a, lead.record_b) if record.issuer == rs.node.node_id)
    return World(
        rs=rs,
        mk=mk,
        xk=xk,
        first=first,
        second=second,
        investigator=investigator,
        pair=rest[0].row.candidate_id,
        concluded=lead.row.candidate_id,
        hit=hit,
        task=waiting.task_id,
        draft=draft,
        record=own.statement_id,
        case=own.case_reference,
        check=_checked(rs),
    )


def _on_screen(conclusion: str) -> dict[str, Any]:
    remark = "Parallel striae agree in position and spacing from hour two to hour five."
    return {"result": {"basis": "screen", "conclusion": conclusion}, "remark": remark}


def _say(node: RunningNode, pseudonym: str, kind: str, *, role: Role = Role.EXAMINER, **fields: Any) -> str:
    maker = Maker(pseudonym=pseudonym, role=role, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    return speak(node.node, maker, json.dumps({"type": kind} | fields).encode()).statement_id
