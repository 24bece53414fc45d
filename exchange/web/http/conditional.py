"""Conditional requests (RFC 9110, 13): entity tags are content hashes, so a tag never lies."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import Header

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]


def persons_tag(tag: str, pseudonym: str) -> str:
    """Of what is written down when it is given: another tag for each person. So what a browser kept of one is given,
    and written down, again for the next who signs in there; a browser asks by a tag whosever cookie it sends."""
    return f"{tag}.{hashlib.sha256(pseudonym.encode()).hexdigest()[:16]}"


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """RFC 9110, 13.1.2: any of the listed tags, compared weakly, or ``*``."""
    if if_none_match is None:
        return False
    listed = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return "*" in listed or f'"{tag}"' in listed
