"""From what is entered to what is approved: states that can be gone back to, two editions, one signature."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.coordination.draft_steps import DraftStepRow
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import exact
from exchange.coordination.incidents.enter_incidents import (
    KEPT_STATES,
    Sheet,
    entered,
    leave_import,
    propose_import,
    save_sheet,
    sheet_of,
    sheets_of,
    take_import,
    undo_change,
)
from exchange.coordination.incidents.incident_annex import (
    annex_document,
    approve_annex,
    draft_annex,
    find_annex,
    half_states,
    released_annex,
    told_annex,
)
from exchange.coordination.incidents.incident_document import (
    ExactAnnex,
    read_exact,
    read_told,
    told_edition,
    write_exact,
    write_told,
)
from exchange.coordination.incidents.incident_vocabulary import (
    MAX_COUNT,
    AgeBand,
    HarmOutcome,
    Offence,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node, create_node, open_node
from exchange.log.audit_entry import Act, Actor, ActorKind
from exchange.store.tables.log import AuditRow
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.incidents.made_up_incidents import SECRET, MadeUpTable, made_up_table, random_counts
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture

HALF = Half(2026, 2)
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
BY = Actor(ActorKind.PERSON, "head-1", Role.HEAD)
BECAUSE = "To the coordinator, under the Roadmap."

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 12, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("exchange.clock.now", made)
    return made


@pytest.fixture
def node(tmp_path: Path, clock: Clock, databases: Databases) -> Iterator[Node]:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.XK, url="http://127.0.0.1:9", port=9, database_url=databases.new())
    made = open_node(home)
    yield made
    made.close()


def take(node: Node, made: MadeUpTable, half: Half = HALF) -> int:
    entry = propose_import(node, BY, half, io.BytesIO(made.data))
    return take_import(node, BY, half, entry.number)


def sheet(incidents: int, **women: int) -> Sheet:
    """Of victims of robberies who were injured by a pistol."""
    persons = {(PersonRole.VICTIM, Sex.FEMALE, AgeBand[band]): count for band, count in women.items()}
    return Sheet(Offence.ROBBERY, HarmOutcome.INJURED, WeaponKind.PISTOL, incidents, persons)


def approve(node: Node, clock: Clock, half: Half = HALF) -> str:
    clock.moment = max(clock.moment, datetime.fromisoformat(half.end))
    drafted = draft_annex(node, half)
    assert drafted is not None
    return approve_annex(node, HEAD, half, drafted.sha256, BECAUSE)


def test_an_import_is_looked_at_then_taken_and_can_be_undone(node: Node) -> None:
    first, second = made_up_table(1, 40, 3), made_up_table(2, 30, 0)
    proposed = propose_import(node, BY, HALF, io.BytesIO(first.data))
    found = entered(node, HALF)
    assert (found.current, found.undoable) == (None, 0)
    assert found.proposed == proposed
    assert proposed.counts == first.counts
    assert [(row.number, row.column, row.reason) for row in proposed.read.refused] == first.wrong
    assert draft_annex(node, HALF) is None, "what is proposed is not told"
    with pytest.raises(NotFound):
        take_import(node, BY, HALF, proposed.number + 1)
    take_import(node, BY, HALF, proposed.number)
    take(node, second)
    found = entered(node, HALF)
    assert found.current is not None
    assert (found.current.counts, found.proposed, found.undoable) == (second.counts, None, 2)
    with pytest.raises(Conflict):
        undo_change(node, BY, HALF, proposed.number)
    undo_change(node, BY, HALF, found.current.number)
    back = entered(node, HALF).current
    assert back is not None
    assert back.counts == first.counts
    undo_change(node, BY, HALF, back.number)
    assert entered(node, HALF).current is None
    with node.store.read() as session:
        assert session.scalar(select(func.count()).select_from(DraftStepRow)) == 0
    with pytest.raises(NotFound):
        undo_change(node, BY, HALF, back.number)


def test_an_import_that_is_taken_holds_also_if_a_sheet_was_saved_meanwhile(node: Node) -> None:
    made = made_up_table(1, 10, 0)
    proposed = propose_import(node, BY, HALF, io.BytesIO(made.data))
    save_sheet(node, BY, HALF, sheet(7), seen=0)
    take_import(node, BY, HALF, proposed.number)
    found = entered(node, HALF)
    assert found.current is not None
    assert (found.current.counts, found.undoable) == (made.counts, 2)


def test_a_proposal_goes_with_the_next_one_or_when_it_is_left(node: Node) -> None:
    propose_import(node, BY, HALF, io.BytesIO(made_up_table(1, 10, 0).data))
    propose_import(node, BY, HALF, io.BytesIO(made_up_table(2, 10, 0).data))
    with node.store.read() as session:
        assert session.scalar(select(func.count()).select_from(DraftStepRow)) == 1
    with pytest.raises(InvalidInput):
        propose_import(node, BY, HALF, io.BytesIO(b"Name\nPetar\n"))
    proposed = entered(node, HALF).proposed
    assert proposed is not None
    with pytest.raises(NotFound):
        leave_import(node, BY, HALF, proposed.number - 1)
    leave_import(node, BY, HALF, proposed.number)
    assert entered(node, HALF).proposed is None


def test_a_sheet_replaces_its_own_counts_alone(node: Node) -> None:
    made = made_up_table(3, 60, 0)
    number = take(node, made)
    save_sheet(node, BY, HALF, sheet(7, TO_35=8, TO_60=1), seen=number)
    now = entered(node, HALF).current
    assert now is not None
    at = (Offence.ROBBERY, HarmOutcome.INJURED, WeaponKind.PISTOL)
    assert sheet_of(now.counts, *at) == sheet(7, TO_35=8, TO_60=1)
    others = [one for one in sheets_of(now.counts) if (one.offence, one.outcome, one.weapon) != at]
    assert others == [one for one in sheets_of(made.counts) if (one.offence, one.outcome, one.weapon) != at]
    assert now.way == "typed"
    with pytest.raises(Conflict, match="changed these counts"):
        save_sheet(node, BY, HALF, sheet(1), seen=number)
    with pytest.raises(InvalidInput):
        save_sheet(node, BY, HALF, sheet(MAX_COUNT + 1), seen=now.number)
    with pytest.raises(InvalidInput):
        save_sheet(node, BY, HALF, sheet(-1), seen=now.number)
    with pytest.raises(NotFound, match="has not begun"):
        save_sheet(node, BY, Half(2027, 1), sheet(1), seen=0)


def test_so_many_changes_can_be_undone(node: Node) -> None:
    seen = 0
    for number in range(KEPT_STATES + 5):
        save_sheet(node, BY, HALF, sheet(number + 1), seen)
        current = entered(node, HALF).current
        assert current is not None
        seen = current.number
    assert entered(node, HALF).undoable == KEPT_STATES


def test_what_is_approved_is_what_was_shown_and_stays(node: Node, clock: Clock) -> None:
    made = made_up_table(4, 300, 20)
    take(node, made_up_table(5, 20, 0))
    take(node, made)
    drafted = draft_annex(node, HALF)
    assert drafted == draft_annex(node, HALF), "the same state gives the same bytes"
    assert drafted is not None
    with pytest.raises(Conflict, match="not over"):
        approve_annex(node, HEAD, HALF, drafted.sha256, BECAUSE)
    clock.moment = datetime(2027, 1, 10, tzinfo=UTC)
    with pytest.raises(Conflict, match="are others"):
        approve_annex(node, HEAD, HALF, "0" * 64, BECAUSE)
    with pytest.raises(NotFound, match="not approved"):
        released_annex(node, HALF)
    assert told_annex(node, HALF) is None
    assert annex_document(node, HALF) == drafted.exact

    approval = approve(node, clock)
    found = released_annex(node, HALF)
    assert (found.editions.restricted, found.editions.public) == (drafted.editions.restricted, drafted.editions.public)
    assert found.exact.counts == made.counts
    assert (found.approval, found.because, found.approved_by) == (approval, BECAUSE, "head-1")
    assert told_annex(node, HALF) == drafted.told == found.told
    said = parse_statement(open_envelope(found.envelope).payload)
    assert isinstance(said, Approval)
    assert said.concerns == found.sha256 == hashlib.sha256(found.editions.manifest).hexdigest()
    named = json.loads(found.editions.manifest)
    assert named["restricted"] == hashlib.sha256(found.editions.restricted).hexdigest()
    assert named["public"] == hashlib.sha256(found.editions.public).hexdigest()

    state = entered(node, HALF)
    assert (state.approved, state.undoable) == (True, 1)
    assert state.current is not None
    assert not state.current.read.refused, "which rows were refused goes with the approval"
    for change in (
        lambda: save_sheet(node, BY, HALF, sheet(1), state.current.number),  # type: ignore[union-attr]
        lambda: undo_change(node, BY, HALF, state.current.number),  # type: ignore[union-attr]
        lambda: propose_import(node, BY, HALF, io.BytesIO(made.data)),
        lambda: approve_annex(node, HEAD, HALF, found.sha256, BECAUSE),
    ):
        with pytest.raises(Conflict):
            change()


def test_persons_without_an_incident_are_not_approved(node: Node, clock: Clock) -> None:
    save_sheet(node, BY, HALF, sheet(0, TO_35=8), seen=0)
    with pytest.raises(Conflict, match="no incident has"):
        approve(node, clock)


def test_later_half_years_are_compared_with_what_was_approved(node: Node, clock: Clock) -> None:
    before = HALF.before()
    save_sheet(node, BY, before, sheet(9, TO_35=9), seen=0)
    approve(node, clock, before)
    save_sheet(node, BY, HALF, sheet(12, TO_35=12), seen=0)
    drafted = draft_annex(node, HALF)
    assert drafted is not None
    (earlier,) = drafted.told.earlier
    assert (earlier.half, earlier.totals["use"]) == (str(before), exact(9))
    kept = find_annex(node, before)
    assert kept is not None
    assert earlier.sha256 == hashlib.sha256(kept.editions.public).hexdigest()
    states = {str(state.half): (state.entered, state.approved) for state in half_states(node)}
    assert states["2026H2"] == (True, False)
    assert states["2026H1"] == (True, True)
    assert states["2025H2"] == (False, False)


def test_the_digest_of_the_exact_edition_cannot_be_tried_out(node: Node) -> None:
    """Two nodes' heads who enter the same counts sign two digests: the exact edition has a salt of 32 bytes."""
    save_sheet(node, BY, HALF, sheet(9, TO_35=2), seen=0)
    first = draft_annex(node, HALF)
    assert first is not None
    save_sheet(node, BY, HALF, sheet(9, TO_35=2), seen=entered(node, HALF).current.number)  # type: ignore[union-attr]
    second = draft_annex(node, HALF)
    assert second is not None
    assert first.exact.counts == second.exact.counts
    assert first.editions.public == second.editions.public
    assert len(bytes.fromhex(first.exact.salt)) == 32
    assert first.sha256 != second.sha256
    assert first.exact.salt not in first.editions.public.decode()


