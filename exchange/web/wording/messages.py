"""Collect the texts of templates, code and viewer, and bring the catalogues to them: ``make messages``.

A new text stands in each catalogue untranslated until a person writes it there; ``make messages-missing`` lists those.
Nothing is guessed from what resembles it. Serbian in Cyrillic is written from Serbian in Latin script.
"""

from __future__ import annotations

import functools
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import exchange.web
from exchange.extensions import parts_for
from exchange.record_filter import CONDITIONS, ConditionGroup
from exchange.web.languages.catalogue import CODES, SOURCE, catalogue_files, read_catalogue
from exchange.web.languages.cyrillic import to_cyrillic
from exchange.web.wording.viewer_words import VIEWER_TEXTS, viewer_texts

ROOT: Final = Path(exchange.web.__file__).parent
_METHODS: Final = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_KEYWORDS: Final = {"_": None, "gettext": None, "_m": None, "ngettext": (1, 2)}
_SLAVIC: Final = "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)"
_PLURALS: Final = {
    "sq": "nplurals=2; plural=(n != 1)",
    "mk": "nplurals=2; plural=(n%10==1 && n%100!=11 ? 0 : 1)",
    "ro": "nplurals=3; plural=(n==1 ? 0 : (n==0 || (n%100 > 0 && n%100 < 20)) ? 1 : 2)",
}


@dataclass(frozen=True)
class MessagesPart:
    """Where texts are collected: templates and code below ``folder``, and ``data`` by the file that has the texts."""

    folder: Path
    data: Mapping[str, Callable[[], Iterable[str]]]


_NODE: Final = MessagesPart(
    ROOT,
    {
        VIEWER_TEXTS.relative_to(ROOT).as_posix(): lambda: viewer_texts().values(),
        "../record_filter.py": lambda: [*(condition.label for condition in CONDITIONS.values()), *ConditionGroup],
    },
)


@functools.cache
def collect() -> list[Catalog]:
    """Return the texts that pages and reports say, for each catalogue that `catalogue_files` names those that the
    catalogues before do not have."""
    collected: list[Catalog] = []
    options = {"**/templates/**.html": {"extensions": "jinja2.ext.i18n", "silent": "false", "trimmed": "true"}}
    for part in (_NODE, *parts_for("messages", MessagesPart)):
        catalogue = Catalog(charset="utf-8")
        for name, _, message, comments, _ in extract_from_dir(
            part.folder, _METHODS, options, _KEYWORDS, ("Translators:",)
        ):
            _add(catalogue, collected, message, name, comments)
        for name, texts_of in part.data.items():
            for text in texts_of():
                _add(catalogue, collected, text, name)
        collected.append(catalogue)
    return collected


def _add(
    catalogue: Catalog, before: list[Catalog], message: str | tuple[str, ...], name: str, comments: Sequence[str] = ()
) -> None:
    if not any(message in earlier for earlier in before):
        catalogue.add(message, locations=[(name, 0)], auto_comments=comments)


def update(code: str) -> None:
    """What is translated stays, what nobody says any more goes."""
    known = read_catalogue(code)
    for path, collected in zip(catalogue_files(code), collect(), strict=True):
        renewed = Catalog(charset="utf-8")
        for message in texts(collected):
            found = known.get(message.id)
            said = found.string if found is not None and not found.fuzzy else None
            renewed.add(message.id, said, locations=message.locations, auto_comments=message.auto_comments)
        _write(path, code, renewed)


def write_cyrillic() -> None:
    """Letter by letter, so that both scripts say the same."""
    for latin, cyrillic in zip(catalogue_files("sr-Latn"), catalogue_files("sr-Cyrl"), strict=True):
        renewed = Catalog(charset="utf-8")
        for message in texts(read_po(io.BytesIO(latin.read_bytes()), ignore_obsolete=True)):
            said = message.string or ""
            other = to_cyrillic(said) if isinstance(said, str) else tuple(map(to_cyrillic, said))
            renewed.add(message.id, other, locations=message.locations)
        _write(cyrillic, "sr-Cyrl", renewed)


def missing(code: str) -> list[str]:
    """The English texts that the language does not say yet."""
    known, found = read_catalogue(code), []
    for message in (message for catalogue in collect() for message in texts(catalogue)):
        said = known.get(message.id)
        strings = () if said is None or said.fuzzy else said.string
        if not strings or not all([strings] if isinstance(strings, str) else strings):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def texts(catalogue: Catalog) -> Iterator[Message]:
    """Without the head of the catalogue, which is a message without a text."""
    return (message for message in catalogue if message.id)


def _write(path: Path, code: str, catalogue: Catalog) -> None:
    """With a head that says nothing of the day or the machine: the file changes when a text does."""
    plural = f"{_PLURALS.get(code, _SLAVIC)};"
    head = ["Content-Type: text/plain; charset=UTF-8", "Content-Transfer-Encoding: 8bit", f"Language: {code}"]
    head.append(f"Plural-Forms: {plural}")
    catalogue.mime_headers = [("Plural-Forms", plural)]  # how many forms are written
    body = io.BytesIO()
    write_po(body, catalogue, width=0, omit_header=True, include_lineno=False, sort_by_file=True)
    lines = ['msgid ""', 'msgstr ""', *(f'"{line}\\n"' for line in head), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join(lines).encode() + b"\n" + body.getvalue())


def main(arguments: list[str]) -> int:
    others = [code for code in CODES if code != SOURCE]
    if arguments == ["--missing"]:
        lacking = {code: missing(code) for code in others if code != "sr-Cyrl"}
        for code, lacked in lacking.items():
            print(f"{code}: {len(lacked)} missing", *(f"  {text}" for text in lacked), sep="\n")
        return 1 if any(lacking.values()) else 0
    for code in others:
        update(code)
    write_cyrillic()
    return 0


if __name__ == "__main__":
    from exchange.web.wording import messages  # by its name: extensions import its MessagesPart by that name too

    sys.exit(messages.main(sys.argv[1:]))
