"""``ffp report``: the monitoring report of a half-year or a year, as a draft until the head has approved it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import actor_of, maker_as_head
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, tell
from exchange.coordination.half_year.half_year_report import (
    approve_next,
    approve_report,
    find_approved,
)
from exchange.coordination.half_year.half_year_report import draft as drafted
from exchange.coordination.half_year.half_years import parse_period
from exchange.coordination.half_year_report.half_year_paper import hand_out_report
from exchange.coordination.handed_out import LanguageOption, ReleaseForm
from exchange.coordination.incidents.incident_commands import WHAT_IS_SHOWN
from exchange.coordination.region_files.release_command import (
    confirmed_digits,
    digest_shown,
    read_recipient_file,
    released_file,
)
from exchange.coordination.region_files.release_report import Addressed
from exchange.errors import InvalidInput
from exchange.extras.known import require_extra
from exchange.flows.log.audit_rows import CONSOLE
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas.vocabulary import Role


def report(
    period: Annotated[
        list[str],
        typer.Option("--half", "--period", help="The half-year, such as 2026H2: from July on, in UTC; or a year."),
    ],
    out: Annotated[Path | None, typer.Option(help="The file to write; without one, what there is is said.")] = None,
    chosen: Annotated[
        ReleaseForm | None,
        typer.Option(
            "--form",
            help="Of the file: the public edition as json, csv or pdf; file is both editions with their proof, for "
            "ffp region; approval and manifest are what was signed. Without: json, or file where --to is given.",
        ),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Before it is approved; marked as a draft.")] = False,
    language: LanguageOption = "en",
    approve: Annotated[
        str | None,
        typer.Option(
            help="Approve both editions for release: the SHA-256 that was shown before; or shown: what this command "
            "shows now, and asks about.",
            metavar="SHA256|shown",
        ),
    ] = None,
    acting: Annotated[
        str | None, typer.Option("--as", help="The head, by pseudonym, who approves or releases.")
    ] = None,
    because: Annotated[str | None, typer.Option(help="To whom it goes and on what ground, in one line.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="The recipient's file, for whom the restricted edition is sealed (form file).")
    ] = None,
    to_fingerprint: Annotated[
        str | None, typer.Option(help="The recipient's 40 digits, as read out by telephone; else they are asked for.")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="Why the recipient gets the restricted edition.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether what is shown is approved.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Count a half-year or add up a year, approve both editions of the report, or write it once it is approved."""

    if len(period) > 1:
        raise InvalidInput(
            f"--half and --period are two names of one option, and {len(period)} were given: {', '.join(period)}. Give "
            "one half-year or year.",
            code="invalid-half",
        )
    wanted = parse_period(period[0])
    form = chosen or ("json" if to is None else "file")
    if form == "pdf" and out is not None:
        require_extra("pdf", "A report as PDF")  # before anything is signed
    addressed = _addressed(to, to_fingerprint, purpose, acting, form)
    with node_at(home) as node:
        if approve is not None:
            if acting is None or because is None:
                raise InvalidInput("To approve, say who does with --as, and why with --because.")
            maker = maker_as_head(node, acting)
            digest = digest_shown(node, wanted, ask=not yes) if approve == WHAT_IS_SHOWN else approve
            if digest is not None:
                said = approve_report(node, maker, wanted, digest, because)
                typer.echo(f"The report of {wanted} is approved; the statement is {said}.", err=as_json)
        found = find_approved(node, wanted)
        if out is None:
            sha256 = found.sha256 if found is not None else drafted(node, wanted).sha256
            fields = {"half": str(wanted), "approved": found is not None, "sha256": sha256}
            if found is not None:
                fields |= {"approved_by": found.approved_by, "approved_at": found.approved_at}
                tell(
                    as_json,
                    fields,
                    f"{wanted}: approved by {found.approved_by} at {found.approved_at}, SHA-256 {sha256}.",
                )
            else:
                told = f"{wanted}: not approved. {approve_next(wanted)}"
                tell(as_json, fields, f"{told} SHA-256 of both editions as they are: {sha256}.")
            return
        if form == "file":
            actor = actor_of(node, acting, Role.HEAD) if addressed is not None else CONSOLE
            written = released_file(node, actor, wanted, addressed, just_approved=approve is not None)
        else:
            with speaking(Spoken(language, directory=lambda: node.jurisdictions)):
                written = hand_out_report(node, CONSOLE, wanted, form, draft=draft).content
    out.write_bytes(written)
    said = f"Written: {out}, {'as it was approved' if found is not None else 'a draft'}."
    if addressed is not None:
        said += f" Its restricted edition is sealed for {addressed.recipient.name}, and nobody else opens it."
    tell(as_json, {"half": str(wanted), "written": out, "draft": found is None}, said)


def _addressed(
    to: Path | None, fingerprint: str | None, purpose: str | None, acting: str | None, form: str
) -> Addressed | None:
    if to is None and fingerprint is None and purpose is None:
        return None
    if form != "file":
        raise InvalidInput("The restricted edition leaves the node in a file alone: --form file.")
    if to is None or purpose is None or acting is None:
        raise InvalidInput(
            "For a recipient give all of: --to with its file, --purpose, and --as with the head who releases it; its "
            "digits are asked for, or given with --to-fingerprint. Without them the file has the public edition alone."
        )
    recipient = read_recipient_file(to)
    return Addressed(recipient, confirmed_digits(recipient, fingerprint), purpose)