def test_both_editions_are_read_back_and_garbage_is_refused(node: Node) -> None:
    take(node, made_up_table(6, 200, 0))
    drafted = draft_annex(node, HALF)
    assert drafted is not None
    assert read_exact(drafted.editions.restricted) == drafted.exact
    assert read_told(drafted.editions.public) == drafted.told
    assert write_told(read_told(drafted.editions.public), node.jurisdictions) == drafted.editions.public
    assert b"1244 (1999)" in drafted.editions.public
    assert "Kosovo*" in drafted.editions.public.decode()
    assert json.loads(drafted.editions.public)["words"]["verified"] is False
    fields = json.loads(drafted.editions.restricted)
    wrong = [
        b"",
        b"[" * 100_000,
        b"{}",
        drafted.editions.public,
        json.dumps(fields | {"half": "2026"}).encode(),
        json.dumps(fields | {"persons": {"total": 0, "cells": []}, "incidents": {"total": 1, "cells": []}}).encode(),
        json.dumps(fields | {"incidents": {"total": 1, "cells": [{"offence": "love"}]}}).encode(),
        json.dumps(fields | {"salt": 7}).encode(),
    ]
    for data in wrong:
        with pytest.raises(InvalidInput, match="no incident annex"):
            read_exact(data)
    told = json.loads(drafted.editions.public)
    first = told["totals"][0]
    figures = (
        {"told": "exact", "value": -1},
        {"told": "exact", "value": "9"},
        {"told": "exact", "value": 1.5},
        {"told": "between", "low": 4, "high": 1},
        {"told": "between", "low": 4},
        {"told": "guessed"},
    )
    changed = [{"totals": [{"id": first["id"]} | figure, *told["totals"][1:]]} for figure in figures]
    files = [json.dumps(told | change).encode() for change in [*changed, {"tables": []}, {"earlier": [{}]}]]
    for data in (b"", drafted.editions.restricted, *files):
        with pytest.raises(InvalidInput, match="no incident annex"):
            read_told(data)


def test_documents_of_random_counts_are_read_back(node: Node) -> None:
    drafted = random.Random(9)
    save_sheet(node, BY, HALF, sheet(9), seen=0)
    head = draft_annex(node, HALF).exact.head  # type: ignore[union-attr]
    for _ in range(5):
        annex = ExactAnnex(head, "00" * 32, random_counts(drafted, drafted.randint(0, 300)))
        assert read_exact(write_exact(annex, node.jurisdictions)) == annex
        told = told_edition(annex)
        assert read_told(write_told(told, node.jurisdictions)) == told


def test_nothing_of_a_table_is_kept_but_counts(node: Node, tmp_path: Path) -> None:
    """Neither in the database nor in a log or a file: what stood in wrong cells and in columns that nobody reads."""
    made = made_up_table(7, 100, 40)
    assert made.data.count(SECRET.encode()) > 200
    take(node, made)
    with node.store.read() as session:
        asked = session.scalars(select(AuditRow.asked).where(AuditRow.act == Act.CHANGE_INCIDENTS)).all()
    assert asked == [f"{HALF} import tried", f"{HALF} import taken"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
        assert b"K-17/26" not in path.read_bytes(), "nor what names an incident"
