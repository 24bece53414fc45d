"""A conclusion in words: on the screen nobody identifies."""

from __future__ import annotations

from exchange.web.languages import term
from exchange.web.languages.catalogue import SOURCE
from exchange.web.languages.glossary import own_glossary
from schemas.vocabulary import AfteConclusion, Basis


def concluded(conclusion: str, basis: str) -> str:
    """The term for a conclusion. What is called an identification on the exhibits is a possible association where only
    the screen was looked at; the word that is signed is the same."""
    on_screen = basis == Basis.SCREEN and conclusion == AfteConclusion.IDENTIFICATION
    return term(conclusion, "screen_conclusion") if on_screen else term(conclusion, "afte_conclusion")


def concluded_in_english(conclusion: str, basis: str) -> str:
    """The same for programs, whatever language is spoken."""
    on_screen = basis == Basis.SCREEN and conclusion == AfteConclusion.IDENTIFICATION
    section = "screen_conclusion" if on_screen else "afte_conclusion"
    return own_glossary().term(conclusion, SOURCE, section)
