"""What jurisdictions are called that are assessed and that this software does not know by themselves, such as one that
never had a node: each file of theirs may name its own."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from exchange.coordination.assessment.assessment_answers import AnswersFile
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory, check_entries, shipped_directory
from exchange.jurisdictions.entry import JurisdictionEntry
from schemas.jurisdiction import Jurisdiction


def places_of(assessed: Iterable[AnswersFile]) -> Directory:
    """The directory of the release, with what the files name beyond it. A file names none that the directory has, so
    that no name is said there without its footnote. Raises InvalidInput."""
    known, more = shipped_directory(), dict[Jurisdiction, JurisdictionEntry]()
    for given in assessed:
        code = Jurisdiction(given.jurisdiction)
        if not given.place:
            continue
        if code in known:
            if given.place != known.name(code):
                raise InvalidInput(f"{given.name}: name: {code} is called {known.name(code)} here; leave it empty.")
            continue
        try:
            entry = JurisdictionEntry(names={"en": given.place}, footnotes={}, languages=("en",), clock="UTC")
        except ValidationError as error:
            said = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            raise InvalidInput(f"{given.name}: name: {said}.") from error
        check_entries({**more, code: entry}, f"{given.name}: name")
        more[code] = entry
    return known.extended(more, "the files of the assessments") if more else known
