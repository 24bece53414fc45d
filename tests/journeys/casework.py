"""What two laboratories do that day, step by step, whoever acts: by REST or by pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tests.journeys.day import (
    MK_DAY,
    OURS,
    RS_DAY,
    SEAL_HOME,
    SEAL_OUT,
    THEIRS,
    TOWN_OF_MK,
    TOWN_OF_RS,
    DayExhibit,
    HeldByLaboratory,
    today,
)


class Laboratory(Protocol):
    """Two examiners and an investigator of one side. Each step returns the beginning of its statement's id at least,
    by which ``learn`` waits for it on the other side."""

    def enter_firearm(self, firearm: HeldByLaboratory) -> None: ...
    def register(self, exhibit: DayExhibit, scan: bytes) -> str:
        """Signed by the first examiner; returns the record's id."""

    def wait_correlated(self, records: list[str]) -> None: ...
    def ranked(self, record: str) -> list[str]:
        """The records across the border on its candidate list, the best first."""

    def sign_lead(self, own: str, other: str) -> str:
        """The first examiner concludes on the screen, the second verifies blind, the first sends; returns the hit."""

    def learn(self, hit: str, step: str) -> None: ...
    def ask(self, hit: str, day: str, place: str) -> str: ...
    def agree(self, hit: str, day: str, place: str) -> str: ...
    def send_exhibit(self, hit: str, record: str, day: str, seal: str) -> str: ...
    def receive_exhibit(self, hit: str, record: str, day: str, seal: str, place: str) -> str: ...
    def return_exhibit(self, hit: str, record: str, day: str, seal: str) -> str: ...
    def confirm(self, hit: str) -> str:
        """Both examiners identify on the exhibits; returns the confirmed hit."""

    def give_feedback(self, hit: str) -> str: ...


@dataclass
class DayDone:
    """``records``: by exhibit; ``steps``: what was signed of the hit after it, in order."""

    records: dict[DayExhibit, str] = field(default_factory=dict)
    hit: str = ""
    steps: list[str] = field(default_factory=list)


def live(rs: Laboratory, mk: Laboratory, scans: dict[tuple[int, int], bytes]) -> DayDone:
    """The whole day.

    1. Each side enters its firearm, and registers its exhibits and test fires.
    2. Each finds the other's cases of firearm A before all others.
    3. Serbia signs the lead; both agree on a day.
    4. North Macedonia's exhibit travels; Serbia confirms on the exhibits, and so does North Macedonia.
    5. The exhibit goes home, and both say what became of it.
    """
    done = DayDone()

    # 1.
    for laboratory, day in ((rs, RS_DAY), (mk, MK_DAY)):
        laboratory.enter_firearm(day.firearm)
        for exhibit in day.entered:
            done.records[exhibit] = laboratory.register(exhibit, scans[exhibit.drawn])
    for laboratory in (rs, mk):
        laboratory.wait_correlated(list(done.records.values()))

    # 2.
    ours, theirs = done.records[OURS], done.records[THEIRS]
    for laboratory, record, there in ((rs, ours, MK_DAY), (mk, theirs, RS_DAY)):
        of_one_firearm = {done.records[one] for one in there.exhibits[:2]}
        assert set(laboratory.ranked(record)[:2]) == of_one_firearm

    # 3.
    done.hit = rs.sign_lead(ours, theirs)
    mk.learn(done.hit, done.hit)

    def said(speaker: Laboratory, step: str) -> None:
        """Known on both sides before the next one is signed."""
        done.steps.append(step)
        (mk if speaker is rs else rs).learn(done.hit, step)

    said(rs, rs.ask(done.hit, today(), TOWN_OF_RS))
    said(mk, mk.agree(done.hit, today(), TOWN_OF_RS))

    # 4.
    said(mk, mk.send_exhibit(done.hit, theirs, today(), SEAL_OUT))
    said(rs, rs.receive_exhibit(done.hit, theirs, today(), SEAL_OUT, TOWN_OF_RS))
    for laboratory in (rs, mk):
        said(laboratory, laboratory.confirm(done.hit))

    # 5.
    said(rs, rs.return_exhibit(done.hit, theirs, today(), SEAL_HOME))
    said(mk, mk.receive_exhibit(done.hit, theirs, today(), SEAL_HOME, TOWN_OF_MK))
    for laboratory in (rs, mk):
        said(laboratory, laboratory.give_feedback(done.hit))
    return done
