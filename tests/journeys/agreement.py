"""What both sides are told when the day is over: every page, list, report and figure says what the routes of programs
say, and what the facts of the day are."""

from __future__ import annotations

import html
import io
import re
import zipfile
from dataclasses import dataclass

from schemas.vocabulary import Role
from tests.exchange import extended
from tests.journeys.casework import DayDone
from tests.journeys.day import (
    DAYS,
    MK_DAY,
    RS_DAY,
    SEAL_HOME,
    SEAL_OUT,
    THEIRS,
    TOWN_OF_MK,
    TOWN_OF_RS,
    DayExhibit,
    SideOfTheDay,
    today,
)
from tests.journeys.people import Program, Side, Visitor, text_of, until

WAITING = r'<(?:ul class="duties[^"]*"|ol class="card work")>.*?</(?:ul|ol)>'
"""What the first page says is to be done."""
SPOKEN_OF_A_HIT = ("hit", "physical-comparison", "feedback")
ALERTS = {
    RS_DAY: ("A hit was signed", "An exhibit is on its way to your side", "News on a hit: feedback"),
    MK_DAY: (
        "A hit was signed",
        "An exhibit arrived at the other side",
        "An exhibit is on its way back",
        "News on a hit: feedback",
    ),
}
CONCLUDED = {RS_DAY: 2, MK_DAY: 1}
"""Conclusions of own examiners: on the screen, and on the exhibits."""


@dataclass
class Reader:
    """Those of one side who read when the day is over."""

    side: Side
    other: SideOfTheDay
    done: DayDone
    investigator: Visitor
    head: Visitor
    program: Program

    @classmethod
    def of(cls, side: Side, done: DayDone) -> Reader:
        other = next(day for day in DAYS if day is not side.day)
        people = (side.visitor(role, "reader") for role in (Role.INVESTIGATOR, Role.HEAD))
        return cls(side, other, done, *people, side.program(Role.INVESTIGATOR, "reader"))

    def ids(self, *exhibits: DayExhibit) -> list[str]:
        return [self.done.records[one] for one in exhibits]


def check_agreement(rs: Side, mk: Side, done: DayDone) -> None:
    """On each side, and between the two."""
    readers = [Reader.of(side, done) for side in (rs, mk)]
    said = [check_hit(reader) for reader in readers]
    assert said[0] == said[1], "one history on both sides"
    for reader in readers:
        check_records(reader)
        check_cases(reader)
        check_firearms(reader)
        check_lists_of_hits(reader)
        check_reports(reader)
        for extension in extended.modules("day_in_figures"):
            extension.check_day(reader)
        check_alerts(reader)
    for reader in readers:
        check_serial_numbers(reader)


def check_records(reader: Reader) -> None:
    """All thirteen records, and each search, on the page as by REST."""
    everything = [*RS_DAY.entered, *MK_DAY.entered]
    searches: list[tuple[dict[str, str], list[DayExhibit]]] = [({}, everything)]
    for day in DAYS:
        searches += [
            ({"case_reference": day.case_reference}, list(day.exhibits)),
            ({"firearm": day.firearm.firearm_id}, list(day.test_fires)),
            ({"jurisdiction": day.jurisdiction, "item": "3"}, [day.exhibits[2]]),
        ]
    searches += [
        ({"incident": "2"}, list(RS_DAY.exhibits[2:])),
        ({"seal": THEIRS.seal}, [THEIRS]),
        ({"kind": "test_fire"}, [*RS_DAY.test_fires, *MK_DAY.test_fires]),
    ]
    for asked, fits in searches:
        answered = reader.program.read("/records", limit="100", **asked)["items"]
        shown = reader.investigator.http.get(f"{reader.side.node.url}/app/search", params=asked).text
        assert _records_in(shown) == [item["statement_id"] for item in answered], asked
        assert {item["statement_id"] for item in answered} == set(reader.ids(*fits)), asked
        assert all(one.name in shown for one in fits), asked
    table = reader.investigator.read("/app/search.csv")
    assert all(name in table for name in reader.ids(*everything))
    for exhibit, name in reader.done.records.items():
        signed = reader.program.read(f"/records/{name}")["statement"]["exhibit"]
        assert (signed["item"], signed["seal"], signed.get("incident")) == (
            exhibit.item,
            exhibit.seal,
            exhibit.incident,
        )
        shown = reader.investigator.read(f"/app/records/{name}")
        assert all(word in shown for word in (exhibit.name, exhibit.seal))
        assert reader.program.get(f"/records/{name}/envelope").status_code == 200


