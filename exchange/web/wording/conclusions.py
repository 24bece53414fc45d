"""The words of conclusions: each basis has its own."""

from __future__ import annotations

from typing import Final, TypeAlias

from exchange.web.languages.catalogue import SOURCE
from exchange.web.languages.terms_glossary import own_glossary
from schemas.vocabulary import AfteConclusion, Basis, ScreenConclusion

ConclusionWord: TypeAlias = AfteConclusion | ScreenConclusion

CONCLUSIONS_ON: Final[dict[Basis, tuple[ConclusionWord, ...]]] = {
    Basis.SCREEN: tuple(ScreenConclusion),
    Basis.EXHIBITS: tuple(AfteConclusion),
}
"""What may be concluded on each basis, in the order in which a form offers it."""


def concluded_in_english(conclusion: ConclusionWord) -> str:
    """The term for programs, which read English whatever language a page speaks."""
    return own_glossary().term(conclusion, SOURCE)
