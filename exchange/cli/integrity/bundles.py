"""``ffp export`` and ``ffp verify``: a record with its proofs, given away and verified without any node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from exchange.cli.acting import read_named_file
from exchange.cli.integrity.pair_bundles import verify_pair
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, print_json, tell
from exchange.errors import InvalidInput, LogError, RootInvalid, StatementInvalid

_ZIP: Final = b"PK"

if TYPE_CHECKING:
    from exchange.flows.witness.bundle import VerifiedBundle


def export(
    statement: Annotated[str, typer.Argument(help="The record's statement id, 64 hexadecimal digits.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    home: Home = None,
) -> None:
    """Write a record of this node with all that proves it, for somebody who verifies it elsewhere."""
    from exchange.flows.log.audit_rows import CONSOLE
    from exchange.flows.witness.bundle import make_bundle
    from exchange.log.audit_entry import Act, Deed

    with node_at(home) as node:
        bundle = make_bundle(node, statement)
        node.audit.note(Deed(CONSOLE, Act.READ_BUNDLE, 1, (statement,)))
    out.write_text(bundle.model_dump_json() + "\n", encoding="utf-8")
    typer.echo(f"Written: {out}. To verify it: ffp verify {out} --fingerprint DIGITS, or docs/verify-by-hand.md")


def verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle, made by ffp export or read from a node.")],
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(help="The issuer's fingerprint, 40 digits, as you know it; of a pair one of each node."),
    ] = None,
    root: Annotated[
        str | None, typer.Option(help="The digits of the last round of the trust root, as you know them.")
    ] = None,
    scan: Annotated[
        list[Path] | None, typer.Option(help="A scan that the record should name; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle, of a record or of a pair: signatures, key-event, log. Needs no node and no network; exit code 1
    when it is not true."""
    from exchange.flows.statement.proven import last_round_that_names
    from exchange.flows.witness.bundle import verify_bundle
    from exchange.jurisdictions.directory import shipped_directory
    from schemas.bundle import MAX_BUNDLE_BYTES
    from schemas.pair_bundle import MAX_PAIR_BUNDLE_BYTES

    data = read_named_file(bundle, MAX_PAIR_BUNDLE_BYTES)
    if data.startswith(_ZIP):
        verify_pair(data, fingerprint or [], as_json=as_json)
        return
    confirmed = one_fingerprint(fingerprint)
    try:
        found = verify_bundle(data[: MAX_BUNDLE_BYTES + 1], confirmed=confirmed, confirmed_root=root, scans=scan or ())
    except (StatementInvalid, LogError, RootInvalid) as error:
        said = {"verified": False, "code": error.code, "detail": str(error)}
        tell(as_json, said, f"NOT verified ({error.code}): {error}")
        raise typer.Exit(1) from error
    if as_json:
        print_json(_plain(found, confirmed, root))
        return
    record, card = found.record, found.card
    known = shipped_directory() if found.trust is None else found.trust.registry.directory
    typer.echo(f"Record {found.statement_id}")
    typer.echo(f"  of {card.issuer}, {known.name(card.jurisdiction)}, case {record.case_reference}")
    typer.echo(f"  made by {record.made_by.pseudonym} ({record.made_by.role}, {record.made_by.signed_in})")
    typer.echo("  signed with Ed25519 and ML-DSA-65 by the issuer's statement keys: good")
    typer.echo(f"  number {found.log_index} of the {found.head.size} statements under a head of its log: good")
    typer.echo("  head signed with Ed25519 and ML-DSA-44 by the issuer's log keys: good")
    for witness in found.witnesses:
        typer.echo(f"  head cosigned by {witness.issuer} with Ed25519 and ML-DSA-44: good")
    if found.trust is not None:
        digits = "they are those that you know" if root is not None else f"its digits are {found.trust.fingerprint}"
        named = last_round_that_names(found.trust, card)
        typer.echo(f"  identity named by round {named} of the {found.trust.version} of the trust root: good; {digits}")
    for acquisition in record.acquisitions:
        looked = "the file given is this one" if acquisition.blob.sha256 in found.scans else "not looked at"
        typer.echo(f"  scan {acquisition.blob.sha256}, {acquisition.roi}: {looked}")
    if confirmed is None:
        typer.echo(f"All rests on the identity with the fingerprint\n\n    {found.fingerprint}\n")
        typer.echo("Is it the issuer's? Compare it with what you know from elsewhere, or ask by telephone.")
    else:
        typer.echo("  the identity has the fingerprint that you know: good")
    for footnote in known.footnotes([card.jurisdiction]):
        typer.echo(footnote)


def one_fingerprint(given: list[str] | None) -> str | None:
    """A record has one issuer. Raises InvalidInput."""

    if given and len(given) > 1:
        raise InvalidInput("The bundle of a record rests on one identity: give one fingerprint.")
    return given[0] if given else None


def _plain(found: VerifiedBundle, fingerprint: str | None, root: str | None) -> dict[str, object]:
    """``confirmed``: whether the fingerprint is one that the caller knew; without that all rests on the identity."""
    record, card, trust = found.record, found.card, found.trust
    return {
        "verified": True,
        "statement_id": found.statement_id,
        "issuer": card.issuer,
        "jurisdiction": card.jurisdiction,
        "case_reference": record.case_reference,
        "made_by": record.made_by,
        "log_index": found.log_index,
        "head_size": found.head.size,
        "witnesses": [witness.issuer for witness in found.witnesses],
        "fingerprint": found.fingerprint,
        "confirmed": fingerprint is not None,
        "trust_root": None if trust is None else {"version": trust.version, "fingerprint": trust.fingerprint},
        "trust_root_confirmed": trust is not None and root is not None,
        "scans": [
            {"sha256": scan.blob.sha256, "roi": scan.roi, "looked_at": scan.blob.sha256 in found.scans}
            for scan in record.acquisitions
        ],
    }
