"""Words of meetings that stay in a node: whose people attended. None of them names anybody."""

from __future__ import annotations

from enum import StrEnum


class Institution(StrEnum):
    FOCAL_POINT = "focal_point"
    LABORATORY = "laboratory"
    POLICE = "police"
    BORDER_CUSTOMS = "border_customs"
    PROSECUTION = "prosecution"
    COURT = "court"
    MINISTRY = "ministry"
    REGIONAL_BODY = "regional_body"
    """Such as SEESAC."""
    INTERNATIONAL = "international"
    """Such as the Union's delegations, Europol, INTERPOL."""
    OTHER = "other"


class AttendeeSex(StrEnum):
    """As people state it; nobody is asked."""

    WOMEN = "women"
    MEN = "men"
    NOT_STATED = "not_stated"
