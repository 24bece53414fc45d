"""The code of a jurisdiction: two capital letters. Which codes there are is data of each node, and no part of the
contract: its directory (``exchange.jurisdictions``) grows with each round of the trust root.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

CODE_PATTERN: Final = "^[A-Z]{2}$"
_FORM: Final = re.compile("[A-Z]{2}")  # by fullmatch: "$" alone takes a line's end behind it
_EXAMPLES: Final = ("RS", "MK")

MAX_JURISDICTIONS: Final = 64
"""In one directory, and so in one group: Europe has fewer than sixty codes."""


_MADE: dict[str, Jurisdiction] = {}
"""By their codes: at most 676."""


class Jurisdiction(str):
    """A code as ISO 3166-1 alpha-2 has it, or XK, which is user-assigned: ``Jurisdiction("RS")``, or, of the
    eight in the first release's directory, ``Jurisdiction.RS``. There is one object of each code, as of the words of
    the vocabularies. Raises ValueError for what is no code; whether anybody knows the code is another question.
    """

    __slots__ = ()

    AL: ClassVar[Jurisdiction]
    BA: ClassVar[Jurisdiction]
    ME: ClassVar[Jurisdiction]
    MD: ClassVar[Jurisdiction]
    MK: ClassVar[Jurisdiction]
    RS: ClassVar[Jurisdiction]
    UA: ClassVar[Jurisdiction]
    XK: ClassVar[Jurisdiction]
    """Kosovo*.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999)."""

    def __new__(cls, code: str) -> Jurisdiction:
        if not isinstance(code, str) or not _FORM.fullmatch(code):
            raise ValueError("a jurisdiction is a code of two capital letters")
        return _MADE.setdefault(str(code), super().__new__(cls, code))

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema(pattern=CODE_PATTERN))

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "title": cls.__name__, "pattern": CODE_PATTERN, "examples": list(_EXAMPLES)}


FIRST_JURISDICTIONS: Final = tuple(map(Jurisdiction, ("AL", "BA", "ME", "MD", "MK", "RS", "UA", "XK")))
"""Those whose names, languages and clocks the release brings."""

for _code in FIRST_JURISDICTIONS:
    setattr(Jurisdiction, _code, _code)
