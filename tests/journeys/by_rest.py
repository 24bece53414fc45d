"""A laboratory whose people work through the routes of programs alone.

A program is not told which conclusion waits for a blind verification: its maker names it to the second examiner, and
nothing else of it.
"""

from __future__ import annotations

from typing import Any

from schemas.vocabulary import Role
from tests.journeys.day import CALIBRE, HANDLING, RETENTION, DayExhibit, HeldByLaboratory
from tests.journeys.people import Program, Side, until


class ByRest:
    def __init__(self, side: Side) -> None:
        self.side = side
        self.first = side.program(Role.EXAMINER, "first")
        self.second = side.program(Role.EXAMINER, "second")
        self.investigator = side.program(Role.INVESTIGATOR, "investigator")

    def enter_firearm(self, firearm: HeldByLaboratory) -> None:
        body = {"firearm": firearm.stated, "serial_number": firearm.serial_number}
        answer = self.first.post("/firearms", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["serial_number"] == firearm.serial_number

    def register(self, exhibit: DayExhibit, scan: bytes) -> str:
        return self.first.submit(self._metadata(exhibit), scan)

    def wait_correlated(self, records: list[str]) -> None:
        for record in reversed(records):  # the last one is the last to be done, as a rule
            until(lambda name=record: self._is_correlated(name), f"{record} is correlated")

    def ranked(self, record: str) -> list[str]:
        items = self.first.read(f"/records/{record}/candidates")["items"]
        return [item["other"]["statement_id"] for item in items if item["cross_border"]]

    def sign_lead(self, own: str, other: str) -> str:
        items = self.first.read(f"/records/{own}/candidates")["items"]
        found = next(item for item in items if item["other"]["statement_id"] == other)
        drawn = {"pair": self._pair(self.first, own, other), "basis": "screen", "conclusion": "identification"}
        conclusion = self.first.say("conclusion", **drawn)
        assert self.second.get(f"/candidates/{found['candidate_id']}").status_code == 404, "before it was verified"
        verification = self.second.say("verification", verifies=conclusion, **drawn)
        rests_on = {"conclusion": conclusion, "verification": verification}
        ranked = {"score": round(found["score"], 4), "matcher": found["matcher"]}
        return self.first.say("hit", pair=drawn["pair"], stage="lead", basis="screen", **rests_on, **ranked)

    def learn(self, hit: str, step: str) -> None:
        until(lambda: self.investigator.get(f"/statements/{step}").status_code == 200, f"{step} arrives")

    def ask(self, hit: str, day: str, place: str) -> str:
        return self._step(hit, "asked", on=day, place=place)

    def agree(self, hit: str, day: str, place: str) -> str:
        return self._step(hit, "agreed", on=day, place=place)

    def send_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._step(hit, "sent", record=record, on=day, seal=seal)

    def receive_exhibit(self, hit: str, record: str, day: str, seal: str, place: str) -> str:
        return self._step(hit, "received", record=record, on=day, seal=seal, place=place, seal_whole="yes")

    def return_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._step(hit, "returned", record=record, on=day, seal=seal)

    def confirm(self, hit: str) -> str:
        pair = self.first.read(f"/statements/{hit}")["statement"]["pair"]
        drawn = {"pair": pair, "basis": "exhibits", "conclusion": "identification"}
        conclusion = self.first.say("conclusion", **drawn)
        verification = self.second.say("verification", verifies=conclusion, **drawn)
        rests_on = {"conclusion": conclusion, "verification": verification}
        return self.first.say("hit", pair=pair, stage="confirmed", basis="exhibits", **rests_on)

    def give_feedback(self, hit: str) -> str:
        return self.investigator.say("feedback", hit=hit, outcome="cases_joined")

    def _step(self, hit: str, step: str, **fields: str) -> str:
        return self.investigator.say("physical-comparison", hit=hit, step=step, **fields)

    def _is_correlated(self, record: str) -> bool:
        answer = self.investigator.get(f"/records/{record}")
        return answer.status_code == 200 and answer.json()["acquisitions"][0]["state"] == "correlated"

    def _metadata(self, exhibit: DayExhibit) -> dict[str, Any]:
        named = {"incident": exhibit.incident} if exhibit.incident else {}
        fired = {"firearm": exhibit.fired_by.stated} if exhibit.fired_by else {}
        stated = {"kind": exhibit.kind, "calibre": CALIBRE, "item": exhibit.item, "seal": exhibit.seal}
        return {
            "case_reference": exhibit.case_reference,
            "exhibit": {**stated, **named, **fired},
            "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
            "handling": {"code": HANDLING},
            "level": "full",
            "audience": [self.side.day.partner],
            "retention_until": RETENTION,
        }

    @staticmethod
    def _pair(who: Program, *records: str) -> dict[str, Any]:
        """The contract's pair, the smaller id first."""
        sides = []
        for record in sorted(records):
            found = who.read(f"/records/{record}")
            scan = found["acquisitions"][0]["sha256"]
            sides.append({"issuer": found["issuer"], "record": record, "scan": scan})
        return dict(zip("ab", sides, strict=True))
