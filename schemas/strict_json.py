"""JSON as the contract takes it: bounded, UTF-8, no duplicate keys, no NaN, no deep nesting (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import ContractError, ContractReason, shown

MAX_STATEMENT_BYTES = 256 * 1024  # a record with 16 acquisitions takes 12 kB, with mended regions 56 kB
MAX_DEPTH = 16  # the deepest statement nests 5 levels
BYTES_A_VALUE = 64  # a statement of 256 kB holds 4,096 values; the longest record has about 400, of 30 bytes each

# A string that is never closed runs to the end of the data: were it passed over instead, each quote behind it would
# start a search to the end, and 256 kB of quotes would take minutes.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")

MAX_PROBLEMS = 50  # more than a person mends at once; a hostile statement could have 40,000
_M = TypeVar("_M", bound=BaseModel)


def read_strict(
    model: type[_M], data: bytes, *, max_bytes: int = MAX_STATEMENT_BYTES, max_values: int | None = None
) -> _M:
    """Read untrusted JSON as this model, once `check_json` found nothing in it. Raises ContractError."""
    check_json(data, max_bytes=max_bytes, max_values=max_values)
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error


def check_json(data: bytes, *, max_bytes: int = MAX_STATEMENT_BYTES, max_values: int | None = None) -> None:
    """Refuse what a lenient parser would silently mend, before any model sees it.

    Two readers that disagree on a duplicated key disagree on what was signed (RFC 7493, 2.3).
    Values are counted beside bytes, since a model says what is wrong with each of them, and takes its time: there
    may be one for each ``BYTES_A_VALUE`` of ``max_bytes``, and of a statement's where that is more. ``max_values``:
    of a form that holds few values, some of them long, such as documents in Base64.

    Raises ContractError: "too-large", "too-deep", "not-json", "duplicate-key".
    """
    if len(data) > max_bytes:
        raise ContractError("too-large", f"The JSON has {len(data)} bytes; at most {max_bytes} are read.")
    most = max(max_bytes, MAX_STATEMENT_BYTES) // BYTES_A_VALUE if max_values is None else max_values
    bare = _without_strings(data, most)
    _check_depth(bare, most)
    _check_values(bare, most)
    try:
        json.loads(data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except ValueError as error:
        raise ContractError("not-json", f"This is not JSON in UTF-8: {error}.") from error


def _without_strings(data: bytes, most: int) -> bytes:
    """No more strings are looked for than stand in so many values, a name and a text each: to leave out one takes 160
    bytes of memory, and two quotes are one."""
    bare, strings = _STRING.subn(b"", data, count=2 * most + 2)
    if strings > 2 * most + 1:
        raise ContractError("too-large", f"The JSON holds more strings than {most} values have.")
    return bare


def _check_depth(bare: bytes, most: int) -> None:
    depth = 0
    for number, bracket in enumerate(_BRACKET.finditer(bare)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            raise ContractError("too-deep", f"The JSON nests deeper than {MAX_DEPTH} levels.")
        if depth < 0 or number > 2 * most:
            return  # no JSON, or of more values than are read


def _check_values(bare: bytes, most: int) -> None:
    # a value comes first in its array or object, or follows a comma
    values = bare.count(b",") + bare.count(b"[") + bare.count(b"{")
    if values > most:
        raise ContractError("too-large", f"The JSON holds {values} values; at most {most} are read.")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        raise ContractError("duplicate-key", f"One object names a key twice: {shown(', '.join(twice), 200)}.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def contract_error(error: ValidationError) -> ContractError:
    """The contract's own error for what Pydantic found, naming each place.

    What the sender wrote is shown cut short and without what hides or reorders: it goes into logs and onto pages.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = tuple(
        (
            shown(".".join(str(step) for step in item["loc"]), 120) or "statement",
            shown(item["msg"].removeprefix("Value error, "), 400),
        )
        for item in found[:MAX_PROBLEMS]
    )
    told = "; ".join(f"{place}: {what}" for place, what in problems[:5])
    return ContractError(_reason(found), f"The statement does not follow the contract: {told}.", problems)


def _reason(found: list[ErrorDetails]) -> ContractReason:
    """The reason that matters most: what a newer node may mean comes before what is plainly wrong."""
    kinds = {item["type"] for item in found}
    if "json_invalid" in kinds:  # what the strict reader let pass and Pydantic's does not: half a surrogate pair
        return "not-json"
    if any(item["type"] in ("union_tag_invalid", "union_tag_not_found") and not item["loc"] for item in found):
        return "unknown-type"
    if any(item["loc"][-1:] == ("contract",) and item["type"] != "extra_forbidden" for item in found):
        return "unknown-contract"
    if "extra_forbidden" in kinds:
        return "unknown-field"
    return "unknown-calibre" if "unknown_calibre" in kinds else "invalid-field"
