"""The form of the search page: its fields by the table of conditions, what was typed, and what is asked in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Final, Literal, get_args, get_origin
from urllib.parse import urlencode

from annotated_types import MaxLen
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from exchange.record_filter import CONDITIONS, FIELDS_OF_RECORDS, ConditionGroup, InformationGrade, RecordFilter
from exchange.web.languages import gettext, spoken, term
from exchange.web.languages import marked as _m
from exchange.web.wording.calibres import calibre_problem
from schemas.exhibit import ClassCharacteristics, ClockHour, Sha256Hex
from schemas.jurisdiction import Jurisdiction
from schemas.statement_base import NodeId

TypedSearch = Mapping[str, str | Sequence[str]]
"""By field: its text, or of a list its texts."""


@dataclass(frozen=True)
class SearchField:
    """One field of the form: a choice among ``options``, of several where it ``is_list``, or among the jurisdictions
    that the node knows; a day; or else a text of at most ``most`` characters. ``problem`` says what is wrong with
    anything else that is typed."""

    name: str
    label: str
    group: ConditionGroup
    problem: str
    options: Sequence[str | int] = ()
    is_list: bool = False
    of_jurisdictions: bool = False
    is_day: bool = False
    is_number: bool = False
    most: int | None = None

    @property
    def is_class(self) -> bool:
        """Whether it asks for a class characteristic."""
        return self.name in ClassCharacteristics.model_fields

    def shown(self, value: str | int) -> str:
        """A value of the field in words."""
        if self.is_list:
            return gettext(CONDITIONS[str(value)].label) if str(value) in CONDITIONS else str(value)
        if self.of_jurisdictions:
            return term(str(value), "jurisdiction")
        found = next((option for option in self.options if str(option) == str(value)), None)
        return term(found) if isinstance(found, StrEnum) else str(value)


def _field(name: str) -> SearchField:
    """By the type of the condition."""
    condition, stated = RecordFilter.model_fields[name], CONDITIONS[name]
    told = (name, stated.label, stated.group)
    if not stated.states:
        return SearchField(*told, _m("Choose one of the list."), options=FIELDS_OF_RECORDS, is_list=True)
    kind = get_args(condition.annotation)[0]
    if kind == ClockHour:
        return SearchField(*told, _m("A clock hour is 1 to 12."), options=range(1, 13))
    if kind == InformationGrade:
        return SearchField(*told, _m("Choose one of the list."), options=range(1, 5))
    if kind == Sha256Hex:
        return SearchField(*told, _m("A SHA-256 is 64 characters, 0 to 9 and a to f."), most=64)
    if kind == NodeId:
        return SearchField(*told, _m("A node is named like ffp-rs."), most=23)
    if get_origin(kind) is Literal:
        return SearchField(*told, _m("Choose one of the list."), options=get_args(kind))
    if kind is date:
        return SearchField(*told, _m("A day is written YYYY-MM-DD."), is_day=True)
    if kind is float:
        return SearchField(*told, _m("A number above 0, at most 1000, such as 3.5."), is_number=True, most=12)
    if kind is Jurisdiction:
        return SearchField(*told, _m("Choose one of the list."), of_jurisdictions=True)
    if issubclass(kind, StrEnum):
        return SearchField(*told, _m("Choose one of the list."), options=tuple(kind))
    most = next(bound.max_length for bound in condition.metadata if isinstance(bound, MaxLen))
    return SearchField(*told, _m("At most %(most)s printable characters."), most=most)


FIELDS: Final = {name: _field(name) for name in CONDITIONS}


def offered(field: SearchField) -> SearchField:
    """With the jurisdictions that the node knows, where one of these is to be chosen."""
    return replace(field, options=tuple(spoken().jurisdictions)) if field.of_jurisdictions else field


@dataclass(frozen=True)
class Chip:
    """One condition that is asked, in words, and the address of the search without it."""

    label: str
    shown: str
    without: str


@dataclass(frozen=True)
class SearchForm:
    """What was asked, as it was typed; which fields cannot be understood, and why; the filter, None until all can;
    ``sorted_by``: what the address says of the order, which stays when a condition is changed."""

    asked: dict[str, str | tuple[str, ...]]
    problems: dict[str, str]
    wanted: RecordFilter | None
    sorted_by: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The question as an address says it."""
        return urlencode(self.asked, doseq=True)

    @property
    def in_words(self) -> dict[str, str]:
        """As the audit log has it: of a list all its values."""
        return {name: value if isinstance(value, str) else ", ".join(value) for name, value in self.asked.items()}

    def chips(self) -> list[Chip]:
        found = []
        for name, value in self.asked.items():
            field = FIELDS[name]
            for one in (value,) if isinstance(value, str) else value:
                rest = () if isinstance(value, str) else tuple(other for other in value if other != one)
                others = {key: kept for key, kept in (self.asked | {name: rest}).items() if kept} | self.sorted_by
                without = f"/app/search?{urlencode(others, doseq=True)}" if others else "/app/search"
                found.append(Chip(gettext(field.label), field.shown(one), without))
        return found

    def is_open(self, group: ConditionGroup) -> bool:
        """Whether one of its conditions is asked."""
        return any(FIELDS[name].group is group for name in self.asked)


def search_address(wanted: RecordFilter) -> str:
    """Of the page that shows this search."""
    values = wanted.asked()
    lists = {name: [str(one) for one in value] for name, value in values.items() if isinstance(value, tuple)}
    asked = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return f"/app/search?{urlencode(asked | lists, doseq=True)}"


def typed_in(parameters: QueryParams) -> dict[str, str | tuple[str, ...]]:
    """What the address says, of each list all its values."""
    lists = {name for name, field in FIELDS.items() if field.is_list}
    return {name: tuple(parameters.getlist(name)) if name in lists else parameters[name] for name in parameters}


def question_of(typed: TypedSearch) -> SearchForm:
    """Read what the address says. Nothing in it makes an error page: what is wrong is said beside its field."""
    stripped = {name: _stripped(typed[name]) for name in FIELDS if name in typed}
    asked = {name: value for name, value in stripped.items() if value}
    told = {name: _problem(FIELDS[name], value) for name, value in asked.items()}
    problems = {name: problem for name, problem in told.items() if problem is not None}
    if not problems and "earliest" in asked and "latest" in asked and str(asked["earliest"]) > str(asked["latest"]):
        problems["latest"] = gettext("This day lies before the other one.")
    return SearchForm(asked, problems, None if problems else RecordFilter.model_validate(asked))


def _stripped(typed: str | Sequence[str]) -> str | tuple[str, ...]:
    if isinstance(typed, str):
        return typed.strip()
    return tuple(dict.fromkeys(one.strip() for one in typed if one.strip()))


def _problem(field: SearchField, typed: str | tuple[str, ...]) -> str | None:
    """Why what was typed cannot be understood. A value has one spelling here: that in which the form shows it again."""
    try:
        read = getattr(RecordFilter.model_validate({field.name: typed}), field.name)
        if field.is_list:
            return None
        understood = (field.is_number or str(read) == typed) and str(typed).isprintable()
        if understood and field.of_jurisdictions:
            understood = typed in spoken().jurisdictions
    except ValidationError:
        understood = False
    if understood and field.name.endswith("calibre"):
        return calibre_problem(str(typed))
    return None if understood else gettext(field.problem, most=field.most)
