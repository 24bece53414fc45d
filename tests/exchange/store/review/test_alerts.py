"""What is new for whom, on each engine: by whom it was said, who asked, and what a verifier must not be told."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from exchange.store.review.alert_rows import AlertReader, News, count_news, list_news, marks_of, put_mark
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.review_tables import ExhibitsSeenRow, ScoreSeenRow, VerificationTaskRow
from exchange.store.tables.terms_tables import ApprovalRow
from schemas.vocabulary import Role

RS, MK = "ffp-rs", "ffp-mk"
START, LATER = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
EXAMINER, SECOND = AlertReader(RS, "one", Role.EXAMINER), AlertReader(RS, "two", Role.EXAMINER)
INVESTIGATOR, HEAD = AlertReader(RS, "three", Role.INVESTIGATOR), AlertReader(RS, "four", Role.HEAD)
EVERYBODY = (EXAMINER, SECOND, INVESTIGATOR, HEAD)
_places = itertools.count()


def said(kind: str, name: str, about: str | None = None, issuer: str = MK, **changes: Any) -> StatementRow:
    fields: dict[str, Any] = {"envelope": b"sealed", "received_at": LATER, **changes}
    return StatementRow(
        statement_id=name, type=kind, issuer=issuer, about=about, leaf=b"", log_index=next(_places), **fields
    )


def record(name: str, **changes: Any) -> RecordRow:
    words = ("jurisdiction", "case_reference", "kind", "calibre", "firing_pin_class", "firing_pin_aperture", "level")
    fields: dict[str, Any] = dict.fromkeys((*words, "handling"), "x") | changes
    times = {"retention_until": LATER, "received_at": LATER}
    return RecordRow(statement_id=name, sequence=next(_places), issuer=MK, exhibit=f"{MK}/{name}", **times, **fields)


def task(**changes: Any) -> VerificationTaskRow:
    fields = {"conclusion": "own-conclusion", "concluded_by": "one", "basis": "screen", "created_at": LATER} | changes
    exhibits = {"exhibit_low": f"{MK}/a", "exhibit_high": f"{MK}/b"}
    fields |= exhibits
    return VerificationTaskRow(
        task_id="t", scan_low="l", scan_high="h", statement_a="a", statement_b="b", pair="{}", due_at=LATER, **fields
    )


def query(made_by: str, **changes: Any) -> QueryRow:
    words = ("roi", "calibre", "case_reference", "purpose", "legal_basis")
    fields: dict[str, Any] = dict.fromkeys(words, "x") | {"asker": RS, "asked": MK, "answer": "answer"} | changes
    return QueryRow(statement_id="query", made_by=made_by, state="answered", at=START, due_at=LATER, **fields)


def keep(store: Store, *rows: object) -> None:
    with store.write() as session:
        for row in rows:  # in this order: some lean on others
            session.add(row)
            session.flush()


def told(store: Store, reader: AlertReader, since: str = START) -> list[str]:
    """What stands in the list; the count says the same."""
    with store.read() as session:
        found = list_news(session, reader, since, limit=100)
        assert count_news(session, reader, since, most=100) == len(found)
    return [news.what for news in found]


def test_what_another_node_says_of_a_hit_concerns_everybody_once(store: Store) -> None:
    kinds = ["physical-comparison", "feedback", "message", "retraction"]
    keep(store, said("hit", "hit", "conclusion"), *(said(kind, kind, "hit") for kind in kinds))
    keep(store, said("message", "of-no-hit", "record"), said("conclusion", "conclusion", "a"))
    for reader in EVERYBODY:
        assert sorted(told(store, reader)) == sorted(["hit", *kinds])
        assert told(store, reader, since=LATER) == []
    with store.read() as session:
        (news,) = [news for news in list_news(session, HEAD, START, limit=9) if news.what == "message"]
        assert news == News("message", LATER, MK, "hit", "message")
        assert count_news(session, HEAD, START, most=2) == 2


def test_what_one_node_says_without_an_end_hides_nothing_of_anothers(store: Store) -> None:
    keep(store, said("hit", "hit", "conclusion", received_at="2026-01-01T01:00:00.000Z", issuer="ffp-xk"))
    keep(store, *(said("feedback", f"f{number:03}", "hit") for number in range(150)))
    with store.read() as session:
        found = list_news(session, HEAD, START, limit=100)
    assert [news.issuer for news in found] == [MK] * 99 + ["ffp-xk"]
    assert found == sorted(found, key=lambda news: news.at, reverse=True)


def test_own_words_are_no_news_but_an_own_hit_is_to_those_who_sign_none(store: Store) -> None:
    keep(store, said("hit", "hit", "conclusion", issuer=RS), said("message", "message", "hit", issuer=RS))
    assert [told(store, reader) for reader in EVERYBODY] == [[], [], ["hit"], ["hit"]]


def test_what_was_erased_or_is_not_believed_is_not_told(store: Store) -> None:
    keep(store, said("hit", "one", envelope=None), said("hit", "two", refused_by="key-event"))
    assert [told(store, reader) for reader in EVERYBODY] == [[], [], [], []]


def test_a_verification_waits_for_those_who_may_be_asked(store: Store) -> None:
    rows = [said("record", "a"), said("record", "b"), record("a"), record("b")]
    keep(store, *rows, task())
    assert [told(store, reader) for reader in EVERYBODY] == [[], ["verification-waits"], [], []]
    with store.read() as session:
        assert list_news(session, SECOND, START, limit=9) == [News("verification-waits", LATER, "", "", "")]


SEEN = {
    "this pair": ScoreSeenRow(pseudonym="two", scan_low="l", scan_high="h", listed_at=START),
    "another pair of the exhibits": ExhibitsSeenRow(
        pseudonym="two", exhibit_low=f"{MK}/a", exhibit_high=f"{MK}/b", seen_at=START
    ),
}


@pytest.mark.parametrize("seen", SEEN)
def test_no_verification_waits_for_whoever_was_shown_a_score(store: Store, seen: str) -> None:
    keep(store, said("record", "a"), said("record", "b"), record("a"), record("b"), task())
    row = SEEN[seen]
    values = {column.name: getattr(row, column.name) for column in type(row).__table__.columns}
    keep(store, type(row)(**values))
    assert told(store, SECOND) == []


@pytest.mark.parametrize("changes", [{"taken_by": "five"}, {"done_at": LATER}])
def test_a_verification_that_another_does_waits_no_more(store: Store, changes: dict[str, Any]) -> None:
    rows = [said("record", "a"), said("record", "b"), record("a"), record("b")]
    keep(store, *rows, task(**changes))
    assert told(store, SECOND) == []


def test_a_pair_that_nobody_holds_for_a_lead_looks_the_same(store: Store) -> None:
    rows = [said("record", "a"), said("record", "b"), record("a"), record("b")]
    keep(store, *rows, task(conclusion=None, concluded_by=None))
    assert told(store, SECOND) == told(store, EXAMINER) == ["verification-waits"]


def test_an_examiner_is_told_neither_of_a_hit_that_is_hidden_nor_of_one_that_cannot_be_placed(store: Store) -> None:
    keep(store, said("record", "a"), said("conclusion", "conclusion", "a"))
    keep(store, said("hit", "hit", "conclusion"), said("message", "m", "hit"))
    keep(store, said("hit", "of-what", "is-not-here"), said("message", "n", "of-what"))
    assert sorted(told(store, SECOND)) == ["hit", "message"]
    assert told(store, AlertReader(RS, "two", Role.EXAMINER, frozenset({"hit"}))) == []
    assert len(told(store, HEAD)) == 4


def test_an_answer_and_a_decision_concern_whoever_asked_and_the_head(store: Store) -> None:
    keep(store, said("query", "query", issuer=RS), query("three"), said("answer", "answer", "query"))
    found = {"query": "query", "band": "high", "state": "x"}
    keep(store, FoundRow(handle="h1", record="r", decision="grant", **found), said("grant", "grant", "r"))
    keep(store, FoundRow(handle="h2", decision="refusal", **found), said("approval", "refusal", "h2"))
    keep(store, said("grant", "of-its-own-accord", "r2"), said("answer", "second-answer", "query"))
    expected = ["answer", "approval", "grant"]
    assert [sorted(told(store, reader)) for reader in EVERYBODY] == [[], [], expected, expected]


def test_what_this_node_answered_is_no_news(store: Store) -> None:
    keep(store, said("query", "query"), query("three", asker=MK, asked=RS), said("answer", "answer", "query"))
    assert [told(store, reader) for reader in EVERYBODY] == [[], [], [], []]


def test_what_waits_for_approval_is_the_heads_until_it_is_decided(store: Store) -> None:
    asked = {"jurisdiction": "MK", "asked_at": LATER, "due_at": LATER}
    keep(store, ApprovalRow(concerns="x", **asked), ApprovalRow(concerns="y", decision="refused", **asked))
    assert [told(store, reader) for reader in EVERYBODY] == [[], [], [], ["approval-waits"]]


def test_a_mark_is_kept_with_the_one_before(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
    with store.write() as session:
        created, before = marks_of(session, "one")
        assert before is None, "nothing was marked: what was there before the person is no news"
        put_mark(session, "one", LATER, created)
    with store.read() as session:
        assert marks_of(session, "one") == (LATER, created)
