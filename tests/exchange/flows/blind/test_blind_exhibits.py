"""Blind means the two exhibits: whoever was shown a score of one pair of their scans verifies no other, and meanwhile
no pair of theirs is shown."""

from __future__ import annotations

import json

import pytest

from exchange.errors import Conflict, Forbidden, NotFound
from exchange.flows.alerts.alerts import count_fresh
from exchange.flows.alerts.deadlines import Duty
from exchange.flows.alerts.worklist import worklist_of
from exchange.flows.blind.tasks import take_task, tasks_for, waiting_of, who_may_verify
from exchange.flows.blind.visibility import hidden_pairs, note_shown, view_of
from exchange.flows.hits.history import all_links
from exchange.flows.operate.status import node_status
from exchange.flows.query.blind_bands import told
from exchange.flows.query.peer_statements import note_grant
from exchange.flows.review.reviews import reviews_of
from exchange.flows.review.statements import may_see, speak
from exchange.flows.review.visible_statements import StatementReader, visible_statement, visible_statements
from exchange.store.access.user_rows import change_role
from exchange.store.log.statement_rows import find_statement
from exchange.store.query.queries import add_found, add_query, find_found
from exchange.store.review.candidate_rows import Page, candidates_of, find_candidate, open_candidates
from exchange.store.review.review_rows import exhibits_seen_by, open_tasks, seen_by
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.terms.withdrawals import erase_rows
from schemas import Conclusion, Grant, Maker, Pair, ScreenResult
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.blind.blind_world import (
    FIRST,
    HEAD,
    REGIONS,
    SECOND,
    THIRD,
    BlindWorld,
)
from tests.exchange.flows.network import MK, RS
from tests.schemas.results import ON, SCREEN

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS


def listed(world: BlindWorld, who: Maker) -> set[int]:
    """All pairs that an examiner finds, in whatever list or behind whatever address."""
    view = view_of(who.role, who.pseudonym)
    with world.rs.store.read() as session:
        found = [open_candidates(session, view, Page(99))]
        found += [candidates_of(session, record, view, Page(99)) for record in world.records.values()]
        by_number = [find_candidate(session, number, view) for number in range(1, 30)]
    return {item.row.candidate_id for rows in (*found, by_number) for item in rows if item is not None}


def waiting(world: BlindWorld, who: Maker) -> int:
    with world.rs.store.read() as session:
        tasks = len(tasks_for(session, who.pseudonym))
        alerts = count_fresh(session, world.rs, who.role, who.pseudonym, after="2026-01-01")
    assert alerts == tasks, "the badge counts what is listed"
    return tasks


def may_verify(world: BlindWorld, region: str = BREECH) -> list[str]:
    result, pair = ScreenResult.model_validate(SCREEN["result"]), Pair.model_validate(world.pair("a", "b", region))
    said = Conclusion.model_construct(result=result, pair=pair, made_by=FIRST)
    with world.rs.store.read() as session:
        return who_may_verify(session, said)


@pytest.mark.parametrize("seen", [BREECH, PIN])
def test_whoever_was_shown_one_pair_of_the_exhibits_verifies_no_other(world: BlindWorld, seen: str) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    assert (waiting(world, SECOND), may_verify(world)) == (1, ["two"])
    world.shown(SECOND, "a", "b", seen)
    assert (waiting(world, SECOND), may_verify(world)) == (0, [])
    with pytest.raises(Conflict, match="a score of these two exhibits"):
        world.verifies(SECOND, first, "a", "b", BREECH)
    world.verifies(THIRD, first, "a", "b", BREECH)


def test_a_score_of_one_of_the_exhibits_with_another_is_no_hindrance(world: BlindWorld) -> None:
    world.shown(SECOND, "c", "b", BREECH)
    first = world.concludes(FIRST, "a", "b")
    assert waiting(world, SECOND) == 1
    world.verifies(SECOND, first, "a", "b")


