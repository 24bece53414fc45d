"""What heads keep beside the exhibits: policy, law, meetings and actions, incidents, maturity, the list of the way in.
All of it is made up."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import propose_import, take_import
from exchange.coordination.law.law_draft import law_draft, publish_law, replace_articles
from exchange.coordination.maturity.checklist import StepChange, sign_checklist
from exchange.coordination.maturity.keep_snapshot import keep_snapshot
from exchange.coordination.meetings.agreed_actions import NewAction, add_action, change_action, list_actions
from exchange.coordination.meetings.held_meetings import Attendance, NewMeeting, enter_meeting
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.training.past_story import PAST_HEAD, Story
from exchange.flows.node.node import Node
from exchange.flows.terms.policy_change import change_policy, preview_policy
from exchange.log.audit_entry import Actor, ActorKind
from exchange.store.sync.node_hours import note_days
from schemas import LawArticle, LegalBasis
from schemas.vocabulary import (
    ActionState,
    ExhibitKind,
    Jurisdiction,
    MeetingKind,
    OfficeRole,
    OnboardingState,
    OnboardingStep,
    SharingRule,
)

BY_HEAD: Final = Actor(ActorKind.PERSON, PAST_HEAD.pseudonym, PAST_HEAD.role)
AGREEMENT: Final = "Made-up agreement on police cooperation, article 12"
SEIZED: Final[Mapping[tuple[str, str], SharingRule]] = {
    ("RS", "MK"): SharingRule.NEEDS_APPROVAL,
    ("MK", "RS"): SharingRule.NEEDS_APPROVAL,
    ("XK", "AL"): SharingRule.BLOCKED,
}
"""What the made-up laws say of seized exhibits, by who would give them to whom; of the rest no line speaks."""
_OFFENCES: Final = (("robbery", "not_injured"), ("homicide", "killed"), ("threat", "not_injured"))
Available = dict[str, dict[str, list[int]]]
_OPEN_KINDS: Final[tuple[ExhibitKind, ...]] = (ExhibitKind.CRIME_SCENE, ExhibitKind.TEST_FIRE, ExhibitKind.REPLICA)
BEGINS_H: Final = 8
"""The hour of the day at which the nodes begin."""
WITHOUT_LAW: Final = "BA"
"""A side that has not entered its law yet."""


def state_terms(story: Story, codes: Sequence[str]) -> None:
    """Each side's policy, and the law behind it."""
    review = date(story.clock().year + 3, 12, 31)
    for code in codes:
        node = story.node(code)
        story.clock.on(minutes=1)
        bases = tuple(_bases(code, codes, review))
        shown = preview_policy(node, PAST_HEAD, None, bases)
        change_policy(node, PAST_HEAD, None, bases, confirmed=shown.confirmation)
        if code != WITHOUT_LAW:
            _publish(node, [_allows(code), *_of_seized(code)])
        story.say_to_all(code)


def change_law(story: Story) -> None:
    """In a later half-year one side has an article more."""
    node = story.node("RS")
    story.clock.on(minutes=1)
    more = _article("RS", "29", [_rule("ask", "allowed"), _rule("receive", "allowed")], provisions=["eu-2008-615"])
    _publish(node, [*law_draft(node).articles, more])
    story.say_to_all("RS")


def hold_meeting(story: Story, codes: Sequence[str], kind: MeetingKind, chance: random.Random) -> dict[str, int]:
    """A meeting that each of these held, or went to; returns how many people of each were there."""
    people = {}
    day = story.clock().date()
    titles = {
        MeetingKind.LOCAL: "Made-up local coordination meeting",
        MeetingKind.REGIONAL: "Made-up regional coordination meeting",
        MeetingKind.TRAINING: "Made-up training of examiners",
    }
    for code in codes:
        story.clock.on(minutes=1)
        attended = tuple(
            Attendance(institution, role, sex, chance.randint(1, 4))
            for institution, role, sex in (
                (Institution.FOCAL_POINT, OfficeRole.HEAD, AttendeeSex.WOMEN),
                (Institution.LABORATORY, OfficeRole.EXAMINER, AttendeeSex.MEN),
                (Institution.POLICE, OfficeRole.INVESTIGATOR, AttendeeSex.WOMEN),
            )
        )
        enter_meeting(story.node(code), BY_HEAD, NewMeeting(kind, day, titles[kind], attended))
        people[code] = sum(line.count for line in attended)
    return people


