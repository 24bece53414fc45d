"""``ffp root``: the trust root, signed by the jurisdictions in a ceremony, and installed by each node."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.tables import AsJson, print_json, tell
from exchange.clock import now
from exchange.errors import ConfigurationError, InvalidInput, RootInvalid
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.trust.ceremony import Proposal
    from exchange.trust.registry import Trust

app = typer.Typer(help="The trust root: who signs for whom, and which nodes there are.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The ceremony's folder, as it is carried about.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="A file with the passphrase, readable by you alone; asked for when not given.")
]


@app.command("key")
def key(
    jurisdiction: Annotated[str, typer.Argument(help="AL, BA, ME, MD, MK, RS, UA or XK, or one that --entry names.")],
    out: Annotated[Path, typer.Option(help="A new folder for the key pair, kept locked away.")],
    entry: Annotated[
        Path | None,
        typer.Option(help="Of a jurisdiction that this release does not know: the file with its names."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a jurisdiction's key pair: two encrypted private keys, and the public part to carry to the ceremony."""
    from exchange.jurisdictions.directory import shipped_directory
    from exchange.jurisdictions.own_file import read_entries_file
    from exchange.trust.card import fingerprint
    from exchange.trust.root_keys import create_root_key

    directory = shipped_directory()
    if entry is not None:
        directory = directory.extended(read_entries_file(entry), str(entry))
    if jurisdiction.upper() not in directory:
        raise ConfigurationError(
            f"{jurisdiction} is none of {', '.join(directory)}. Of a further one, name the file with its names: --entry"
        )
    known = directory.asked(jurisdiction)
    public = create_root_key(out, known, _passphrase(passphrase_file, new=True))
    public_part = out / f"{known}.json"
    if as_json:
        digits = fingerprint(public.key)
        print_json({"jurisdiction": known, "folder": out, "public": public_part, "fingerprint": digits})
        return
    typer.echo(
        f"The key pair of {directory.name(known)} is in {out}. Its fingerprint:\n\n    {fingerprint(public.key)}\n"
    )
    typer.echo(f"Carry {public_part} to the ceremony, and nothing else of that folder.")
    for footnote in directory.footnotes([known]):
        typer.echo(footnote)


