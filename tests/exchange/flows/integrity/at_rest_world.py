"""Two nodes that hold something in every table that says what was signed once more; and how to alter it."""

# ruff: noqa: S608 - the names of tables and columns are the ORM's own

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from exchange.clock import stamp_in
from exchange.flows.log.audit_rows import seal_audit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.release_request import decide_found, request_release
from exchange.flows.query.take import _row as received_query
from exchange.flows.review.statements import speak
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import place_hold, revoke_from, withdraw
from exchange.store.access.token_rows import revoke_token
from exchange.store.access.user_rows import add_user, change_role, put_authorisation
from exchange.store.log.statement_rows import add_statement, find_statement
from exchange.store.query.queries import FoundState, QueryState, add_found, add_query, find_query
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.query_tables import FoundRow
from schemas import Answer, Found, Group, LegalBasis, Maker, Query, open_envelope, parse_statement
from schemas.vocabulary import (
    Decision,
    ExhibitKind,
    Jurisdiction,
    LawfulPurpose,
    QueryResult,
    Role,
    ScoreBand,
    SharingRule,
    SignedInBy,
    WithdrawalReason,
)
from tests.exchange.databases import Databases
from tests.exchange.flows.kept_checks import keep_check
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.examples import fired_fields
from tests.schemas.results import INCONCLUSIVE

MKD = Jurisdiction.MK
EVERY_KIND = tuple(ExhibitKind)


def maker(pseudonym: str, role: Role = Role.EXAMINER) -> Maker:
    return Maker(pseudonym=pseudonym, role=role, signed_in=SignedInBy.TOKEN)


FIRST, SECOND, HEAD = maker("examiner-1"), maker("examiner-2"), maker("head-1", Role.HEAD)


