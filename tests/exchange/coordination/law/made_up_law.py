"""Made-up compendia of six jurisdictions: synthetic articles, to try pages, pictures and rules. No law says any of it.

Bosnia and Herzegovina entered nothing; the others differ in what they allow, and each lacks something else.
"""

from __future__ import annotations

from typing import Any

from schemas import LawArticle

AGREEMENT = "Synthetic agreement on police cooperation"
_LAWS: dict[str, tuple[str, str, str, str]] = {
    "AL": (
        "sq",
        "Ligj i sajuar për bashkëpunimin policor",
        "Made-up Act on Police Cooperation",
        "Tekst i sajuar, vetëm për provë. Policia mund të japë të dhëna për gëzhojat e vendit të ngjarjes.",
    ),
    "XK": (
        "sq",
        "Ligj i sajuar për armët",
        "Made-up Act on Weapons",
        "Tekst i sajuar, vetëm për provë. Dhënia e të dhënave kërkon pëlqimin e drejtorit.",
    ),
    "ME": (
        "cnr",
        "Izmišljeni zakon o unutrašnjim poslovima",
        "Made-up Act on Internal Affairs",
        "Izmišljen tekst, samo za probu. Policija može dati nalaze o čaurama susjednim stranama.",
    ),
    "MK": (
        "mk",
        "Измислен закон за полиција",
        "Made-up Police Act",
        "Измислен текст, само за проба. Полицијата може да даде наоди за чаури на странски полициски органи.",
    ),
    "RS": (
        "sr-Cyrl",
        "Измишљени закон о полицијској сарадњи",
        "Made-up Act on Police Cooperation",
        "Измишљен текст, само за пробу. Полиција може дати налазе о чаурама другој страни.",
    ),
}
_TEXT_EN = "Made-up text, for trial alone. The police may give findings on cartridge cases to the other side."


def rule(direction: str, says: str, *sides: str, kinds: tuple[str, ...] = (), words: str | None = None) -> Any:
    return {
        "direction": direction,
        "rule": says,
        "kinds": list(kinds) or None,
        "jurisdictions": list(sides) or None,
        "words": words,
    }


def article(code: str, number: str, *rules: Any, **changes: Any) -> LawArticle:
    language, title, title_en, text = _LAWS[code]
    fields = {
        "article_id": f"{code}-synthetic-{number}",
        "title": title,
        "title_en": title_en,
        "article": f"Article {number}",
        "language": language,
        "text": text,
        "text_en": _TEXT_EN,
        "in_force_since": "2019-01-01",
        "review_by": "2027-12-31",
        "provisions": ["eu-2016-680"],
        "rules": list(rules),
    }
    return LawArticle.model_validate(fields | changes)


def made_up_law() -> dict[str, tuple[LawArticle, ...]]:
    """By the code of the jurisdiction."""
    return {
        "AL": (
            article("AL", "12", rule("give", "blocked", kinds=("crime_scene", "seized"))),
            article("AL", "13", rule("give", "allowed", kinds=("test_fire", "replica")), rule("receive", "allowed")),
            article("AL", "14.2", rule("ask", "allowed"), provisions=["eu-2008-615", "eu-2024-982"]),
        ),
        "BA": (),
        "XK": (
            article("XK", "7", rule("give", "needs_approval", words="Each time by the director")),
            article("XK", "8", rule("receive", "allowed"), provisions=[], provision_words=None),
        ),
        "ME": (
            article("ME", "31", rule("give", "allowed", "RS", "BA", "MK"), text_en=None, title_en=None),
            article("ME", "33", rule("give", "blocked", "AL")),
            article("ME", "32", rule("receive", "needs_approval"), rule("ask", "allowed"), review_by="2024-06-30"),
        ),
        "MK": (
            article("MK", "40", rule("give", "needs_approval"), rule("give", "allowed", "RS", "XK")),
            article("MK", "41", rule("receive", "allowed"), rule("ask", "allowed"), provisions=["eu-2021-555"]),
        ),
        "RS": (
            article("RS", "27.2", rule("give", "allowed", "MK", "ME", kinds=("crime_scene", "test_fire", "replica"))),
            article("RS", "27.3", rule("give", "needs_approval"), provision_words="Article 35, in part"),
            article("RS", "28", rule("give", "blocked", "MK", kinds=("seized",)), provisions=["un-firearms-protocol"]),
            article("RS", "29", rule("receive", "allowed"), rule("ask", "allowed"), provisions=["eu-2008-615"]),
        ),
    }
