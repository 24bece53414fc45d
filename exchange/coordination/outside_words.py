"""Facts from outside in words: what documents of others are called stays in English, and a paper in another language
says so."""

from __future__ import annotations

from typing import Final

from exchange.coordination.outside_facts import OutsideFact
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import spoken
from exchange.web.languages.catalogue import SOURCE

OWN_SOURCES: Final = (
    _m("From memory of SEESAC's publications on armed violence; held against none of them"),
    _m("Heading of the mid-term review of the Roadmap beside the OECD/DAC criteria; not one of them"),
)
"""Sources that are sentences of this software, and no title of a document."""


def outside_words(text: str) -> str:
    """A text of a fact in the reader's language; where that does not say it, as it is, and marked as English."""
    said = _(text)
    return said if said != text or spoken().code == SOURCE else _("%(title)s (in English)", title=text)


def fact_words(fact: OutsideFact) -> str:
    """A fact from outside with its source, and whether anybody held it against that."""
    said = _("%(fact)s. Source: %(source)s", fact=outside_words(fact.text), source=outside_words(fact.source))
    return said if fact.verified else _("%(said)s (unverified)", said=said)