def live(folder: Path, databases: Databases | None = None, further: Callable[[Node], None] | None = None) -> Network:
    """What two nodes did together, in the order of a year. ``further`` is what an extension does at the first."""
    network = Network(folder, databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    rs = network.nodes[RS]
    with rs.store.write() as session:
        for who in (FIRST, SECOND, HEAD):
            add_user(session, who.pseudonym, who.role)
        change_role(session, SECOND.pseudonym, Role.INVESTIGATOR)
        change_role(session, SECOND.pseudonym, Role.EXAMINER)
        revoke_token(session, 1)
        put_authorisation(session, FIRST.pseudonym, "authorised for cartridge cases")
    _check_instrument(rs)
    _state_terms(rs)
    shared = [network.record(RS, audience=["MK", "group-balkans"]) for _ in range(2)]
    network.record(RS, audience=["MK"], supersedes=shared[1])
    at_home = network.record(RS, level="none")
    fired = fired_fields(calibre="other", calibre_words="11 mm Werndl")
    network.record(RS, audience=["MK"], exhibit=fired, scan=b"fired")
    h3 = {"code": "H3", "restriction": "Ask first.", "source_grade": None, "information_grade": None}
    asked = network.record(RS, audience=["MK"], handling=h3)
    later = network.record(RS, level="search", audience=["XK"])
    grant(rs, HEAD, later, MKD, "Article 9")
    approve(rs, HEAD, asked, MKD, Decision.APPROVED, "The court agrees.")
    theirs = network.record(MK, audience=["RS"], scan=b"other")
    network.settle()
    _withdraw(network, shared[0], at_home)
    _join(network, network.record(RS, audience=["MK"], scan=b"one"), theirs)
    _ask(network, network.record(MK, level="search", audience=["RS"]))
    if further is not None:
        further(rs)
    for node in network.nodes.values():
        seal_audit(replace(node, settings=node.settings.model_copy(update={"audit_interval_s": -1.0})))
        sign_head(node)
    for _ in range(2):
        network.settle()
        network.round(MK, RS)
        network.round(RS, MK)
    return network


def _check_instrument(node: Node) -> None:
    with node.store.write() as session:
        for outcome in ("reference", "passed", "failed"):
            keep_check(session, outcome)


def _state_terms(node: Node) -> None:
    allowed = LegalBasis(
        jurisdiction=MKD, kinds=EVERY_KIND, rule=SharingRule.ALLOWED, article="Article 1", review_by=date(2199, 1, 1)
    )
    state_policy(node, HEAD, (Group(name="group-balkans", members=(Jurisdiction.XK, Jurisdiction.AL)),), (allowed,))


def _withdraw(network: Network, shared: str, held: str) -> None:
    """One is erased everywhere, one is restricted, one is taken back and granted again."""
    rs = network.nodes[RS]
    place_hold(rs, HEAD, held, "Court of Example, 12/2026")
    again = network.record(RS, audience=["MK"])
    network.settle()
    withdraw(rs, HEAD, shared, WithdrawalReason.ENTERED_IN_ERROR)
    withdraw(rs, HEAD, held, WithdrawalReason.ENTERED_IN_ERROR)
    revoke_from(rs, HEAD, again, MK, WithdrawalReason.ENTERED_IN_ERROR)
    network.settle()
    grant(rs, HEAD, again, MKD, "Article 9")
    network.settle()


def _join(network: Network, ours: str, theirs: str) -> None:
    """A lead of two records, of which North Macedonia signs that it has read it; and one more to be verified."""
    network.settle()
    join(network, {RS: (ours, b"one"), MK: (theirs, b"other")})
    network.settle()
    for reader, owner in ((MK, RS), (RS, MK)):
        with network.nodes[reader].store.write() as session:
            session.get_one(PeerRow, owner).receipt_at = stamp_in(-120)
        give_receipt(network.nodes[reader], owner)
        network.settle()


def join(network: Network, sides: dict[str, tuple[str, bytes]]) -> str:
    """A lead that Serbia says of two records, each with its scan by its owner. Returns the lead."""
    drawn = {"pair": pair_of(sides), **INCONCLUSIVE}
    first = says(network, FIRST, "conclusion", **drawn)
    second = says(network, SECOND, "verification", verifies=first, **drawn)
    rests_on = {"conclusion": first, "verification": second}
    return says(network, FIRST, "hit", pair=drawn["pair"], stage="lead", basis="screen", **rests_on)


def pair_of(sides: dict[str, tuple[str, bytes]]) -> dict[str, dict[str, str]]:
    named = [
        {"issuer": owner, "record": record, "first_version": record, "scan": hashlib.sha256(scan).hexdigest()}
        for owner, (record, scan) in sides.items()
    ]
    a, b = sorted(named, key=lambda side: side["record"])
    return {"a": a, "b": b}


def says(network: Network, who: Maker, kind: str, **fields: Any) -> str:
    return speak(network.nodes[RS], who, json.dumps({"type": kind} | fields).encode()).statement_id


def _ask(network: Network, hidden: str) -> None:
    """Serbia asks, North Macedonia finds one, and gives it."""
    rs, mk = network.nodes[RS], network.nodes[MK]
    record = network.record(RS, audience=["MK"])
    network.settle()
    [asked] = ask(rs, FIRST, Question(record, 0, LawfulPurpose.INVESTIGATION, "Article 286"))
    name = asked.query or ""
    with rs.store.read() as session:
        row = find_statement(session, name)
    assert row is not None
    envelope = open_envelope(row.envelope or b"")
    query = parse_statement(envelope.payload)
    assert isinstance(query, Query)
    handle = "ab" * 32
    found = (Found(handle=handle, band=ScoreBand.HIGH),)
    said = say(mk, Answer, THE_NODE, to=RS, query=name, result=QueryResult.CANDIDATE, found=found)
    with mk.store.write() as session:
        add_statement(session, name, query, query.type, envelope, row.log_index)
        add_query(session, received_query(name, query))
        enter(session, said, to=[RS])
        add_found(session, [FoundRow(handle=handle, query=name, record=hidden, band="high", state=FoundState.FOUND)])
        here = find_query(session, name)
        assert here is not None
        here.state, here.answer, here.result = QueryState.ANSWERED, said.statement_id, "candidate"
        here.answered_at = stamp_in(0)
    network.settle()
    request_release(rs, FIRST, handle, "Prosecutor, 12/2026.")
    network.settle()
    decide_found(mk, HEAD, handle, Decision.APPROVED, "For the prosecutor.")
    network.settle()


@contextmanager
def altered(node: Node, table: str, column: str, row: int, value: object) -> Iterator[None]:
    """A change past the node's own software, taken back at the end of the block."""
    with closing(sqlite3.connect(node.settings.database, isolation_level=None)) as database:
        database.execute("pragma foreign_keys = off")
        (before,) = database.execute(f'select "{column}" from "{table}" where rowid = ?', (row,)).fetchone()
        change = f'update "{table}" set "{column}" = ? where rowid = ?'
        assert database.execute(change, (value, row)).rowcount == 1
        stays = database.execute(f'select 1 from "{table}" where rowid = ?', (row,)).fetchone()
        try:
            yield
        finally:
            assert database.execute(change, (before, row if stays else value)).rowcount == 1


@contextmanager
def deleted(node: Node, table: str, row: int) -> Iterator[None]:
    """A row that is lost, and there again at the end of the block."""
    with closing(sqlite3.connect(node.settings.database, isolation_level=None)) as database:
        database.execute("pragma foreign_keys = off")
        before = database.execute(f'select * from "{table}" where rowid = ?', (row,)).fetchone()
        assert database.execute(f'delete from "{table}" where rowid = ?', (row,)).rowcount == 1
        try:
            yield
        finally:
            database.execute(f'insert or replace into "{table}" values ({", ".join("?" * len(before))})', before)


def rows_of(node: Node, table: str, column: str) -> list[tuple[int, object]]:
    """Row number and value: the first row that has one, and the first that has none."""
    with closing(sqlite3.connect(node.settings.database)) as database:
        found = [
            database.execute(f'select rowid, "{column}" from "{table}" where "{column}" is {wanted} limit 1').fetchone()
            for wanted in ("not null", "null")
        ]
    return [row for row in found if row is not None]
