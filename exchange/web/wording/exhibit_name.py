"""How an exhibit is named wherever it stands in a list: by its case, and by what tells two of one case apart."""

from __future__ import annotations

from typing import Protocol

from exchange.web.languages import gettext as _
from schemas import Record


class ListedExhibit(Protocol):
    """What a list knows of an exhibit."""

    @property
    def case_reference(self) -> str: ...
    @property
    def incident(self) -> str | None: ...
    @property
    def item(self) -> str | None: ...


def listed_name(exhibit: ListedExhibit, with_incident: bool = True) -> str:
    """``RS-2026-114, item 3``. An examiner who judges blind is told of no incident: two of one belong together."""
    return _name(exhibit.case_reference, exhibit.incident if with_incident else None, exhibit.item)


def record_name(record: Record) -> str:
    """As ``listed_name``, of what was signed."""
    return _name(record.case_reference, record.exhibit.incident, record.exhibit.item)


def _name(case: str, incident: str | None, item: str | None) -> str:
    if incident is not None and item is not None:
        return _("%(case)s, incident %(incident)s, item %(item)s", case=case, incident=incident, item=item)
    if item is not None:
        return _("%(case)s, item %(item)s", case=case, item=item)
    if incident is not None:
        return _("%(case)s, incident %(incident)s", case=case, incident=incident)
    return case
