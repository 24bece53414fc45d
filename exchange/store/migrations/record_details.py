"""A part of form 9: what records are only searched by, made of the envelopes that are kept.

It reads the signed JSON itself, and folds text by a table of its own: what is changed in the contract or in the search
later changes nothing of what this form does.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import WholeNumber, Words

_AT_ONCE: Final = 500
"""Bounded: the envelopes of a hundred thousand records do not fit into the memory."""

_SUSPECTED, _HELD, _CLASSES = "exhibit.suspected_firearm.", "exhibit.firearm.", "exhibit.classes."
_WORDS: Final = {"item": "exhibit.item", "incident": "exhibit.incident"}
_PARTS: Final = {
    "seal": ("exhibit.seal",),
    "calibre_words": ("exhibit.calibre_words", f"{_HELD}calibre_words"),
    "headstamp": ("exhibit.headstamp",),
    "cartridge_maker": ("exhibit.cartridge_maker",),
    "cartridge_lot": ("exhibit.cartridge_lot",),
    "make": (f"{_SUSPECTED}make", f"{_HELD}make"),
    "model": (f"{_SUSPECTED}model", f"{_HELD}model"),
    "basis": (f"{_SUSPECTED}basis",),
    "firearm": (f"{_HELD}firearm_id",),
    "instrument": ("acquisitions.instrument",),
    "specimen": ("acquisitions.instrument_check.specimen",),
    "restriction": ("handling.restriction",),
}
_AMONG: Final = {
    "converted": ("exhibit.converted_weapon", f"{_HELD}converted"),
    "objective_magnification": ("acquisitions.objective_magnification",),
    "numerical_aperture": ("acquisitions.numerical_aperture",),
    "unmodified": ("acquisitions.unmodified",),
    "captured_by": ("acquisitions.captured_by",),
    "check_warning": ("acquisitions.instrument_check.warning",),
}
_LEAST: Final = {
    "vertical_resolution_um": "acquisitions.vertical_resolution_um",
    "checked_on": "acquisitions.instrument_check.checked_on",
}
_EQUAL: Final = {
    **{
        name: f"exhibit.{name}"
        for name in (
            *("case_material", "primer_material", "primer_lacquered", "cast", "offence"),
            "within_80_km_of_border",
        )
    },
    "precision": "exhibit.occurred.precision",
    "firing_pin_type": f"{_CLASSES}firing_pin_type",
    "firearm_kind": f"{_HELD}kind",
    "firearm_calibre": f"{_HELD}calibre",
    "origin": f"{_HELD}origin",
    "source_grade": "handling.source_grade",
    "information_grade": "handling.information_grade",
    "supersedes": "supersedes",
}
_DEFAULTS: Final = {
    "firing_pin_type": "not_examined",
    "primer_material": "not_examined",
    "primer_lacquered": "not_examined",
    "case_material": "not_examined",
    "cast": "no",
    "offence": "unknown",
    "within_80_km_of_border": "unknown",
    "precision": "unknown",
    "converted": "unknown",
    "unmodified": "unknown",
}
"""What a field says that the issuer left out."""
_COLUMNS: Final = (*_WORDS, *_PARTS, *_AMONG, *_LEAST, *_EQUAL)


def add_record_details() -> None:
    """A record whose envelope cannot be read gets no row: ``ffp check`` names it."""
    op.create_table(
        "record_detail",
        sa.Column("sequence", WholeNumber, primary_key=True, autoincrement=False),
        sa.Column("statement_id", Words(), sa.ForeignKey("record.statement_id"), nullable=False, unique=True),
        *(sa.Column(name, sa.Double() if name == "vertical_resolution_um" else Words()) for name in _COLUMNS),
    )
    op.create_index("record_by_case_reference", "record", ["case_reference"])
    connection = op.get_bind()
    details = sa.table("record_detail", *map(sa.column, ("sequence", "statement_id", *_COLUMNS)))
    for page in _pages(connection):
        rows = [named | columns_of_detail(said) for named, said in page if said is not None]
        if rows:
            connection.execute(details.insert(), rows)


def drop_record_details() -> None:
    op.drop_table("record_detail")
    op.drop_index("record_by_case_reference", "record")


def _pages(connection: sa.Connection) -> Iterator[list[tuple[dict[str, Any], Any]]]:
    """Names of records with what was signed, None where that cannot be read."""
    record = sa.table("record", sa.column("sequence"), sa.column("statement_id"))
    statement = sa.table("statement", sa.column("statement_id"), sa.column("envelope"))
    last = -1
    while True:
        query = (
            sa.select(record.c.sequence, record.c.statement_id, statement.c.envelope)
            .join_from(record, statement, statement.c.statement_id == record.c.statement_id)
            .where(record.c.sequence > last)
            .order_by(record.c.sequence)
            .limit(_AT_ONCE)
        )
        page = connection.execute(query).all()
        if not page:
            return
        yield [({"sequence": at, "statement_id": name}, _said(envelope)) for at, name, envelope in page]
        last = page[-1][0]


def _said(envelope: bytes | None) -> Any:
    try:
        said = json.loads(base64.b64decode(json.loads(bytes(envelope or b""))["payload"]))
        return said if isinstance(said, dict) and isinstance(said.get("exhibit"), dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def columns_of_detail(said: Any) -> dict[str, Any]:
    """As the release of this form makes them of a record."""
    found: dict[str, Any] = {}
    for name, path in _WORDS.items():
        found[name] = next((f" {_fold(value)} " for value in _at(said, path)), None)
    for name, paths in _PARTS.items():
        texts = [_fold(_in_words(value)) for path in paths for value in _at(said, path)]
        found[name] = "|".join(texts) if texts else None
    for name, paths in _AMONG.items():
        values = sorted({_written(value) for path in paths for value in _at(said, path, _DEFAULTS.get(name))})
        found[name] = "|" + "".join(f"{value}|" for value in values) if values else None
    for name, path in _LEAST.items():
        found[name] = min(_at(said, path), default=None)
    for name, path in _EQUAL.items():
        found[name] = next((_written(value) for value in _at(said, path, _DEFAULTS.get(name))), None)
    return found


def _at(value: Any, path: str, default: Any = None) -> Iterator[Any]:
    """The values of a field; where its parent is there or may be left out and states none, the default. A firearm that
    is held states all that it states."""
    step, _, rest = path.partition(".")
    if isinstance(value, list):
        for one in value:
            yield from _at(one, path, default)
        return
    below = value.get(step) if isinstance(value, dict) else None
    if rest:
        if below is None and step in ("firearm", "suspected_firearm", "instrument_check", "instrument"):
            return
        yield from _at({} if below is None else below, rest, default)
    elif isinstance(below, list):
        yield from below
    elif below is not None or default is not None:
        yield default if below is None else below


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        order = ("maker", "model", "serial", "software")
        return " ".join(str(value[name]) for name in order if value.get(name) is not None)
    return str(value)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float | int) else str(value)


_LATIN: Final = dict(zip("абвгдежзиклмнопрстуфхцчшщыэ", "abvgdezziklmnoprstufhccssie", strict=True)) | dict(
    zip(
        "ђѓќљњћџѕјйіїєґюяьъđłı",
        ("d", "g", "k", "lj", "nj", "c", "dz", "dz", "j", "j", "i", "i", "e", "g", "ju", "ja", "", "", "d", "l", "i"),
        strict=True,
    )
)


def _fold(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text).casefold()
    latin = "".join(_LATIN.get(letter, letter) for letter in letters)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", " ", plain).strip()
