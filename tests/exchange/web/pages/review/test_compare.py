"""Any two scans beside each other: what the page shows, to whom, and what it tells nobody who may judge them blind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from exchange.clock import stamp
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.log.audit_entry import AuditEntry
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.log.audit import audit_state, entries_from
from exchange.store.review.review_rows import exhibits_seen_by
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.terms.withdrawals import erase_rows
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, scan_of
from tests.exchange.web.test_blind_pages import Site, site_of

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
UNKNOWN = "cd" * 32
INVESTIGATOR = Maker(pseudonym="ivan", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)
AUDITOR = Maker(pseudonym="ana", role=Role.AUDITOR, signed_in=SignedInBy.TOKEN)
OPERATOR = Maker(pseudonym="oto", role=Role.OPERATOR, signed_in=SignedInBy.TOKEN)
OF_THIS_RUN = re.compile(r"[0-9a-f]{32}|request [0-9a-z-]+|\?[^\"<> ]*")
"""The number of the request, and the address that was asked."""


@pytest.fixture
def world(made: BlindWorld, tmp_path: Path) -> Iterator[BlindWorld]:
    """Serbia's a and c and North Macedonia's b, all of them delivered; b was compared with both others."""
    with made.copied(tmp_path / "copy") as copy:
        with copy.rs.store.write() as session:
            for scan in session.query(AcquisitionRow):
                scan.delivered_at, scan.state = stamp(), AcquisitionState.CORRELATED
            for who in (INVESTIGATOR, AUDITOR, OPERATOR):
                copy.tokens[who.pseudonym] = add_user(session, who.pseudonym, who.role)
        yield copy


def address(one: str, other: str, region: str = BREECH) -> str:
    return f"/app/compare?a={scan_of(one, region)}&b={scan_of(other, region)}"


def answers(world: BlindWorld, who: Maker, *paths: str) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        async with site_of(world) as site:
            return [await _asked(site, who, path) for path in paths]

    return anyio.run(ask)


async def _asked(site: Site, who: Maker, path: str) -> httpx.Response:
    return await site.http.get(path, headers={"Cookie": f"ffp={site.cookie(who)}"})


def plain(answer: httpx.Response) -> str:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    body = answer.text.replace(answer.headers["x-request-id"], "NUMBER")
    return f"{answer.status_code} {headers} {OF_THIS_RUN.sub('', body)}"


def following(world: BlindWorld) -> int:
    with world.rs.store.read() as session:
        return audit_state(session).last + 1


def rows_since(world: BlindWorld, start: int) -> list[AuditEntry]:
    with world.rs.store.read() as session:
        return [item.entry for item in entries_from(session, start)]


def has_seen(world: BlindWorld, who: Maker) -> bool:
    exhibits = world.candidate("a", "b").exhibits
    with world.rs.store.read() as session:
        return bool(exhibits_seen_by(session, who.pseudonym, [exhibits]))


def test_both_specimens_are_shown_and_nothing_that_is_held_of_them(world: BlindWorld) -> None:
    start = following(world)
    [shown] = answers(world, SECOND, address("a", "b"))
    assert shown.status_code == 200
    for name in ("a", "b"):
        assert f"/app/scans/{scan_of(name, BREECH)}/heights/plain?form=filtered" in shown.text
        assert f"case-{name}" in shown.text
    (viewer,) = re.findall(r"<ffp-comparison[^>]*>", shown.text)
    for told in ("comparison=", "registration=", "cells=", "fallback="):
        assert f" {told}" not in viewer
    pair = world.candidate("a", "b").row.candidate_id
    assert f"/app/pairs/{pair}" not in shown.text
    assert not has_seen(world, SECOND), "nothing of a score was shown"

    (row,) = rows_since(world, start)
    assert (row.act, row.count, row.actor) == ("read-record", 2, SECOND.pseudonym)
    scans = (scan_of("a", BREECH), scan_of("b", BREECH))
    assert row.subjects == (world.records["a"], world.records["b"], *scans)
    assert json.loads(row.asked or "") == {"beside each other": " ".join(scans)}


def bare(text: str) -> str:
    """What a page says below its head, beside what the two records say of themselves."""
    text = text.partition("<main")[2]
    for name in "abc":
        digest = scan_of(name, BREECH)
        text = text.replace(digest, "SCAN").replace(digest[:16], "SCAN").replace(f"case-{name}", "CASE")
    text = text.replace("North Macedonia", "STATE").replace("Serbia", "STATE")
    return re.sub(r"[0-9a-f]{64}|\?[^\"<> ]*", "", text)


def test_whether_two_scans_were_compared_is_not_told_to_who_may_judge_them(world: BlindWorld) -> None:
    """The same page of a pair that was compared and of one that never was, but for what it says of the records."""
    told = [bare(answers(world, SECOND, address("a", other))[0].text) for other in "bc"]
    assert told[0] == told[1]


@pytest.mark.parametrize("who", [INVESTIGATOR, HEAD], ids=lambda who: who.role.value)
def test_who_never_judges_blind_is_led_to_the_pair_and_has_seen_it(world: BlindWorld, who: Maker) -> None:
    [compared, never] = answers(world, who, address("a", "b"), address("a", "c"))
    assert f'href="/app/pairs/{world.candidate("a", "b").row.candidate_id}"' in compared.text
    assert "/app/pairs/" not in never.text
    assert has_seen(world, who)


def test_an_examiner_who_was_shown_a_score_is_led_to_the_pair(world: BlindWorld) -> None:
    pair = f'href="/app/pairs/{world.candidate("a", "b").row.candidate_id}"'
    assert pair not in answers(world, SECOND, address("a", "b"))[0].text
    world.shown(SECOND, "a", "b", PIN)
    assert pair in answers(world, SECOND, address("a", "b"))[0].text


def test_two_scans_that_wait_for_a_blind_judgement_are_shown_as_any_two(world: BlindWorld) -> None:
    """Taken or not: the page tells nobody that they wait, and no more than the verification does."""
    before = bare(answers(world, SECOND, address("a", "b"))[0].text)
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    world.concludes(FIRST, "a", "b")
    start = following(world)
    [shown, never] = answers(world, SECOND, address("a", "b"), address("a", "c"))
    assert bare(shown.text) == before == bare(never.text)
    assert "/app/pairs/" not in shown.text
    assert [(row.act, row.count) for row in rows_since(world, start)] == [("read-record", 2)] * 2
    assert not has_seen(world, SECOND)
    with world.rs.store.write() as session:
        (task,) = tasks_for(session, SECOND.pseudonym)
        take_task(session, SECOND.pseudonym, task.task_id)
    assert bare(answers(world, SECOND, address("a", "b"))[0].text) == before

    [shown] = answers(world, FIRST, address("a", "b"))
    assert f'href="/app/pairs/{world.candidate("a", "b").row.candidate_id}"' in shown.text, "who concluded has seen it"


def test_a_control_is_shown_as_a_conclusion(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from exchange.flows.blind import send

    world.shown(FIRST, "a", "b", BREECH, opened=True)
    world.concludes(FIRST, "a", "b")
    drawn = world.candidate("c", "b", BREECH).row.candidate_id
    monkeypatch.setattr(send, "_draw_control", lambda *_: drawn)
    send.draw_control(world.rs, 2**127)
    one, other = answers(world, SECOND, address("a", "b"), address("c", "b"))
    assert one.status_code == 200
    assert bare(one.text) == bare(other.text)


def test_what_a_person_may_not_see_is_not_found(world: BlindWorld) -> None:
    """Held by a court, not delivered, withdrawn: the answer of a digest that nobody ever had."""
    path, unknown = address("a", "b"), f"/app/compare?a={scan_of('a', BREECH)}&b={UNKNOWN}"
    alone, nobody = f"/app/compare?a={scan_of('b', BREECH)}", f"/app/compare?a={UNKNOWN}"
    assert [answer.status_code for answer in answers(world, INVESTIGATOR, path, alone)] == [200, 200]

    def check() -> None:
        for who in (SECOND, INVESTIGATOR, HEAD):
            refused = answers(world, who, path, unknown, alone, nobody)
            assert {answer.status_code for answer in refused} == {404}
            assert plain(refused[0]) == plain(refused[1])
            assert plain(refused[2]) == plain(refused[3])

    with world.rs.store.write() as session:
        session.get_one(RecordRow, world.records["b"]).restricted = True
    check()
    with world.rs.store.write() as session:
        session.get_one(RecordRow, world.records["b"]).restricted = False
        scans = session.query(AcquisitionRow).filter_by(statement_id=world.records["b"]).all()
        for scan in scans:
            scan.delivered_at = None
    check()
    with world.rs.store.write() as session:
        for scan in session.query(AcquisitionRow).filter_by(statement_id=world.records["b"]):
            scan.delivered_at = stamp()
    assert answers(world, INVESTIGATOR, path)[0].status_code == 200
    with world.rs.store.write() as session:
        erase_rows(session, world.records["b"])
    check()


@pytest.mark.parametrize("who", [AUDITOR, OPERATOR], ids=lambda who: who.role.value)
def test_who_reads_no_records_compares_none(world: BlindWorld, who: Maker) -> None:
    nobodys = f"/app/compare?a={scan_of('a', BREECH)}&b={UNKNOWN}"
    known, unknown, choice = answers(world, who, address("a", "b"), nobodys, "/app/compare")
    assert {known.status_code, unknown.status_code, choice.status_code} == {403}
    assert plain(known) == plain(unknown)


def test_two_scans_of_which_none_is_this_nodes_own_are_not_compared(world: BlindWorld) -> None:
    first = scan_of("b", BREECH)
    refused, choice = answers(
        world,
        INVESTIGATOR,
        address("b", "b").replace(f"b={first}", f"b={scan_of('b', PIN)}"),
        f"/app/compare?a={first}",
    )
    assert refused.status_code == 403
    assert choice.status_code == 200
    for name in ("a", "c"):
        assert f"/app/compare?a={first}&amp;b={scan_of(name, BREECH)}" in choice.text
    assert f"/app/compare?a={first}&amp;b={scan_of('b', PIN)}" not in choice.text
    assert "Only records of this node are offered" in choice.text


def test_one_scan_twice_is_refused_whatever_it_is(world: BlindWorld) -> None:
    known, unknown = (
        answers(world, SECOND, f"/app/compare?a={sha256}&b={sha256}")[0] for sha256 in (scan_of("a", BREECH), UNKNOWN)
    )
    assert known.status_code == 422
    assert "one scan twice" in known.text
    assert plain(known) == plain(unknown)


@pytest.mark.parametrize("query", ["a=1", "a=" + "A" * 64, "a=..", "b=%00", "find=" + "a" * 65])
def test_what_is_no_digest_is_refused(world: BlindWorld, query: str) -> None:
    assert answers(world, SECOND, f"/app/compare?{query}")[0].status_code == 422


def test_a_second_scan_is_chosen_by_its_record(world: BlindWorld) -> None:
    first = scan_of("a", BREECH)
    start = following(world)
    recent, of_case, of_item, of_record, of_scan, none = answers(
        world,
        SECOND,
        *(
            f"/app/compare?a={first}&find={typed}"
            for typed in ("", "case-b", "nothing%20such", world.records["c"], scan_of("c", PIN), "%00%0a")
        ),
    )
    for answer in (recent, of_case, of_item, of_record, of_scan, none):
        assert answer.status_code == 200
        assert f"?a={first}&amp;b={first}" not in answer.text
    assert f"/app/compare?a={first}&amp;b={scan_of('b', PIN)}" in recent.text
    assert f"/app/compare?a={first}&amp;b={scan_of('a', PIN)}" in recent.text, "another region of the same exhibit"
    assert (scan_of("b", BREECH) in of_case.text, scan_of("c", BREECH) in of_case.text) == (True, False)
    assert "No record fits." in of_item.text
    assert "No record fits." in none.text
    for answer in (of_record, of_scan):
        assert (scan_of("b", BREECH) in answer.text, scan_of("c", BREECH) in answer.text) == (False, True)
    rows = rows_since(world, start)
    assert {row.act for row in rows} == {"search-records"}
    assert json.loads(rows[1].asked or "") == {"beside": first, "find": "case-b"}

    [choice] = answers(world, SECOND, "/app/compare")
    assert f'href="/app/compare?a={first}"' in choice.text, "the first one is chosen in the same way"
    [record] = answers(world, SECOND, f"/app/records/{world.records['a']}")
    assert f'href="/app/compare?a={first}"' in record.text
