"""``ffp verify`` of the bundle of a pair: every fact that its report rests on, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from exchange.cli.tables import print_json, tell
from exchange.errors import LogError, RootInvalid, StatementInvalid

if TYPE_CHECKING:
    from exchange.flows.witness.verify_pair_bundle import BundledDiscrepancy, PairFact, VerifiedPair
    from schemas import AnyStatement, Record


def verify_pair(data: bytes, fingerprints: Sequence[str], *, as_json: bool) -> None:
    """Print what is proven, or end with exit code 1."""
    from exchange.flows.witness.verify_pair_bundle import bundled_discrepancies, verify_pair_bundle
    from exchange.trust.card import same_fingerprint
    from schemas.pair_bundle import REPORT_FILE

    try:
        found = verify_pair_bundle(data, confirmed=fingerprints)
    except (StatementInvalid, LogError, RootInvalid) as error:
        said = {"verified": False, "code": error.code, "detail": str(error)}
        tell(as_json, said, f"NOT verified ({error.code}): {error}")
        raise typer.Exit(1) from error
    known = {
        node: any(same_fingerprint(given, inside) for given in fingerprints)
        for node, inside in found.fingerprints.items()
    }
    if as_json:
        print_json(_plain(found, known))
        return
    typer.echo(f"Pair of the records {found.contents.records[0]}\n             and {found.contents.records[1]}")
    typer.echo(
        f"  {REPORT_FILE} has the SHA-256 {found.contents.report}; nobody signs it: hold it against what follows"
    )
    for fact in found.facts:
        for line in _told(fact):
            typer.echo(line)
    for discrepancy in bundled_discrepancies(found.facts):
        for line in _discrepancy_lines(discrepancy):
            typer.echo(line)
    for left in found.contents.left_out:
        typer.echo(f"Left out: {left.statement_id} of {left.issuer} ({left.reason}); ask {left.issuer} for its bundle")
    for node, digits in found.fingerprints.items():
        typer.echo(f"All of {node} rests on the identity with the fingerprint\n\n    {digits}\n")
        typer.echo(
            "  it is one that you know: good" if known[node] else "  Is it the issuer's? Compare it by telephone."
        )


def _told(fact: PairFact) -> Iterator[str]:
    said = fact.statement
    yield f"{said.type} {fact.statement_id}"
    yield f"  of {said.issuer}, by {said.made_by.pseudonym} ({said.made_by.role}, {said.made_by.signed_in})"
    for name, value in facts_of(said).items():
        yield f"  {name}: {_in_one_place(value)}"
    yield f"  stated at {said.stated_at}" if said.stated_at is not None else "  no time stated"
    yield "  signed with Ed25519 and ML-DSA-65 by the issuer's statement keys: good"
    if fact.head_size is not None:
        yield f"  number {fact.log_index} of the {fact.head_size} statements under a signed head of its log: good"
    else:
        yield f"  said to be number {fact.log_index} of its log: not proven here, ask {said.issuer}"


def _discrepancy_lines(found: BundledDiscrepancy) -> Iterator[str]:
    yield f"custody discrepancy of the record {found.record}: {', '.join(found.kinds)}"
    yield f"  at the step {found.step}"
    if (said := found.explanation) is None:
        yield "  not explained by any statement inside"
    else:
        yield f"  explained by the head of {said.issuer}, {said.made_by.pseudonym}: {_in_one_place(said.explanation)}"


def _in_one_place(text: str) -> str:
    """What people wrote, its further lines marked: none of it reads as a line of this program's own."""
    return text.replace("\n", "\n    | ")


def facts_of(said: AnyStatement) -> dict[str, str]:
    """What a statement says, in the words of the contract."""
    from schemas import (
        Conclusion,
        CustodyExplanation,
        Feedback,
        Hit,
        PhysicalComparison,
        Record,
        Retraction,
        Verification,
    )

    named: tuple[str, ...] = ()
    match said:
        case Record():
            return _record(said)
        case Conclusion() | Verification():
            result = {"conclusion": said.result.conclusion, "basis": said.result.basis}
            return {**result, **({} if said.remark is None else {"remark": said.remark})}
        case Hit():
            named = ("stage", "basis", "conclusion", "verification", "answers")
        case PhysicalComparison():
            named = ("step", "hit", "on", "place", "record", "seal", "seal_whole", "answers", "remark")
        case CustodyExplanation():
            named = ("explains", "hit", "explanation")
        case Feedback():
            named = ("outcome", "hit", "remark")
        case Retraction():
            named = ("retracts", "reason")
        case _:
            pass
    return {name: str(value) for name in named if (value := getattr(said, name)) is not None}


def _record(said: Record) -> dict[str, str]:
    exhibit, fired = said.exhibit, said.exhibit.firearm
    told = {
        "case": said.case_reference,
        "incident": exhibit.incident,
        "item": exhibit.item,
        "seal": exhibit.seal,
        "exhibit": exhibit.kind,
        "calibre": exhibit.calibre,
        "calibre in words": exhibit.calibre_words,
        "firearm": None if fired is None else f"{fired.firearm_id}, {fired.kind}, {fired.make} {fired.model}",
        "handling": said.handling.restriction or said.handling.code,
        "scans": ", ".join(scan.blob.sha256 for scan in said.acquisitions),
    }
    return {name: str(value) for name, value in told.items() if value is not None}


def _plain(found: VerifiedPair, known: dict[str, bool]) -> dict[str, object]:
    from exchange.flows.witness.verify_pair_bundle import bundled_discrepancies

    return {
        "verified": True,
        "records": found.contents.records,
        "report_sha256": found.contents.report,
        "made_by": found.contents.made_by,
        "statements": [
            {
                "statement_id": fact.statement_id,
                "type": fact.statement.type,
                "issuer": fact.statement.issuer,
                "made_by": fact.statement.made_by,
                "stated_at": fact.statement.stated_at,
                "says": facts_of(fact.statement),
                "log_index": fact.log_index,
                "head_size": fact.head_size,
            }
            for fact in found.facts
        ],
        "custody_discrepancies": [
            {
                "record": one.record,
                "step": one.step,
                "kinds": one.kinds,
                "explanation": None if one.explanation is None else one.explanation.explanation,
            }
            for one in bundled_discrepancies(found.facts)
        ],
        "left_out": found.contents.left_out,
        "nodes": [
            {"node": node, "fingerprint": digits, "confirmed": known[node]}
            for node, digits in found.fingerprints.items()
        ],
    }
