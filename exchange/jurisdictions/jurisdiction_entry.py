"""What is known of one jurisdiction, in the form in which files and the signed registry state it:

    {"HR": {"names": {"en": "Croatia", "hr": "Hrvatska"}, "languages": ["hr"], "clock": "Europe/Zagreb"}}

A name that must not stand without its footnote ends with asterisks, in every language, and the footnote begins with
them: so each place that prints the name knows what to print below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from exchange.errors import InvalidInput
from schemas import ContractError
from schemas.exhibit import Contract
from schemas.jurisdiction import MAX_JURISDICTIONS, Jurisdiction
from schemas.strict_json import check_json, contract_error

ENGLISH: Final = "en"
MAX_ENTRIES_BYTES: Final = 64 * 1024
"""Of all entries in one file or one registry, in ASCII. A name in ten languages takes 0.6 kB, with a footnote 3.5 kB;
more would leave no room in a registry of many nodes."""
_MARK: Final = re.compile(r"\*{1,3}$")


def _plain_line(text: str) -> str:
    if text != text.strip() or not text.isprintable():
        raise ValueError("it must be one line of printable characters, with no space at either end")
    return text


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")]
"""As BCP 47 has it, with a script where the language has two: ``sr-Latn``."""
Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain_line)]
Footnote = Annotated[str, Field(min_length=4, max_length=300), AfterValidator(_plain_line)]
Clock = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}$")]
"""The name of a time zone of the IANA: ``Europe/Zagreb``."""


class JurisdictionEntry(Contract):
    """Of one jurisdiction: its name by language of the pages, of which English must be there; its footnotes likewise,
    if it has any; which languages are official in it; by which clock it lives.

    What is checked here is the same on every machine. Whether this machine knows the languages and the clock is asked
    where somebody writes or proposes an entry (``directory.check_entries``): a registry that was signed stays good.
    """

    names: Annotated[dict[Language, Name], Field(max_length=32)]
    footnotes: Annotated[dict[Language, Footnote], Field(default_factory=dict, max_length=32)]
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=16)]
    clock: Clock

    @property
    def mark(self) -> str:
        """The asterisks that the name carries; none where it has no footnote."""
        return _mark_of(self.names[ENGLISH])

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if ENGLISH not in self.names:
            raise ValueError("the English name is missing")
        if self.footnotes and ENGLISH not in self.footnotes:
            raise ValueError("the English footnote is missing")
        for language, name in self.names.items():
            if "*" in name.removesuffix(self.mark) or not name.endswith(self.mark) or name == self.mark:
                raise ValueError(f"the name in {language} must end as the English one does, without other asterisks")
        if bool(self.mark) != bool(self.footnotes):
            raise ValueError("a name ends with an asterisk where there is a footnote, and only there")
        for language, footnote in self.footnotes.items():
            if not footnote.startswith(f"{self.mark} "):
                raise ValueError(f"the footnote in {language} must begin with {self.mark} and a space")
        return self


Entries = Mapping[Jurisdiction, JurisdictionEntry]
_ADAPTER: Final = TypeAdapter(
    Annotated[dict[Jurisdiction, JurisdictionEntry], Field(min_length=1, max_length=MAX_JURISDICTIONS)]
)


def read_entries(raw: bytes, where: str) -> dict[Jurisdiction, JurisdictionEntry]:
    """Entries by their codes, from bytes that somebody wrote. Raises InvalidInput that says what is wrong ``where``."""
    try:
        check_json(raw, max_bytes=MAX_ENTRIES_BYTES)
        found = _ADAPTER.validate_json(raw, strict=True)
    except ContractError as error:
        raise InvalidInput(f"{where} holds no jurisdictions: {error}") from error
    except ValidationError as error:
        told = "; ".join(f"{place}: {what}" for place, what in contract_error(error).problems[:5])
        raise InvalidInput(f"{where} holds no jurisdictions: {told}.") from error
    _check_size(found, where)
    return found


def entries_in(stated: object, where: str) -> dict[Jurisdiction, JurisdictionEntry]:
    """As ``read_entries``, from JSON that was read already."""
    return read_entries(json.dumps(stated).encode(), where)


def plain_entries(entries: Entries) -> dict[str, dict[str, object]]:
    """As JSON has them; ``entries_in`` reads them back."""
    return {str(code): entry.model_dump(mode="json", exclude_defaults=True) for code, entry in sorted(entries.items())}


def _check_size(entries: Entries, where: str) -> None:
    size = len(json.dumps(plain_entries(entries)))
    if size > MAX_ENTRIES_BYTES:
        raise InvalidInput(f"{where} holds {size} bytes of jurisdictions in ASCII; at most {MAX_ENTRIES_BYTES} go.")


def _mark_of(name: str) -> str:
    found = _MARK.search(name)
    return found.group() if found else ""