@app.command("init")
def init(
    folder: Folder,
    expires: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Until when it admits new peers.")],
    needed: Annotated[
        int | None,
        typer.Option(help="How many jurisdictions must sign. Default: as before; at first two thirds of them."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose the next round, unsigned, from what lies in the folder: keys/, nodes/, time-stamping/
    and jurisdictions/."""
    from datetime import UTC

    from exchange.cli.keys.root_words import plain_round
    from exchange.flows.keys.root_ceremony import propose_round, published_in

    until = expires.replace(tzinfo=UTC)
    if until <= now():
        raise InvalidInput(f"{until:%Y-%m-%d} is over; name a day to come.")
    proposal = propose_round(folder, needed=needed, expires=until)
    if as_json:
        print_json(plain_round(proposal.root, proposal.registry))
        return
    _show_proposal(proposal, published_in(folder))
    typer.echo(f"Next: each jurisdiction signs a copy with: ffp root sign {folder} --key-folder FOLDER")


@app.command("sign")
def sign(
    folder: Folder,
    key_folder: Annotated[Path, typer.Option(help="Your jurisdiction's key pair, made by ffp root key.")],
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; you have read it.")] = False,
) -> None:
    """Show what is proposed, and sign a copy of it with both keys of one jurisdiction."""
    from exchange.flows.keys.root_ceremony import proposal_in, published_in, sign_round
    from exchange.trust.root_keys import load_root_signer

    proposal = proposal_in(folder)
    _show_proposal(proposal, published_in(folder))
    if not yes:
        typer.confirm("Is this what was agreed, and do the others read out the same digits?", abort=True)
    owner, place = sign_round(folder, load_root_signer(key_folder, _passphrase(passphrase_file)))
    typer.echo(f"Signed for {proposal.registry.directory.name(owner)}: {place}")
    typer.echo(f"Next: carry it back; whoever gathers runs: ffp root combine {folder}")


@app.command("combine")
def combine(
    folder: Folder,
    copies: Annotated[list[Path] | None, typer.Argument(help="Copies of the folder, or folders of who signed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Gather the signatures of all copies, and say who is missing."""
    from exchange.cli.keys.root_words import plain_signatures, signature_lines
    from exchange.flows.keys.root_ceremony import combine_copies

    proposal = combine_copies(folder, copies or [])
    if as_json:
        print_json(plain_signatures(proposal))
        return
    _say(signature_lines(proposal))
    if proposal.complete:
        typer.echo(f"Next: ffp root publish {folder}")


@app.command("publish")
def publish(folder: Folder, as_json: AsJson = False) -> None:
    """Put the signed round behind those before it, in published/: what every node installs."""
    from exchange.flows.keys.root_ceremony import publish_round

    trust = publish_round(folder)
    place = folder / "published"
    tell(
        as_json,
        {"version": trust.version, "folder": place, "fingerprint": trust.fingerprint},
        f"Round {trust.version} is published in {place}. Its digits:\n\n    {trust.fingerprint}\n",
        f"Next: give that folder to every node's operator: ffp root install {place}",
    )


@app.command("verify")
def verify(
    folder: Annotated[
        Path | None, typer.Argument(help="A ceremony's folder or a published one. Default: what this node has.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Verify all rounds, say what the last one holds and who signed what is proposed; exit code 1 when not enough."""
    from exchange.cli.keys.root_words import plain_round, plain_signatures, round_lines, signature_lines
    from exchange.config import load_settings
    from exchange.flows.keys.root_ceremony import proposal_in, published_in
    from exchange.flows.keys.trust_root import read_published

    ceremony = folder is not None and any((folder / name).is_dir() for name in ("published", "proposed", "keys"))
    place = load_settings(resolve_home(home)).trust_root if folder is None else folder
    lines, fields, complete = list[str](), dict[str, object](verified=True, published=None, proposed=None), True
    try:
        trust = published_in(place) if ceremony else read_published(place)
        if trust is not None:
            expired = now() >= trust.expires
            fields["published"] = {**plain_round(trust.root, trust.registry), "expired": expired}
            lines.append(f"Rounds 1 to {trust.version}: each signed by enough of its own and of the round before: good")
            lines += round_lines(trust.root, trust.registry)
            if expired:
                lines.append("It has EXPIRED: it proves its time, and admits no new peer.")
        if ceremony and (place / "proposed").is_dir():
            proposal = proposal_in(place)
            complete = proposal.complete
            fields["proposed"] = {**plain_round(proposal.root, proposal.registry), **plain_signatures(proposal)}
            lines += [*round_lines(proposal.root, proposal.registry, trust), *signature_lines(proposal)]
        elif ceremony and trust is None:
            raise ConfigurationError(f"Nothing is published or proposed in {place}. See: ffp root init --help")
    except RootInvalid as error:
        fields |= {"verified": False, "code": error.code, "detail": str(error)}
        tell(as_json, fields, *lines, f"NOT verified ({error.code}): {error}")
        raise typer.Exit(1) from error
    tell(as_json, fields, *lines)
    raise typer.Exit(0 if complete else 1)


@app.command("install")
def install(
    folder: Annotated[Path, typer.Argument(help="The folder that ffp root publish wrote.")],
    fingerprint: Annotated[
        str | None, typer.Option(help="The round's digits, as somebody who signed reads them out; the first time only.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Install the published rounds in this node: from then on its registry says who can be enrolled, and which
    jurisdictions there are. Before ``ffp init`` too, which then knows a jurisdiction that the registry names."""
    from exchange.cli.keys.root_words import plain_round, round_lines
    from exchange.flows.keys.trust_root import install_rounds, read_published
    from exchange.flows.node.jurisdictions import TRUST_ROOT

    rounds = resolve_home(home) / TRUST_ROOT
    offered = read_published(folder)
    for line in round_lines(offered.root, offered.registry):
        typer.echo(line, err=as_json)
    if fingerprint is None and not rounds.exists():
        fingerprint = typer.prompt(
            "Telephone somebody who signed, on a number that you know. Type the 40 digits that they read out",
            err=as_json,
        )
    install_rounds(rounds, offered, confirmed=fingerprint)
    said = f"Round {offered.version} is installed. ffp status says what stands against it."
    tell(as_json, {"installed": True, **plain_round(offered.root, offered.registry)}, said)


def _show_proposal(proposal: Proposal, trust: Trust | None) -> None:
    from exchange.cli.keys.root_words import round_lines

    _say(round_lines(proposal.root, proposal.registry, trust))


def _say(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)


def _passphrase(file: Path | None, *, new: bool = False) -> str:

    if file is None:
        typed: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
        return typed
    if file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file} can be read by others; make it private with: chmod 600 {file}")
    return file.read_text(encoding="utf-8").rstrip("\r\n")