def check_cases(reader: Reader) -> None:
    """Both cases, by incident, as REST would group them."""
    for day in DAYS:
        page = reader.investigator.read(f"/app/cases/{day.jurisdiction}/{day.case_reference}")
        headings = re.split(r"<h3>Incident ([^<]+)</h3>", page.partition("<h2>Exhibits</h2>")[2])[1:]
        parts = headings or [day.exhibits[0].incident or "", page.partition("<h2>Exhibits</h2>")[2]]
        shown = {incident: set(_records_in(part)) for incident, part in zip(parts[::2], parts[1::2], strict=True)}
        answered: dict[str, set[str]] = {}
        for item in reader.program.read("/records", case_reference=day.case_reference)["items"]:
            answered.setdefault(item["incident"], set()).add(item["statement_id"])
        assert shown == answered
        assert set(shown) == {one.incident for one in day.exhibits}
        assert f'<a href="/app/hits/{reader.done.hit}">confirmed hit</a>' in page


def check_firearms(reader: Reader) -> None:
    """The own one with three test fires and its serial number; the other side's is not here."""
    own, theirs = reader.side.day, reader.other
    name = own.firearm.firearm_id
    page, answer = reader.investigator.read(f"/app/firearms/{name}"), reader.program.read(f"/firearms/{name}")
    assert _records_in(page) == answer["test_fires"] == reader.ids(*reversed(own.test_fires))
    assert own.firearm.serial_number == answer["serial_number"]
    assert own.firearm.serial_number in page
    assert all(one.name in page for one in own.test_fires)
    listed = reader.program.read("/firearms")["items"]
    assert [item["firearm"]["firearm_id"] for item in listed] == [name]
    assert re.findall(r'href="/app/firearms/([^"?]+)"', reader.investigator.read("/app/firearms")) == [name]
    elsewhere = theirs.firearm.firearm_id
    assert reader.investigator.get(f"/app/firearms/{elsewhere}").status_code == 404
    assert reader.program.get(f"/firearms/{elsewhere}").status_code == 404


def check_hit(reader: Reader) -> set[str]:
    """Confirmed, with both signatures and the exhibit at home; returns the statements of which it consists."""
    address = f"/app/hits/{reader.done.hit}"
    until(lambda: "provisional" not in reader.investigator.get(address).text.lower(), "countersigned")
    page = html.unescape(reader.investigator.read(address))
    owner, receiver = MK_DAY.node_id, RS_DAY.node_id
    assert "<h1>Confirmed hit: " in page
    assert "With its owner again since" in page
    custody = page.partition('id="custody"')[2].partition("</section>")[0]
    assert re.findall(r"seal ([A-Z]{2} \d{4})", custody) == [SEAL_OUT, SEAL_OUT, SEAL_HOME, SEAL_HOME]
    assert all(town in custody for town in (TOWN_OF_RS, TOWN_OF_MK))
    assert custody.count("seal whole: yes") == 2
    assert 'class="problem"' not in page, "no seal gives to think, nothing is without effect, nothing is late"
    signatures = page.partition('id="signatures"')[2].partition("</section>")[0]
    assert all(f"{side} signed the confirmed hit" in signatures for side in ("Serbia", "North Macedonia"))
    assert "is missing" not in page
    assert all(f"{side} says: cases joined" in page for side in ("Serbia", "North Macedonia"))
    assert "All is said: the hit is confirmed" in page, "nobody has a turn"

    of_the_hit = _statements_of(reader)
    shown = set(re.findall(r'<li id="s-([0-9a-f]{12})"', page))
    assert shown == {name[:12] for name in of_the_hit}
    assert {step[:12] for step in (reader.done.hit, *reader.done.steps)} <= shown
    kinds = [reader.program.read(f"/statements/{name}")["statement"] for name in of_the_hit]
    confirmed = [said["issuer"] for said in kinds if said["type"] == "hit" and said["stage"] == "confirmed"]
    assert sorted(confirmed) == [owner, receiver]
    moved = [said["step"] for said in kinds if said.get("record")]
    assert sorted(moved) == ["received", "received", "returned", "sent"]
    return of_the_hit


