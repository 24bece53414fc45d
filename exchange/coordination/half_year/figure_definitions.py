"""What the half-yearly monitoring measures, in words: each figure stands beside its definition, wherever it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Definition:
    """``goal`` is that of the Roadmap which the figure speaks to."""

    goal: int
    title: str
    text: str


GOALS: Final = {
    2: "Goal 2: evidence-based, intelligence-led control",
    3: "Goal 3: reduced illicit flows",
    1: "Goal 1: harmonised law",
}
"""Those of the Roadmap's seven goals that the exchange has figures for, in the order in which they are read."""

COUNTS: Final = {
    "exhibits_entered": Definition(
        2,
        "Exhibits entered",
        "Exhibits whose first version this node signed in the half-year. Later versions of one exhibit are not counted "
        "again; those that were withdrawn since are counted.",
    ),
    "exhibits_searched": Definition(
        2,
        "Exhibits searched",
        "Own exhibits of which a scan was first compared in the half-year with what this node holds. Those that were "
        "withdrawn since are not counted.",
    ),
    "exhibits_shared": Definition(
        2,
        "Exhibits shared",
        "Own exhibits that the partner's node was given for the first time in the half-year, by the audit log.",
    ),
    "exhibits_received": Definition(
        2,
        "Exhibits received",
        "Exhibits of the partner that first arrived here in the half-year.",
    ),
    "queries_asked": Definition(
        2, "Queries asked", "Queries with a scan that this node signed for the partner in the half-year."
    ),
    "queries_received": Definition(
        2, "Queries received", "Queries with a scan that the partner asked this node in the half-year."
    ),
    "conclusions": Definition(
        2,
        "Conclusions",
        "Conclusions of own examiners, on the screen or on the exhibits, by the other side of the pair; without "
        "verifications.",
    ),
    "leads": Definition(
        3,
        "Leads",
        "Pairs of cases that a hit first joined in the half-year and that was not taken back by its end. Those that "
        "were confirmed meanwhile are counted here too.",
    ),
    "confirmed_hits": Definition(
        3,
        "Confirmed hits",
        "Pairs of cases whose first confirmed hit, on the exhibits themselves, came to be known here in the half-year "
        "and was not taken back by its end.",
    ),
    "hits_retracted": Definition(3, "Hits taken back", "Hits that their issuer took back in the half-year."),
    "feedback_given": Definition(
        3,
        "Feedback given",
        "Pairs of cases joined across a border whose feedback fell due in the half-year, and of which this side had "
        "said by its end what became of them.",
    ),
    "feedback_missing": Definition(
        3,
        "Feedback missing",
        "Pairs of cases joined across a border whose feedback fell due in the half-year, and of which this side had "
        "said nothing by its end.",
    ),
    "overdue_first_reviews": Definition(
        2,
        "First reviews overdue",
        "Own exhibits with pairs across a border, none of which had been opened by the end of the half-year although "
        "the term was over.",
    ),
    "overdue_verifications": Definition(
        2,
        "Verifications overdue",
        "Own conclusions that no other examiner had verified by the end of the half-year although the term was over.",
    ),
    "overdue_answers": Definition(
        3,
        "Steps on hits overdue",
        "Hits on which the partner, or both sides, waited for this side beyond the term at the end of the half-year, "
        "feedback included.",
    ),
    "overdue_approvals": Definition(
        1,
        "Decisions on release overdue",
        "Decisions of the head on what may go to the partner that were overdue at the end of the half-year.",
    ),
    "releases_approved": Definition(
        1,
        "Releases approved",
        "Decisions of the half-year by which something that needed approval went to the partner.",
    ),
    "releases_refused": Definition(
        1,
        "Releases refused",
        "Decisions of the half-year by which something that needed approval did not go to the partner.",
    ),
    "records_withdrawn": Definition(
        1, "Records withdrawn", "Own records that were withdrawn from every holder in the half-year."
    ),
}
"""Each counted for this jurisdiction, or for each pair of it with a partner."""