def agree_on_actions(story: Story, codes: Sequence[str]) -> None:
    """What the regional meeting agreed on: each side signs what it proposed; of its actions before, one is done."""
    day = story.clock().date()
    for code, owner in zip(codes, [*codes[1:], codes[0]], strict=True):
        node = story.node(code)
        story.clock.on(minutes=1)
        for item in _own_open(node)[:1]:
            change_action(node, PAST_HEAD, item, ActionState.DONE, on=day, remark="Made up: done as agreed.")
        for title, owner_role, days in (
            ("Made up: name the article for seized exhibits.", OfficeRole.LEGAL_OFFICER, 150),
            ("Made up: train a second examiner.", OfficeRole.TRAINER, 60),
        ):
            due = day + timedelta(days=days)
            new = NewAction(title, Jurisdiction(owner), owner_role, due, MeetingKind.REGIONAL, day)
            add_action(node, PAST_HEAD, new)
        story.say_to_all(code)


def enter_incidents(story: Story, code: str, half: Half, chance: random.Random) -> dict[str, int]:
    """The incidents of a half-year that is over, from a table; returns what is true of them."""
    rows, told = ["incident,date,role,sex,age,offence,outcome,weapon"], Counter[str]()
    begin = datetime.fromisoformat(half.start).date()
    for number in range(1, chance.choice((9, 17, 31)) + 1):
        day = begin + timedelta(days=chance.randrange(180))
        offence, outcome = chance.choice(_OFFENCES)
        weapon = chance.choice(("pistol", "pistol", "rifle"))
        people = [("victim", chance.choice(("female", "male"))), ("perpetrator", "male")]
        for role, sex in people:
            became = outcome if role == "victim" else "not_injured"
            rows.append(f"{number},{day},{role},{sex},{chance.randint(16, 70)},{offence},{became},{weapon}")
            told[f"{role}s"] += 1
        told["incidents"] += 1
    story.clock.on(minutes=1)
    node, table = story.node(code), io.BytesIO(("\r\n".join(rows) + "\r\n").encode())
    entry = propose_import(node, BY_HEAD, half, table)
    take_import(node, BY_HEAD, half, entry.number)
    return dict(told)


def write_availability(story: Story, codes: Sequence[str], half: Half, begun: date, chance: random.Random) -> Available:
    """Each node ran but for some days, and asked the others while it ran. Returns of each the hours in which it ran, of
    how many; and in which it answered the others, of those in which they asked."""
    first = max(datetime.fromisoformat(half.start).date(), begun + timedelta(days=1))
    last = datetime.fromisoformat(half.end).date()
    days = [(first + timedelta(days=number)).isoformat() for number in range((last - first).days)]
    down = {code: set(chance.sample(days[20:], chance.choice((0, 1, 3)))) for code in codes}
    hours = round((datetime.fromisoformat(half.end) - _since(half, begun)).total_seconds() / 3600)
    found: Available = {}
    for code in codes:
        ran = [day for day in days if day not in down[code]]
        found[code] = {"own": [24 * len(ran), hours], "seen": [0, 0]}
    for code in codes:
        ran = [day for day in days if day not in down[code]]
        for other in codes:
            peer = story.node(other).node_id
            _write_down_days(story.node(code), peer, ran, silent=down[other])
            if other != code:
                seen = found[other]["seen"]
                seen[0] += 24 * len([day for day in ran if day not in down[other]])
                seen[1] += 24 * len(ran)
    return found


