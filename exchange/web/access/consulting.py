"""What programs state of why they search and read, and under which law, in the headers of a request."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header
from pydantic import TypeAdapter, ValidationError

from exchange.errors import InvalidInput
from exchange.flows.access.consultation import Caller, Consultation
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode, Reader, ReadingExaminer
from schemas.exhibit import ShortText
from schemas.vocabulary import LawfulPurpose

PurposeHeader = Annotated[
    LawfulPurpose | None,
    Header(alias="FFP-Purpose", description="Why: Directive (EU) 2016/680, article 1(1). Kept with what was asked."),
]
LegalBasisHeader = Annotated[
    str | None,
    Header(
        alias="FFP-Legal-Basis",
        max_length=1200,
        description="Under which law, and which case: one line of at most 120 characters, percent-encoded where not "
        "ASCII.",
    ),
]
_LINE: TypeAdapter[str] = TypeAdapter(ShortText)


async def consulting(
    node: OpenNode, caller: Reader, purpose: PurposeHeader = None, legal_basis: LegalBasisHeader = None
) -> Consultation:
    """Raises as ``consultation_of``."""
    return consultation_of(node, caller, purpose, legal_basis)


async def consulting_examiner(
    node: OpenNode, caller: ReadingExaminer, purpose: PurposeHeader = None, legal_basis: LegalBasisHeader = None
) -> Consultation:
    """As ``consulting``, of examiners alone."""
    return consultation_of(node, caller, purpose, legal_basis)


def consultation_of(node: Node, caller: Caller, purpose: str | None, legal_basis: str | None) -> Consultation:
    """Raises InvalidInput, code "purpose-missing" where this node demands what was not stated, "invalid-legal-basis"
    where it is not a line."""
    if node.settings.purpose_required and (purpose is None or not legal_basis):
        raise InvalidInput(
            "State why you ask, in the header FFP-Purpose, and under which law and in which case, in FFP-Legal-Basis. "
            f"Purposes: {', '.join(LawfulPurpose)}.",
            code="purpose-missing",
        )
    return Consultation(node, caller, purpose, _line(legal_basis) if legal_basis else None)


def _line(encoded: str) -> str:
    try:
        encoded.encode("ascii")
        return _LINE.validate_python(unquote(encoded, errors="strict"))
    except (ValueError, ValidationError) as error:
        raise InvalidInput(
            "FFP-Legal-Basis is one line of at most 120 printable characters, in UTF-8, percent-encoded.",
            code="invalid-legal-basis",
            problems=(("header.FFP-Legal-Basis", "is not such a line"),),
        ) from error


Consulting = Annotated[Consultation, Depends(consulting)]
ConsultingExaminer = Annotated[Consultation, Depends(consulting_examiner)]
