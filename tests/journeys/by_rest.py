"""A laboratory whose people work through the routes of programs alone.

Nobody is told anything beside them: the other side learns of each step by its alerts, the second examiner finds what
waits for a blind judgement, and each statement of a hit is what the hit itself says may be signed next.
"""

from __future__ import annotations

from typing import Any

from exchange.flows.review.next_statements import completed
from schemas.vocabulary import Role
from tests.journeys.day import CALIBRE, HANDLING, RETENTION, DayExhibit, HeldByLaboratory
from tests.journeys.people import Program, Side, until
from tests.schemas.results import ON, SCREEN


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
        pair = self._pair(self.first, own, other)
        conclusion = self.first.say("conclusion", pair=pair, **SCREEN)
        assert [item["conclusion"] for item in self.first.read("/verifications")["own"]] == [conclusion]
        assert self.second.get(f"/candidates/{found['candidate_id']}").status_code == 404, "before it was verified"
        self._verify("screen", own, other)
        (lead,) = self.first.read("/verifications")["to_send"]
        assert lead["conclusion"] == conclusion
        assert (lead["body"]["score"], lead["body"]["matcher"]) == (round(found["score"], 4), found["matcher"])
        return self.first.say(**_draft(lead["body"]))

    def learn(self, hit: str, step: str) -> None:
        until(lambda: self._is_told(hit, step), f"{step} arrives")
        history = self.investigator.read(f"/hits/{hit}")["history"]
        assert any(said["statement_id"].startswith(step) and said["no_effect"] is None for said in history)

    def ask(self, hit: str, day: str, place: str) -> str:
        return self._next(self.investigator, hit, step="asked", on=day, place=place)

    def agree(self, hit: str, day: str, place: str) -> str:
        return self._next(self.investigator, hit, step="agreed", on=day, place=place)

    def send_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._next(self.investigator, hit, step="sent", record=record, on=day, seal=seal)

    def receive_exhibit(self, hit: str, record: str, day: str, seal: str, place: str) -> str:
        found = {"record": record, "on": day, "seal": seal, "place": place, "seal_whole": "yes"}
        return self._next(self.investigator, hit, step="received", **found)

    def return_exhibit(self, hit: str, record: str, day: str, seal: str) -> str:
        return self._next(self.investigator, hit, step="returned", record=record, on=day, seal=seal)

    def confirm(self, hit: str) -> str:
        pair = self.first.read(f"/hits/{hit}")["pair"]
        self._next(self.first, hit, type="conclusion", **{"result.conclusion": "identification"})
        assert self.second.get(f"/hits/{hit}").status_code == 404, "before it was verified"
        self._verify("exhibits", pair["a"]["record"], pair["b"]["record"])
        return self._next(self.first, hit, type="hit", stage="confirmed")

    def give_feedback(self, hit: str) -> str:
        return self._next(self.investigator, hit, type="feedback", outcome="cases_joined")

    def _next(self, who: Program, hit: str, **stated: str) -> str:
        """Sign the one statement that the hit offers with this step or of this type: what it has filled in is right,
        and what it says is missing is all that must be stated."""
        what = "step" if "step" in stated else "type"
        offered = self._offered(who, hit)
        assert [one["body"].get(what) for one in offered].count(stated[what]) == 1, (stated, offered)
        found = next(one for one in offered if one["body"].get(what) == stated[what])
        known = {name: value for name, value in found["body"].items() if name in stated}
        assert known == {name: stated[name] for name in known}
        assert set(found["missing"]) <= stated.keys() <= {*found["body"], *found["missing"], *found["optional"]}
        return who.say(**_draft(completed(found["body"], stated)))

    def _offered(self, who: Program, hit: str) -> list[dict[str, Any]]:
        offered: list[dict[str, Any]] = who.read(f"/hits/{hit}")["next"]
        return offered

    def _verify(self, basis: str, *records: str) -> None:
        """The second examiner finds the task, looks at both scans, and judges."""
        (task,) = self.second.read("/verifications")["tasks"]
        assert (task["basis"], task["mine"]) == (basis, False)
        address = f"/verifications/{task['task_id']}"
        assert self.second.get(address).status_code == 404, "before it is taken"
        assert self.second.post(f"{address}/take", None).status_code == 204
        specimens = self.second.read(address)["specimens"]
        assert {one["record"] for one in specimens} == set(records)
        for one in specimens:
            for drawn in ("blob", "heights"):
                assert self.second.get(one[drawn].removeprefix("/v1")).status_code == 200
        answer = self.second.post(address, {"conclusion": ON[basis]["result"]["conclusion"]})
        assert answer.status_code == 201, answer.text
        assert self.second.read("/verifications")["tasks"] == []

    def _is_told(self, hit: str, step: str) -> bool:
        told = self.investigator.read("/alerts")["items"]
        return any((line["statement_id"] or "").startswith(step) and line["leads_to"] == "hit" for line in told)

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


def _draft(body: dict[str, Any]) -> dict[str, Any]:
    """As ``Program.say`` takes it."""
    return {"kind" if name == "type" else name: value for name, value in body.items()}