def keep_maturity(story: Story, code: str, half: Half) -> int:
    story.clock.on(minutes=1)
    return keep_snapshot(story.node(code), PAST_HEAD, half).snapshot.reached


def sign_way_in(story: Story, codes: Sequence[str], half: Half) -> None:
    """Each side signs how far it has come."""
    remark = f"Made up: no partner was free before the end of {half}."
    said = {OnboardingStep.CONFORMANCE: StepChange(OnboardingState.NOT_POSSIBLE, remark=remark)}
    for code in codes:
        story.clock.on(minutes=1)
        sign_checklist(story.node(code), PAST_HEAD, Jurisdiction(code), said)
        story.say_to_all(code)


def _since(half: Half, begun: date) -> datetime:
    """From when on the hours of a half-year count: its begin, or when the node began."""
    return max(datetime.fromisoformat(half.start), datetime(begun.year, begun.month, begun.day, BEGINS_H, tzinfo=UTC))


def _own_open(node: Node) -> list[str]:
    return sorted(item.said.number for item in list_actions(node) if item.own and item.is_open)


def _bases(code: str, codes: Sequence[str], review: date) -> list[LegalBasis]:
    found = []
    for other in codes:
        if other == code:
            continue
        lines = [(_OPEN_KINDS, SharingRule.ALLOWED, f"{AGREEMENT}, {code.lower()}-made-up-12")]
        rule = SEIZED.get((code, other))
        if rule is not None:
            lines.append(((ExhibitKind.SEIZED,), rule, f"Made-up act on seized objects, {code.lower()}-made-up-13"))
        found += [
            LegalBasis(jurisdiction=Jurisdiction(other), kinds=kinds, rule=rule, article=article, review_by=review)
            for kinds, rule, article in lines
        ]
    return found


def _publish(node: Node, articles: Sequence[LawArticle]) -> None:
    draft = replace_articles(node, PAST_HEAD, articles)
    publish_law(node, PAST_HEAD, draft.mark)


def _allows(code: str) -> LawArticle:
    kinds = [str(kind) for kind in _OPEN_KINDS]
    return _article(code, "12", [_rule("give", "allowed", kinds=kinds), _rule("receive", "allowed")])


def _of_seized(code: str) -> list[LawArticle]:
    found = {other: str(rule) for (one, other), rule in SEIZED.items() if one == code}
    rules = [_rule("give", says, kinds=["seized"], sides=[other]) for other, says in found.items()]
    return [_article(code, "13", rules)] if rules else []


def _rule(direction: str, says: str, *, kinds: list[str] | None = None, sides: list[str] | None = None) -> Any:
    return {"direction": direction, "rule": says, "kinds": kinds, "jurisdictions": sides, "words": None}


def _article(code: str, number: str, rules: list[Any], **changes: Any) -> LawArticle:
    text = "Made-up text, to practise with. The police may give findings on cartridge cases to the other side."
    fields = {
        "article_id": f"{code.lower()}-made-up-{number}",
        "title": "Made-up act on police cooperation",
        "title_en": "Made-up act on police cooperation",
        "article": f"Article {number}",
        "language": "en",
        "text": text,
        "text_en": text,
        "in_force_since": "2019-01-01",
        "review_by": "2029-12-31",
        "provisions": ["eu-2016-680"],
        "rules": rules,
    }
    return LawArticle.model_validate(fields | changes)


_ALL_DAY: Final = (1 << 24) - 1


def _write_down_days(node: Node, node_id: str, days: Iterable[str], *, silent: Collection[str]) -> None:
    """That a node was asked in each hour of these days, and answered but for those on which it was ``silent``: of a
    past that is simulated, in which no worker asks all day."""
    with node.store.write() as session:
        note_days(session, node_id, {day: (_ALL_DAY, 0 if day in silent else _ALL_DAY) for day in days})
