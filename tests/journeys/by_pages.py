"""A laboratory whose people work at the pages alone, each form posted as a browser without script posts it. Scans alone
are sent as the page's script sends them: no form does that."""

from __future__ import annotations

import re

from schemas.vocabulary import Role
from tests.exchange.web.pages.entry.test_register import Desk
from tests.journeys.day import CALIBRE, HANDLING, RETENTION, DayExhibit, HeldByLaboratory
from tests.journeys.people import Side, Visitor, until

TASK = r'action="(/app/verifications/[0-9a-f]{32})/take"'


class ByPages:
    def __init__(self, side: Side) -> None:
        self.side = side
        self.first = side.visitor(Role.EXAMINER, "first")
        self.second = side.visitor(Role.EXAMINER, "second")
        self.investigator = side.visitor(Role.INVESTIGATOR, "investigator")

    def enter_firearm(self, firearm: HeldByLaboratory) -> None:
        led_to = self.first.send("/app/firearms", **firearm.stated, serial_number=firearm.serial_number)
        assert firearm.serial_number in self.first.read(led_to)

    def register(self, exhibit: DayExhibit, scan: bytes) -> str:
        desk = Desk(self.first, self._begun(exhibit))
        file_id = desk.send(scan, f"{exhibit.item}.x3p".replace("/", "-"))
        typed = self._typed(exhibit) | {f"file.{file_id}.roi": "breech_face"}
        saved = desk.save({**desk.fields(), **typed}, act="summary")
        assert saved.headers["location"] == f"{desk.address}/summary", saved.text
        summary = self.first.read(f"{desk.address}/summary")
        assert exhibit.seal in summary
        return desk.submit(summary).headers["location"].rpartition("/")[2]

    def wait_correlated(self, records: list[str]) -> None:
        for record in reversed(records):  # the last one is the last to be done, as a rule
            until(lambda name=record: self._is_correlated(name), f"{record} is correlated")

    def ranked(self, record: str) -> list[str]:
        lines = candidate_lines(self.first.read(f"/app/records/{record}/candidates?rest=weaker"))
        return [sides[1] for _, sides in lines if self._jurisdiction(sides[1]) == self.side.day.partner]

    def sign_lead(self, own: str, other: str) -> str:
        lines = candidate_lines(self.first.read("/app/candidates"))
        pair = next(address for address, sides in lines if {own, other} == set(sides))
        self.first.send(f"{pair}/conclusion", conclusion="possible_association", remark="")
        assert "possible association" in self.first.read(pair)
        assert self.second.get(pair).status_code == 404, "before it was verified"
        self._verify("possible_association")
        sending = re.findall(rf'action="({pair}/conclusion/[0-9a-f]{{64}}/hit)"', self.first.read(pair))
        return self.first.send(*sending).rpartition("/")[2]

    def learn(self, hit: str, step: str) -> None:
        until(lambda: f'id="s-{step[:12]}"' in self.investigator.get(f"/app/hits/{hit}").text, f"{step} arrives")

    def ask(self, hit: str, day: str, place: str) -> str:
        return self._signed(self.investigator, hit, "comparison", step="asked", on=day, place=place)

    def agree(self, hit: str, day: str, place: str) -> str:
        page = self.investigator.read(f"/app/hits/{hit}")
        for name, named in (("on", day), ("place", place)):
            assert re.search(rf'name="{name}"[^>]* value="{named}"', page), "as the other side named it"
        return self._signed(self.investigator, hit, "comparison", step="agreed", on=day, place=place)

    def send_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._moved(hit, "sent", record, on=day, seal=seal)

    def receive_exhibit(self, hit: str, record: str, day: str, seal: str, place: str) -> str:
        return self._moved(hit, "received", record, on=day, seal=seal, place=place, seal_whole="yes")

    def return_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._moved(hit, "returned", record, on=day, seal=seal)

    def confirm(self, hit: str) -> str:
        self._signed(self.first, hit, "conclusion", conclusion="identification", remark="")
        self._verify("identification")
        (review,) = re.findall(r'name="review" value="([0-9a-f]{64})"', self.first.read(f"/app/hits/{hit}"))
        return self._signed(self.first, hit, "done", review=review)

    def give_feedback(self, hit: str) -> str:
        return self._signed(self.investigator, hit, "feedback", outcome="cases_joined", remark="")

    def _begun(self, exhibit: DayExhibit) -> str:
        """The draft: of a test fire it begins at the firearm."""
        if exhibit.fired_by is None:
            return self.first.send("/app/register", act="new", case_reference=exhibit.case_reference)
        return self.first.send(f"/app/firearms/{exhibit.fired_by.firearm_id}", act="test-fire")

    def _typed(self, exhibit: DayExhibit) -> dict[str, str]:
        return {
            "case_reference": exhibit.case_reference,
            "exhibit.kind": exhibit.kind,
            "exhibit.calibre": CALIBRE,
            "exhibit.incident": exhibit.incident or "",
            "exhibit.item": exhibit.item,
            "exhibit.seal": exhibit.seal,
            "handling.code": HANDLING,
            "level": "full",
            f"audience.{self.side.day.partner}": "yes",
            "retention_until": RETENTION,
        }

    def _is_correlated(self, record: str) -> bool:
        """As the page of the record tells of its one scan."""
        shown = self.investigator.get(f"/app/records/{record}")
        return shown.status_code == 200 and ">correlated<" in shown.text

    def _jurisdiction(self, record: str) -> str:
        signed = self.investigator.read(f"/app/records/{record}")
        return str(re.findall(r'href="/app/cases/([A-Z]{2})/', signed)[0])

    def _verify(self, conclusion: str) -> None:
        """The second examiner takes the one task that waits, and concludes."""
        (task,) = re.findall(TASK, self.second.read("/app/verifications"))
        assert self.second.send(f"{task}/take") == task
        assert f'name="conclusion" value="{conclusion}"' in self.second.read(task)
        assert self.second.send(task, conclusion=conclusion, remark="") == "/app/verifications"

    def _moved(self, hit: str, step: str, record: str, **fields: str) -> str:
        """A step of an exhibit, by the form that the page offers first, with what that form is filled in with."""
        page = self.investigator.read(f"/app/hits/{hit}")
        form = re.findall(rf'<form [^>]*action="/app/hits/{hit}/custody"[^>]*>.*?</form>', page, re.DOTALL)[0]
        offered = dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', form))
        offered.pop("csrf")
        assert (offered["step"], offered["record"]) == (step, record)
        assert offered["seal"] == "", "who signs has read it"
        if step == "received":
            assert fields["seal"] in form, "that it left under"
        return self._signed(self.investigator, hit, "custody", **offered | fields)

    def _signed(self, who: Visitor, hit: str, action: str, **fields: str) -> str:
        """A step of a hit; returns the beginning of its statement's id, where the browser is led to."""
        return who.send(f"/app/hits/{hit}/{action}", **fields).rpartition("#s-")[2]


def candidate_lines(page: str) -> list[tuple[str, tuple[str, str]]]:
    """Of a list of exhibit pairs: the page of each one's best scans, and its two records, the one of the list first."""
    found = []
    for line in re.findall(r'<li class="card exhibit-pair.*?</li>', page, re.DOTALL):
        pair, own = re.findall(r'href="(/app/pairs/\d+)\?from=([0-9a-f]{64})', line)[0]
        (other,) = re.findall(r'href="/app/records/([0-9a-f]{64})"', line)
        found.append((pair, (own, other)))
    return found
