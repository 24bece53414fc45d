"""Approve something and hand it out in one act: what is approved is shown first, and who gets it is asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import typer

from exchange.cli.acting import read_named_file
from exchange.cli.tables import TableColumn, print_table
from exchange.coordination.half_year.half_year_report import draft, find_approved
from exchange.coordination.half_year.half_years import Period
from exchange.coordination.half_year.restricted_edition import exact_counts
from exchange.coordination.region_files.file_kinds import DEFINITIONS
from exchange.coordination.region_files.recipient import (
    MAX_RECIPIENT_BYTES,
    NamedRecipient,
    check_recipient,
    read_recipient,
)
from exchange.coordination.region_files.release_report import Addressed, release_report
from exchange.errors import Conflict, InvalidInput
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Actor

_T = TypeVar("_T")
TRIES_OF_DIGITS: Final = 3
HEAD_S: Final = 30.0
"""The running node signs a head of its log, which covers the approval, within a second or two."""
LOOK_FOR_HEAD_S: Final = 0.2


def digest_shown(node: Node, period: Period, *, ask: bool) -> str | None:
    """The digest of both editions, once their figures were shown and confirmed; None of a report that is approved
    already."""

    if find_approved(node, period) is not None:
        return None
    found = draft(node, period)
    rows = [
        (DEFINITIONS[name].title, "no data" if None in row.values() else sum(count or 0 for count in row.values()))
        for name, row in exact_counts(found.restricted).items()
    ]
    heads = [TableColumn("figure"), TableColumn("in all, exactly", number=True)]
    print_table(heads, rows, title=f"{period}, of {node.node_id}; the public edition holds back what is small")
    typer.echo(f"SHA-256 of both editions: {found.sha256}")
    if ask:
        typer.confirm("Approve both editions for release?", abort=True)
    return found.sha256


def confirmed_digits(recipient: NamedRecipient, typed: str | None) -> str:
    """The recipient's fingerprint, as it was typed or is asked for now: at a terminal three times at most.
    Raises InvalidInput where it is another, before anything is signed."""

    for left in reversed(range(TRIES_OF_DIGITS)):
        digits = typed or str(typer.prompt(f"The 40 digits that {recipient.name} read out by telephone", err=True))
        try:
            check_recipient(recipient, digits)
        except InvalidInput as error:
            if typed or not left or not sys.stdin.isatty():
                raise
            typer.echo(f"{error} Nothing is approved yet; tries left: {left}.", err=True)
        else:
            break
    return digits


def read_recipient_file(path: Path) -> NamedRecipient:
    return read_recipient(read_named_file(path, MAX_RECIPIENT_BYTES))


def released_file(node: Node, actor: Actor, period: Period, to: Addressed | None, *, just_approved: bool) -> bytes:
    """The report's file. What was approved just now waits for the running node to sign a head that covers it."""

    return once_signed(lambda: release_report(node, actor, period, to), HEAD_S if just_approved else 0.0)


def once_signed(release: Callable[[], _T], for_s: float = HEAD_S) -> _T:
    """What can be handed out once a signed head of the log covers its approval. Raises Conflict, code
    "head-not-signed", where no head came: the node does not run."""

    until = time.monotonic() + for_s
    while True:
        try:
            return release()
        except Conflict as error:
            if error.code != "head-not-signed" or time.monotonic() > until:
                raise
        time.sleep(LOOK_FOR_HEAD_S)