AT_THE_END: Final = ("overdue_first_reviews", "overdue_verifications", "overdue_answers", "overdue_approvals")
"""Counted as they stand at the end of a half-year: of a year, as at its end."""

STAGES: Final = {
    "search": Definition(2, "From entry to search", "From the record's entry until a scan of it was first compared."),
    "first_review": Definition(
        2, "From search to first review", "From the first comparison of an exhibit until somebody opened a pair of it."
    ),
    "verification": Definition(
        2, "From conclusion to verification", "From a conclusion until another examiner verified it."
    ),
    "dissemination": Definition(
        3, "From conclusion to hit", "From a conclusion until the hit that rests on it went to the other side."
    ),
    "confirmation": Definition(
        3, "From lead to confirmed hit", "From the first hit of a pair of cases until the first confirmed one."
    ),
    "feedback": Definition(
        3, "From hit to feedback", "From a hit across a border until this side's first feedback on it."
    ),
    "decision": Definition(
        1, "From question to decision on release", "From when a release waited for approval until the head decided."
    ),
    "answer_given": Definition(2, "From query to answer given", "From a partner's query until this node answered it."),
    "answer_received": Definition(
        2, "From query to answer received", "From an own query until the partner's answer arrived."
    ),
}
"""Each measured in hours, by when it ended: the median, and the 90th percentile."""

GAPS: Final = {
    "no_article": Definition(1, "No article stated", "No article was stated when the partner was enrolled."),
    "no_line": Definition(
        1, "No legal basis", "The policy in force names no legal basis for exhibits of this kind and this partner."
    ),
    "blocked": Definition(
        1, "Blocked by law", "The policy in force names an article that blocks exhibits of this kind."
    ),
    "needs_approval": Definition(
        1, "Approval needed by law", "The policy in force names an article under which the head decides on each record."
    ),
    "review_overdue": Definition(
        1,
        "Approval needed: legal basis not reviewed",
        "The article allows it, but its review was overdue at the end of the half-year.",
    ),
    "restriction": Definition(
        1,
        "Approval needed: restriction in words",
        "The record's handling code is H3: a person must read the restriction.",
    ),
}
"""Why exhibits of the half-year that their owner meant for a partner do not go there by themselves."""

HELD: Final = {
    "held_open": Definition(
        1,
        "Held there under an earlier line",
        "Exhibits of the gap above that the partner's node was given, by the audit log, while the law still allowed "
        "it, that were not taken back by the end of the half-year, and of which nobody had decided that they stay.",
    ),
    "held_left": Definition(
        1,
        "Held there, and left",
        "Exhibits of the gap above that the partner's node was given while the law still allowed it, and that the head "
        "decided to leave there by the end of the half-year.",
    ),
    "held_taken_back": Definition(
        1,
        "Given before, and taken back",
        "Exhibits of the gap above that the partner's node was given while the law still allowed it, and that were "
        "taken back from it by the end of the half-year.",
    ),
}
"""Of the gap: what the partner was given before the law kept it. The others of the gap it never had."""

AVAILABILITY: Final = Definition(
    2,
    "Availability of the nodes",
    "Of the hours in which this node asked the other, the share in which it answered at least once. Of this node: of "
    "the hours of the half-year since it began, the share in which it ran.",
)
FEEDBACK_RATE: Final = Definition(
    3, "Feedback rate", "Feedback given, as a share of the feedback that fell due in the half-year."
)


def defined(name: str, definition: Definition) -> dict[str, Any]:
    """Return what stands next to a figure in each file."""
    return {"id": name, "goal": definition.goal, "title": definition.title, "definition": definition.text}


def definition_texts() -> list[str]:
    """All that a page or a report says of these in the reader's language."""
    definitions = [*COUNTS.values(), *STAGES.values(), *GAPS.values(), *HELD.values(), AVAILABILITY, FEEDBACK_RATE]
    return [*GOALS.values(), *(text for item in definitions for text in (item.title, item.text))]