def test_no_pair_of_the_exhibits_is_shown_meanwhile(world: BlindWorld) -> None:
    every = listed(world, SECOND)
    first = world.concludes(FIRST, "a", "b", BREECH)
    of_both = {world.candidate("a", "b", region).row.candidate_id for region in REGIONS}
    assert listed(world, SECOND) == every - of_both
    assert listed(world, FIRST) == every, "whoever concluded knows the pair"
    assert node_status(world.rs, blind_for="two").candidates == node_status(world.rs).candidates - len(of_both)
    world.verifies(SECOND, first, "a", "b", BREECH)
    assert listed(world, SECOND) == every


def test_a_version_that_comes_meanwhile_is_of_the_same_exhibit(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    world.exhibit("b", MK, scans="b anew")
    world.compare("a", "b")
    world.compare("c", "b")
    of_others = {world.candidate("c", "b anew", region).row.candidate_id for region in REGIONS}
    assert listed(world, SECOND) == of_others, "the new version's pairs are hidden likewise"
    with world.rs.store.read() as session:
        hidden = hidden_pairs(session, Role.EXAMINER, "two")
    assert Pair.model_validate(world.pair("a", "b", PIN, scans={"b": "b anew"})) in hidden
    assert Pair.model_validate(world.pair("c", "b", PIN, scans={"b": "b anew"})) not in hidden
    world.shown(SECOND, "a", "b anew", PIN)
    with pytest.raises(NotFound):
        world.verifies(SECOND, first, "a", "b")  # names the new version with the old scan
    assert waiting(world, SECOND) == 0, "a score of the new version is a score of the exhibit"


def test_what_was_seen_of_a_version_counts_after_it_was_erased(world: BlindWorld) -> None:
    world.shown(SECOND, "a", "b", PIN)
    older = world.records["b"]
    world.exhibit("b", MK, scans="b anew")
    with world.rs.store.write() as session:
        erase_rows(session, older)
    world.says(FIRST, "conclusion", pair=world.pair("a", "b", scans={"b": "b anew"}), **SCREEN)
    assert waiting(world, SECOND) == 0


def test_a_hit_on_an_erased_version_is_hidden_too(world: BlindWorld) -> None:
    hit = world.hit(MK, "a", "b", PIN)
    older = world.records["b"]
    world.exhibit("b", MK, scans="b anew")
    with world.rs.store.write() as session:
        erase_rows(session, older)
    world.says(FIRST, "conclusion", pair=world.pair("a", "b", scans={"b": "b anew"}), **SCREEN)
    with world.rs.store.read() as session:
        hidden = hidden_pairs(session, Role.EXAMINER, "two")
        assert all_links(session, hidden) == []
    with pytest.raises(NotFound):
        visible_statement(StatementReader(world.rs, "two", Role.EXAMINER), hit.statement_id, {"hit"})


def test_a_hit_of_other_scans_of_the_exhibits_is_hidden(world: BlindWorld) -> None:
    hit = world.hit(MK, "a", "b", PIN)
    first = world.concludes(FIRST, "a", "b", BREECH)
    reader = StatementReader(world.rs, "two", Role.EXAMINER)
    with world.rs.store.read() as session:
        hidden = hidden_pairs(session, Role.EXAMINER, "two")
        assert all_links(session, hidden) == []
    due = {item.duty for item in worklist_of(world.rs, Role.EXAMINER, "two").items}
    assert due == {Duty.VERIFICATION}, "neither the hit's answer nor the first review of what is hidden"
    assert waiting(world, SECOND) == 1, "the alert of the hit is not counted"
    with pytest.raises(NotFound):
        visible_statement(reader, hit.statement_id, {"hit"})
    world.verifies(SECOND, first, "a", "b", BREECH)
    assert visible_statement(reader, hit.statement_id, {"hit"}).statement_id == hit.statement_id


def test_whoever_reads_what_was_concluded_does_not_verify(world: BlindWorld) -> None:
    hit = world.hit(MK, "a", "b", PIN)
    visible_statement(StatementReader(world.rs, "two", Role.EXAMINER), hit.statement_id, {"hit"})
    world.concludes(FIRST, "a", "b", BREECH)
    assert waiting(world, SECOND) == 0


def test_statements_are_hidden_first_and_counted_after(world: BlindWorld) -> None:
    """Newest first: what is hidden stands before and between what is not."""
    said = []
    for number in range(4):
        message = world.says(SECOND, "message", to=MK, text=f"Number {number}.", reference=None)
        said.append(message.statement_id)
        back = world.concludes(FIRST, "a", "b", BREECH, remark=f"Number {number}.")
        if number < 3:  # one conclusion on a pair waits at a time
            world.says(FIRST, "retraction", retracts=back.statement_id, reason=f"Number {number} was wrong.")
    reader = StatementReader(world.rs, "two", Role.EXAMINER)
    kinds = {"message", "conclusion", "verification"}
    for limit in (1, 2, 3, 50):
        rows = visible_statements(reader, kinds=kinds, about=None, issuer=None, limit=limit)
        assert [row.statement_id for row in rows] == said[::-1][:limit]


def test_more_hidden_than_are_read_at_once(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.review.visible_statements.STATEMENTS_AT_ONCE", 2)
    test_statements_are_hidden_first_and_counted_after(world)


def test_the_exhibits_of_what_was_ever_sent_are_no_control(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.blind.send.secrets.randbelow", lambda _most: 0)
    for other in ("a", "b"):
        world.shown(FIRST, other, "c", BREECH)
    world.concludes(FIRST, "a", "b", BREECH)
    world.draws()
    with world.rs.store.read() as session:
        _, control = sorted(open_tasks(session), key=lambda task: task.conclusion is None)
    assert world.records["c"] in (control.statement_a, control.statement_b), "not the other region of a and b"


def test_first_reviews_do_not_tell_whether_a_hidden_pair_was_opened(world: BlindWorld) -> None:
    """A control was opened by nobody, a pair that was concluded on by a colleague."""
    with world.rs.store.write() as session:
        session.get_one(RecordRow, world.records["a"]).submitted_by = "two"

    def reviews() -> int:
        return sum(item.duty is Duty.FIRST_REVIEW for item in worklist_of(world.rs, Role.EXAMINER, "two").items)

    assert reviews() == 1
    world.concludes(FIRST, "a", "b", BREECH)
    unopened = reviews()
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    assert reviews() == unopened == 0


def test_one_scan_that_was_entered_twice_is_known_as_the_same(world: BlindWorld) -> None:
    world.exhibit("twin", scans="a")
    world.compare("twin", "b")
    world.shown(SECOND, "a", "b", BREECH)
    pair = world.pair("twin", "b", BREECH, scans={"twin": "a"})
    world.says(FIRST, "conclusion", pair=pair, **SCREEN)
    assert waiting(world, SECOND) == 0


def test_a_band_that_was_seen_before_the_release_counts_after_it(world: BlindWorld) -> None:
    query = QueryRow(
        statement_id="q" * 64, asker=RS, asked=MK, record=world.records["a"], position=0, roi=BREECH, calibre="x",
        case_reference="x", purpose="x", legal_basis="x", made_by="two", state="answered", at="", due_at="",
    )  # fmt: skip
    said = StatementRow(
        statement_id="q" * 64, type="query", issuer=RS, envelope=b"", leaf=b"", log_index=10**6, received_at=""
    )
    with world.rs.store.write() as session:
        session.add(said)
        session.flush()
        add_query(session, query)
        add_found(session, [FoundRow(handle="h" * 64, query="q" * 64, band="high", state="found")])
        session.expunge_all()
    with world.rs.store.read() as session:
        rows, found = [session.get(QueryRow, 1)], [find_found(session, "h" * 64)]
    assert told(world.rs, Role.EXAMINER, "two", rows, found) == {"q" * 64}  # type: ignore[arg-type]  # both are there
    assert told(world.rs, Role.EXAMINER, "one", rows, found) == frozenset()  # type: ignore[arg-type]
    assert told(world.rs, Role.HEAD, "head", rows, found) == {"q" * 64}  # type: ignore[arg-type]
    with world.rs.store.write() as session:
        change_role(session, "head", Role.EXAMINER)
    world.concludes(FIRST, "a", "b", PIN)
    assert waiting(world, SECOND) == 1, "nobody knows yet which record it was"
    with world.rs.store.write() as session:
        grant = Grant.model_construct(issuer=MK, handle="h" * 64, record=world.records["b"])
        note_grant(session, grant, "g" * 64)
    assert waiting(world, SECOND) == 0
    assert "head" not in may_verify(world), "a band that was shown in another role counts too"
    with world.rs.store.read() as session:
        found = [find_found(session, "h" * 64)]
    assert told(world.rs, Role.EXAMINER, "two", rows, found) == frozenset(), "the pair waits: no band of it"  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["conclusion", "verification", "hit"])
def test_only_the_maker_or_the_head_takes_back(world: BlindWorld, kind: str) -> None:
    hit = world.hit(RS, "a", "b")
    with world.rs.store.read() as session:
        row = find_statement(session, hit.statement_id)
        assert row is not None
        conclusion = find_statement(session, row.about or "")
        assert conclusion is not None
        verification = next(
            item for item in reviews_of(session, world.rs, Pair.model_validate(world.pair("a", "b")), "one")
        ).verified
    assert verification is not None
    names = {"conclusion": conclusion.statement_id, "verification": verification.statement_id, "hit": hit.statement_id}
    maker, other = (SECOND, FIRST) if kind == "verification" else (FIRST, SECOND)
    with pytest.raises(Forbidden, match=f"here {maker.pseudonym}, or by the head"):
        world.says(other, "retraction", retracts=names[kind], reason="Not mine.")
    world.says(maker, "retraction", retracts=names[kind], reason="The light was wrong.")
    with pytest.raises(Conflict, match="once is enough"):
        world.says(HEAD, "retraction", retracts=names[kind], reason="The wrong exhibit.")


def test_what_was_said_of_a_hidden_pair_is_found_by_who_said_it_alone(world: BlindWorld) -> None:
    """Another refusal would tell whoever knows an id that somebody holds something of the pair: it is no control."""
    hit = world.hit(MK, "a", "b", REGIONS[1])
    with world.rs.store.read() as session:
        row = find_statement(session, hit.statement_id)
    assert row is not None
    own = world.concludes(SECOND, "a", "b", REGIONS[1])
    world.verifies(FIRST, own, "a", "b", REGIONS[1])
    world.concludes(FIRST, "a", "b", REGIONS[1])
    for name in (row.about, hit.statement_id, "0" * 64):
        with pytest.raises(NotFound, match=f"no such statement as {name}"):
            world.says(SECOND, "retraction", retracts=name, reason="Not mine.")
    world.says(SECOND, "retraction", retracts=own.statement_id, reason="The light was wrong.")


@pytest.mark.parametrize("kind", ["conclusion", "verification", "hit"])
def test_the_head_takes_back_what_an_examiner_made(world: BlindWorld, kind: str) -> None:
    hit = world.hit(RS, "a", "b")
    with world.rs.store.read() as session:
        row = find_statement(session, hit.statement_id)
        (review,) = reviews_of(session, world.rs, Pair.model_validate(world.pair("a", "b")), "one")
    assert row is not None
    assert review.verified is not None
    names = {"conclusion": row.about or "", "verification": review.verified.statement_id, "hit": hit.statement_id}
    world.says(HEAD, "retraction", retracts=names[kind], reason="The wrong exhibit.")


def test_that_a_hidden_conclusion_was_taken_back_is_hidden_too(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b")
    with pytest.raises(NotFound):
        world.says(SECOND, "retraction", retracts=first.statement_id, reason="Is it there?")
    back = world.says(FIRST, "retraction", retracts=first.statement_id, reason="It is no identification.")
    with world.rs.store.read() as session:
        row = find_statement(session, back.statement_id)
        assert row is not None
        assert [may_see(session, world.rs, row, who.pseudonym, who.role) for who in (FIRST, SECOND, HEAD)] == [
            True,
            False,
            True,
        ]


def test_the_head_who_takes_back_is_named(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b")
    world.says(HEAD, "retraction", retracts=first.statement_id, reason="The examiner left.")
    with world.rs.store.read() as session:
        pair = Pair.model_validate(world.pair("a", "b"))
        (review,) = reviews_of(session, world.rs, pair, "one")
    assert (review.retracted, review.by_head) == (True, "head")
    assert waiting(world, SECOND) == 0, "nobody is asked any more"


def test_what_was_marked_is_of_both_exhibits(world: BlindWorld) -> None:
    world.shown(SECOND, "a", "b", PIN)
    exhibits = world.candidate("a", "b", BREECH).exhibits
    assert exhibits == tuple(sorted((f"{RS}/{world.records['a']}", f"{MK}/{world.records['b']}")))
    with world.rs.store.read() as session:
        assert set(exhibits_seen_by(session, "two", [exhibits])) == {exhibits}


@pytest.mark.parametrize("role", [Role.HEAD, Role.INVESTIGATOR, Role.AUDITOR])
def test_what_was_shown_in_another_role_counts(world: BlindWorld, role: Role) -> None:
    candidate = world.candidate("a", "b", PIN)
    with world.rs.store.write() as session:
        change_role(session, "head", role)
    note_shown(world.rs, role, "head", [candidate], opened=True)
    with world.rs.store.write() as session:
        change_role(session, "head", Role.EXAMINER)
    who = Maker(pseudonym="head", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)
    first = world.concludes(FIRST, "a", "b", BREECH)
    assert (waiting(world, who), may_verify(world)) == (0, ["two"])
    with pytest.raises(Conflict, match="a score of these two exhibits"):
        world.verifies(who, first, "a", "b", BREECH)
    with world.rs.store.read() as session:
        row = seen_by(session, "head", [candidate.scans])[candidate.scans]
    assert row.opened_at is None, "a review is an examiner's"


@pytest.mark.parametrize("basis", ["screen", "exhibits"])
def test_whoever_read_the_conclusion_as_head_does_not_verify_it(world: BlindWorld, basis: str) -> None:
    first = world.concludes(FIRST, "a", "b", **ON[basis])
    visible_statement(StatementReader(world.rs, "head", Role.HEAD), first.statement_id, {"conclusion"})
    with world.rs.store.write() as session:
        change_role(session, "head", Role.EXAMINER)
    who = Maker(pseudonym="head", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)
    assert waiting(world, who) == 0
    with world.rs.store.read() as session:
        assert [item.may_verify for item in waiting_of(session, "one")] == [1]
    with pytest.raises(Conflict) as refused:
        world.says(who, "verification", pair=world.pair("a", "b"), verifies=first.statement_id, **ON[basis])
    assert refused.value.code == "not-blind"
    later = world.says(FIRST, "conclusion", pair=world.pair("c", "b"), **ON[basis])
    assert waiting(world, who) == 1, "what was concluded since may be theirs"
    world.says(who, "verification", pair=world.pair("c", "b"), verifies=later.statement_id, **ON[basis])


@pytest.mark.parametrize("basis", ["screen", "exhibits"])
def test_a_conclusion_is_verified_once(world: BlindWorld, basis: str) -> None:
    """Also where the verification was taken back: by then the conclusion was read."""
    drawn = {"pair": world.pair("a", "b"), **ON[basis]}
    first = world.says(FIRST, "conclusion", **drawn)
    reader = StatementReader(world.rs, "three", Role.EXAMINER)
    with pytest.raises(NotFound):
        visible_statement(reader, first.statement_id, {"conclusion"})
    second = world.says(SECOND, "verification", verifies=first.statement_id, **drawn)
    for again in (SECOND, THIRD):
        with pytest.raises(Conflict, match="conclude anew") as refused:
            world.says(again, "verification", verifies=first.statement_id, **drawn)
        assert refused.value.code == "already-verified"
    world.says(SECOND, "retraction", retracts=second.statement_id, reason="The light was wrong.")
    with pytest.raises(Conflict, match="conclude anew"):
        world.says(THIRD, "verification", verifies=first.statement_id, **drawn)
    anew = world.says(FIRST, "conclusion", **drawn)
    world.says(THIRD, "verification", verifies=anew.statement_id, **drawn)


def test_nobody_concludes_on_what_waits_for_another(world: BlindWorld) -> None:
    """The answer is the one of a record that is not here; and whoever concluded first is not locked out of the pair."""
    first = world.concludes(FIRST, "a", "b", BREECH)
    every = listed(world, FIRST)
    for region in REGIONS:
        pair = world.pair("a", "b", region)
        with pytest.raises(NotFound) as hidden:
            world.says(SECOND, "conclusion", pair=pair, **SCREEN)
        missing = {"a": pair["a"] | {"record": "0" * 64}, "b": pair["b"]}
        with pytest.raises(NotFound) as unknown:
            world.says(SECOND, "conclusion", pair=missing, **SCREEN)
        assert str(hidden.value) == str(unknown.value).replace("0" * 64, pair["a"]["record"])
        assert hidden.value.code == unknown.value.code
    with pytest.raises(Conflict) as twice:
        world.concludes(FIRST, "a", "b", PIN)
    assert twice.value.code == "concluded-on-other-scans", "the maker is told of their own"
    world.verifies(SECOND, first, "a", "b")
    assert listed(world, FIRST) == every


def test_a_task_is_answered_by_whoever_took_it_and_once(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    with world.rs.store.write() as session:
        (task,) = tasks_for(session, "two")
    draft = {"type": "verification", "verifies": first.statement_id, "pair": world.pair("a", "b"), **SCREEN}
    with pytest.raises(NotFound):
        speak(world.rs, SECOND, json.dumps(draft).encode(), task=task.task_id)
    with world.rs.store.write() as session:
        take_task(session, "two", task.task_id)
    speak(world.rs, SECOND, json.dumps(draft).encode(), task=task.task_id)
    with pytest.raises(NotFound):
        speak(world.rs, SECOND, json.dumps(draft).encode(), task=task.task_id)


def test_an_erased_version_ends_no_blindness(world: BlindWorld) -> None:
    """Nobody can answer what was asked of it; the exhibits stay hidden until whoever concluded does so anew."""
    world.concludes(FIRST, "a", "b", BREECH)
    older = world.records["b"]
    world.exhibit("b", MK, scans="b anew")
    world.compare("a", "b")
    hidden = world.candidate("a", "b anew", BREECH).row.candidate_id
    with world.rs.store.write() as session:
        erase_rows(session, older)
    assert hidden not in listed(world, SECOND)
    assert hidden in listed(world, FIRST)
    assert waiting(world, SECOND) == 0
    with world.rs.store.read() as session:
        assert [(item.anew, item.may_verify) for item in waiting_of(session, "one")] == [(True, 0)]

    pair = world.pair("a", "b", scans={"b": "b anew"})
    anew = world.says(FIRST, "conclusion", pair=pair, **SCREEN)
    with world.rs.store.read() as session:
        assert [(item.anew, item.may_verify) for item in waiting_of(session, "one")] == [(False, 1)]
    assert (waiting(world, SECOND), hidden in listed(world, SECOND)) == (1, False)
    world.says(SECOND, "verification", pair=pair, verifies=anew.statement_id, **SCREEN)
    assert hidden in listed(world, SECOND)


def test_what_was_asked_is_known_as_long_as_the_exhibits_are(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    world.verifies(SECOND, first, "a", "b")
    older = world.records["b"]
    world.exhibit("b", MK, scans="b anew")

    def known() -> int:
        with world.rs.store.read() as session:
            return session.query(VerificationTaskRow).count()

    with world.rs.store.write() as session:
        erase_rows(session, older)
    assert known() == 1
    with world.rs.store.write() as session:
        erase_rows(session, world.records["b"])
    assert known() == 0
