"""What the region's coordination adds to the pages: templates, styles, navigation, and chapters of the user guide."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from exchange.web.languages import marked as _m
from exchange.web.pages.extended import NavigationEntry, PagesPart
from schemas.vocabulary import Role

_HERE: Final = Path(__file__).parent
_LAW: Final = ("law", "law_of", "law_pair", "law_concordance", "law_changes", "law_draft", "law_article")
_MEETINGS: Final = ("meetings", "meeting", "meeting_pack")
_EXERCISES: Final = ("exercises", "exercise_set", "exercise_pair", "exercise_question")
_INCIDENTS: Final = ("incidents", "incident_sheet")
_MONITORING: Final = ("monitoring", "monitoring_year")
_COUNTED: Final = (Role.HEAD, Role.AUDITOR)

PAGES: Final = PagesPart(
    folders=[_HERE / topic for topic in ("exercises", "half_year_report", "incidents", "law", "maturity", "meetings")],
    navigation=(
        NavigationEntry("partners", _m("Partners"), "/app/region", ("region", "onboarding")),
        NavigationEntry("partners", _m("Law"), "/app/law", _LAW),
        NavigationEntry("partners", _m("Actions"), "/app/actions", ("actions",)),
        NavigationEntry("partners", _m("Meetings"), "/app/meetings", _MEETINGS),
        NavigationEntry("figures", _m("Monitoring"), "/app/monitoring", _MONITORING, _COUNTED),
        NavigationEntry("figures", _m("Incidents"), "/app/incidents", _INCIDENTS, _COUNTED),
        NavigationEntry("figures", _m("Maturity"), "/app/maturity", ("maturity",), (*_COUNTED, Role.OPERATOR)),
        NavigationEntry("person", _m("Exercises"), "/app/exercises", _EXERCISES),
    ),
    chapters={
        **dict.fromkeys(("actions", *_MEETINGS, "onboarding", "region"), "coordination"),
        **dict.fromkeys((*_LAW, *_INCIDENTS, "maturity", *_MONITORING), "monitoring"),
    },
    guide="coordination_guide.html",
    guide_titles={
        "monitoring": _m("Report a half-year"),
        "coordination": _m("Meetings, actions, and who comes in"),
    },
)