def check_lists_of_hits(reader: Reader) -> None:
    """It stands where nobody has a turn; nothing of a hit waits for anybody."""
    for person in (reader.investigator, reader.head):
        assert f"/app/hits/{reader.done.hit}" not in person.read("/app/hits")
        closed = person.read("/app/hits?closed=1")
        assert all(word in closed for word in (f'/app/hits/{reader.done.hit}">confirmed hit</a>', THEIRS.name))
        assert "/app/hits" not in "".join(re.findall(WAITING, person.read("/app/"), re.DOTALL))


def check_reports(reader: Reader) -> None:
    """The report of the page, and that of the bundle by REST."""
    page = reader.investigator.read(f"/app/hits/{reader.done.hit}")
    (pair,) = set(re.findall(r"/app/pairs/(\d+)/report\.pdf", page))
    bundle = reader.program.get(f"/candidates/{pair}/bundle")
    assert bundle.status_code == 200
    with zipfile.ZipFile(io.BytesIO(bundle.content)) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(".pdf")]
        by_rest = text_of(packed.read(name))
    by_page = text_of(reader.investigator.get(f"/app/pairs/{pair}/report.pdf").content)
    told = [f"{day.exhibits[0].name}" for day in DAYS] + [day.exhibits[0].seal for day in DAYS] + [SEAL_OUT, SEAL_HOME]
    told += [f"{side} signed the confirmed hit" for side in ("Serbia", "North Macedonia")]
    told += [f"With its owner again since {today()}"]
    for text in (by_page, by_rest):
        assert not [word for word in told if word not in text]
        assert "is missing" not in text


def check_alerts(reader: Reader) -> None:
    """What came is among what is new, and each line leads to a statement of the hit."""
    page = html.unescape(reader.investigator.read("/app/alerts"))
    assert not [line for line in ALERTS[reader.side.day] if line not in page]
    led_to = set(re.findall(rf'href="/app/hits/{reader.done.hit}#s-([0-9a-f]{{12}})"', page))
    assert led_to
    assert led_to <= {name[:12] for name in _statements_of(reader)}


def check_serial_numbers(reader: Reader) -> None:
    """That of the other side's firearm is in nothing that this side's node answered all day; its own is."""
    told = [where for where, text in reader.side.heard.items() if reader.other.firearm.serial_number in text]
    assert not told
    assert any(reader.side.day.firearm.serial_number in text for text in reader.side.heard.values())


def _statements_of(reader: Reader) -> set[str]:
    """What was said of the pair, by REST: hits, what they rest on, steps, feedback."""
    hits = [
        item
        for item in reader.program.read("/statements", kind="hit", limit="200")
        if item["statement"]["pair"] == reader.program.read(f"/statements/{reader.done.hit}")["statement"]["pair"]
    ]
    found = {item["statement_id"] for item in hits}
    for item in hits:
        found |= {item["statement"]["conclusion"], item["statement"]["verification"]}
        about = reader.program.read("/statements", about=item["statement_id"], limit="200")
        found |= {said["statement_id"] for said in about if said["type"] in SPOKEN_OF_A_HIT}
    return found


def _records_in(page: str) -> list[str]:
    """The records of a table, in its order."""
    return re.findall(r'<tr><td class="pictured">.*?</td><td><a href="/app/records/([0-9a-f]{64})"', page)


def plain(cell: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", cell).split())
