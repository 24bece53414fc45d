"""What extensions add to the pages and to the REST interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from exchange.extensions import parts_for
from exchange.flows.node.node import Node
from exchange.web.languages import gettext
from schemas.vocabulary import Role


@dataclass(frozen=True)
class NavigationEntry:
    """A page that the head of every page leads to, for people of these roles. ``templates`` are those of the page and
    of the pages below it."""

    group: Literal["partners", "figures", "person"]
    label: str
    address: str
    templates: tuple[str, ...]
    roles: Collection[Role] = tuple(Role)


@dataclass(frozen=True)
class PagesPart:
    """What is known of an extension before its routes are made: its module imports no page."""

    folders: Sequence[Path]
    """Each may have the folders `templates` and `static`."""
    navigation: Sequence[NavigationEntry]
    chapters: Mapping[str, str]
    """By template, the chapter of the user guide for the page."""
    guide: str
    """The template with the chapters of the user guide."""
    guide_titles: Mapping[str, str]


@dataclass(frozen=True)
class DutyLine:
    """One line in the list of what waits for the head. ``link``: the words after ``text`` that link to ``page``; if it
    is empty, ``text`` itself is the link."""

    text: str
    page: str
    hint: str = ""
    link: str = ""
    details: Sequence[tuple[str, str]] = ()
    """Text and hint of what the line is about."""


@dataclass(frozen=True)
class FigureCard:
    """Figures for the first page of the head: label, address and count of each."""

    title: str
    of: str
    figures: Sequence[tuple[str, str, int]]
    more: tuple[str, str]
    """Text and address of the link to the page with all figures."""


@dataclass(frozen=True)
class RoutesPart:
    rest: Sequence[APIRouter]
    pages: Sequence[APIRouter]
    duties: Callable[[Node], Sequence[DutyLine]]
    card: Callable[[Node], FigureCard]
    sign_out: Callable[[Request, Response], None]
    """Removes from the browser what belongs to the person who signs out."""


@cache
def pages_parts() -> Sequence[PagesPart]:
    return parts_for("pages", PagesPart)


@cache
def routes_parts() -> Sequence[RoutesPart]:
    return parts_for("routes", RoutesPart)


def folders(name: str) -> list[Path]:
    """Return the folders of this name that extensions have."""
    found = (folder / name for part in pages_parts() for folder in part.folders)
    return [folder for folder in found if folder.is_dir()]


def navigation(group: str, role: Role) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the label, the address and the templates of each entry, in the language that is spoken."""
    return [
        (gettext(entry.label), entry.address, entry.templates)
        for part in pages_parts()
        for entry in part.navigation
        if entry.group == group and role in entry.roles
    ]


def guide_titles() -> Iterator[tuple[str, str]]:
    for part in pages_parts():
        yield from ((chapter, gettext(title)) for chapter, title in part.guide_titles.items())
