"""``ffp region``: the coordinator's side. None of these commands needs a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from exchange.cli.acting import read_named_file
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table
from exchange.coordination.desk.desk_app import desk_app
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.half_year.half_years import Half, Year, parse_period
from exchange.coordination.handed_out import LanguageOption
from exchange.coordination.meetings.pack.exercise_files import read_exercise_files
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.regional_pack import read_pack_files, regional_pack
from exchange.coordination.meetings.pack_paper.pack_words import missing_words
from exchange.coordination.meetings.pack_paper.written_pack import pack_files
from exchange.coordination.public_site.publication import Publication, ReportsRefused, publication_of
from exchange.coordination.public_site.site import site_files
from exchange.coordination.public_site.site_folder import check_site_folder, replace_site
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import MAX_INDICATORS_BYTES, Indicators, indicators_in, shipped_indicators
from exchange.coordination.region.read_regional import MAX_REGION_BYTES, read_earlier
from exchange.coordination.region.region_paper import written_files
from exchange.coordination.region.regional_lines import difference_words
from exchange.coordination.region_files.read_reports import ReadReports, read_reports
from exchange.coordination.region_files.recipient import (
    MAX_RECIPIENT_BYTES,
    make_recipient,
    read_recipient_key,
    write_recipient,
    write_recipient_key,
)
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, Believed, DeskKeys, RefusedFile
from exchange.errors import InvalidInput
from exchange.extras.known import require_extra
from exchange.home import write_private
from exchange.trust.registry import verify_rounds
from exchange.trust.root_files import read_rounds
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking

app = typer.Typer(no_args_is_help=True)

TrustRoot = Annotated[
    Path | None, typer.Option(help="The folder with the rounds of the trust root; its digits are said.")
]
Fingerprint = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NODE=DIGITS",
        help="A node with its 40 digits, as its focal point read them out: ffp-rs=12345...; one for each.",
    ),
]
RecipientKeyFile = Annotated[Path | None, typer.Option(help="The recipient's private key, that of ffp region key.")]
Passphrase = Annotated[
    Path | None, typer.Option(help="A file whose first line is the passphrase of the key, where it has one.")
]


@app.command("key")
def make_key(
    name: Annotated[str, typer.Option(help="Whose key it is, in words, such as the coordinator's office.")],
    out: Annotated[Path, typer.Option(help="An empty folder, or a new one.")],
    passphrase_file: Passphrase = None,
    as_json: AsJson = False,
) -> None:
    """Make a recipient's key pair: region.key stays with the recipient, recipient.json goes to the nodes."""

    passphrase = _passphrase(passphrase_file)
    made = make_recipient(name)
    private, public = write_recipient_key(made, passphrase), write_recipient(made.recipient)
    if out.exists() and any(out.iterdir()):
        raise InvalidInput(f"{out} is not empty: a key is never overwritten. Name another folder.")
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(out / "region.key", private)
    (out / "recipient.json").write_bytes(public)
    if as_json:
        print_json({"name": name, "fingerprint": made.recipient.fingerprint, "folder": out})
        return
    typer.echo(f"Written: {out / 'region.key'}, which opens what is sealed for {name}. Keep it, and a copy of it.")
    typer.echo(f"Written: {out / 'recipient.json'}, for the focal points. Read this out to each of them by telephone:")
    typer.echo(f"\n    {made.recipient.fingerprint}\n")


@app.command("combine")
def combine_files(
    files: Annotated[list[Path], typer.Argument(help="The reports' files, as the nodes released them.")],
    out: Annotated[Path, typer.Option(help="The folder to write the regional report into.")],
    half: Annotated[str | None, typer.Option(help="The half-year, such as 2026H2.")] = None,
    year: Annotated[str | None, typer.Option(help="Or the year, such as 2026.")] = None,
    trust_root: TrustRoot = None,
    fingerprint: Fingerprint = None,
    key: RecipientKeyFile = None,
    passphrase_file: Passphrase = None,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier regional report in JSON, to compare with; may be repeated.")
    ] = None,
    held_against: Annotated[
        list[Path] | None,
        typer.Option(help="A node's file of an earlier period: hits told as of then are held against it; may repeat."),
    ] = None,
    indicators: Annotated[
        Path | None, typer.Option(help="The coordinator's own file of goals and numbers of indicators.")
    ] = None,
    language: LanguageOption = "en",
    pdf: Annotated[bool, typer.Option(help="Whether to write PDFs; that needs the extra pdf.")] = True,
    as_json: AsJson = False,
) -> None:
    """Verify the nodes' reports and make one of the region, in a public and a restricted edition. Exit code 1 where a
    file was refused; what was accepted is combined all the same."""

    if (half is None) == (year is None):
        raise InvalidInput("Say of what: --half 2026H2, or --year 2026.")
    period = parse_period(half or year or "")
    if not isinstance(period, Half if half is not None else Year):
        raise InvalidInput("A half-year goes with --half, a year with --year.", code="invalid-half")
    if pdf:
        require_extra("pdf", "A regional report as PDF; without it: --no-pdf")
    keys, own = _keys(trust_root, fingerprint, key, passphrase_file), _indicators(indicators)
    before = read_earlier([read_named_file(path, MAX_REGION_BYTES) for path in earlier or ()], str(period))
    read = read_reports(_named(files), period, keys.who, keys.key, _named(held_against or ()))
    _tellread_given(read, as_json=as_json)
    made = combine_reports(read, period, own, before)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = []
    with speaking(Spoken(language, directory=lambda: keys.directory)):
        for name, content in written_files(made, with_pdf=pdf):
            write_private(out / name, content)
            written.append(name)
    _tell_made(read, made, out, written, as_json=as_json)
    if read.refused:
        raise typer.Exit(1)


@app.command("pack")
def pack_region(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Reports' files and signed inputs, as the nodes released them; also of earlier half-years."
        ),
    ],
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2.")],
    out: Annotated[Path, typer.Option(help="The folder to write the pack into.")],
    trust_root: TrustRoot = None,
    fingerprint: Fingerprint = None,
    key: RecipientKeyFile = None,
    passphrase_file: Passphrase = None,
    earlier: Annotated[
        list[Path] | None, typer.Option(help="An earlier regional report in JSON, to compare with; may be repeated.")
    ] = None,
    indicators: Annotated[
        Path | None, typer.Option(help="The coordinator's own file of goals and numbers of indicators.")
    ] = None,
    exercises: Annotated[
        list[Path] | None,
        typer.Option(help="Counts of exercises, as ffp exercise counts wrote them; may be repeated, once a training."),
    ] = None,
    language: LanguageOption = "en",
    pdf: Annotated[bool, typer.Option(help="Whether to write the PDF; that needs the extra pdf.")] = True,
    as_json: AsJson = False,
) -> None:
    """Verify the nodes' reports and inputs and write the pack of the regional meeting: one PDF, and a table for each
    section. With the key its counts are exact. Exit code 1 where a file was refused; the pack is written all the
    same."""

    wanted = Half.parse(half)
    if pdf:
        require_extra("pdf", "A meeting pack as PDF; without it: --no-pdf")
    counted = read_exercise_files(exercises, wanted) if exercises else None
    keys, own = _keys(trust_root, fingerprint, key, passphrase_file), _indicators(indicators)
    before = read_earlier([read_named_file(path, MAX_REGION_BYTES) for path in earlier or ()], half)
    data = ((path.name, read_named_file(path, MAX_FILE_BYTES)) for path in files)
    made = regional_pack(read_pack_files(data, keys.who, keys.key), wanted, keys, own, before, counted)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    with speaking(Spoken(language, directory=lambda: keys.directory)):
        written = list(pack_files(made, with_pdf=pdf))
        for name, content in written:
            write_private(out / name, content)
        _tell_pack(made, out, [name for name, _content in written], as_json=as_json)
    if made.refused:
        raise typer.Exit(1)


@app.command()
def desk(
    files: Annotated[Path, typer.Option(help="The folder with the reports' files; new ones are put there.")],
    trust_root: TrustRoot = None,
    fingerprint: Fingerprint = None,
    key: RecipientKeyFile = None,
    passphrase_file: Passphrase = None,
    indicators: Annotated[
        Path | None, typer.Option(help="The coordinator's own file of goals and numbers of indicators.")
    ] = None,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On this machine alone.")] = 8460,
) -> None:
    """Serve a page on this machine alone: put files in, see what is verified, read the regional report, take it along.
    Until Ctrl-C."""

    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = PackDesk(files, _keys(trust_root, fingerprint, key, passphrase_file), _indicators(indicators))
    app_, address = desk_app(made, port), f"http://127.0.0.1:{port}"
    typer.echo(f"The coordinator's desk: {address}{app_.state.base}/", err=False)
    typer.echo("It is there on this machine alone, for whoever has this address. Ctrl-C ends it.")
    uvicorn.run(
        app_,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


@app.command()
def publish(
    folder: Annotated[
        Path, typer.Argument(help="The folder of the site: a new one, or that of an earlier site, which is replaced.")
    ],
    files: Annotated[
        list[Path],
        typer.Argument(help="Reports' files and public regional reports, in any order; of a folder, those in it."),
    ],
    half: Annotated[
        list[str] | None,
        typer.Option(help="Only this half-year, such as 2026H2; may be repeated. Without: each that is there."),
    ] = None,
    year: Annotated[list[str] | None, typer.Option(help="Only this year, such as 2026; may be repeated.")] = None,
    trust_root: TrustRoot = None,
    fingerprint: Fingerprint = None,
    indicators: Annotated[
        Path | None, typer.Option(help="The coordinator's own file of goals and numbers of indicators.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the public site: static pages in all languages, with the signed files. It needs no key, and opens nothing
    that is sealed. Where a file is refused, nothing is written, and the exit code is 1."""

    check_site_folder(folder)
    wanted = [parse_period(text) for text in (*(half or ()), *(year or ()))]
    if not all(isinstance(parse_period(text), Half) for text in half or ()) or not all(
        isinstance(parse_period(text), Year) for text in year or ()
    ):
        raise InvalidInput("A half-year goes with --half, a year with --year.", code="invalid-half")
    own = _indicators(indicators)
    given = ((path.name, read_named_file(path, MAX_FILE_BYTES)) for path in _files_of(files))
    try:
        publication = publication_of(given, wanted, _keys(trust_root, fingerprint, None, None), own)
    except ReportsRefused as error:
        _tell_refused(error.refused)
        typer.echo(f"{error} Take them away, or ask for better ones, and publish then.", err=True)
        raise typer.Exit(1) from error
    made = site_files(publication)
    replace_site(folder, made)
    _tell_published(publication, folder, made, as_json=as_json)


def _keys(
    trust_root: Path | None, fingerprints: Sequence[str] | None, key: Path | None, passphrase_file: Path | None
) -> DeskKeys:
    trust = None
    if trust_root is not None:
        rounds = read_rounds(trust_root)
        if not rounds:
            raise InvalidInput(f"{trust_root} holds no round of a trust root (1.root.json).")
        trust = verify_rounds(rounds)
        typer.echo(f"Trust root: round {trust.version}, digits {trust.fingerprint}", err=True)
    own = None
    if key is not None:
        own = read_recipient_key(read_named_file(key, 2 * MAX_RECIPIENT_BYTES), _passphrase(passphrase_file))
    return DeskKeys(Believed(trust, tuple(fingerprints or ())), own)


def _indicators(path: Path | None) -> Indicators:
    return shipped_indicators() if path is None else indicators_in(read_named_file(path, MAX_INDICATORS_BYTES))


def _tell_pack(made: Pack, out: Path, written: list[str], *, as_json: bool) -> None:
    missing = [missing_words(item, made) for item in made.missing]
    if as_json:
        print_json(
            {
                "half": str(made.half),
                "sides": list(made.jurisdictions),
                "restricted": made.restricted,
                "refused": [vars(item) for item in made.refused],
                "missing": missing,
                "folder": out,
                "written": written,
            }
        )
        return
    columns = [TableColumn("side"), TableColumn("node"), TableColumn("report"), TableColumn("inputs")]
    print_table(
        columns,
        [
            (side.jurisdiction, side.node, "verified" if side.report else "none", "verified" if side.inputs else "none")
            for side in made.sides
        ],
    )
    _tell_refused(made.refused)
    for said in missing:
        typer.echo(said, err=True)
    typer.echo(f"Written into {out}: {', '.join(written)}")


def _tell_refused(refused: Sequence[RefusedFile]) -> None:
    for item in refused:
        typer.echo(f"{item.file}, of {item.node or 'nobody known'}, refused ({item.code}): {item.why}", err=True)
        typer.echo(f"    {item.next_step}", err=True)


def _tellread_given(read: ReadReports, *, as_json: bool) -> None:
    if as_json:
        return
    print_table(
        [TableColumn("file"), TableColumn("node"), TableColumn("period"), TableColumn("state"), TableColumn("exact")],
        [
            (
                item.file,
                item.report.node_id,
                item.report.manifest.period,
                "verified",
                "yes" if item.report.halves else "no",
            )
            for item in read.accepted
        ]
        + [(item.file, item.node or "", "", f"refused: {item.code}", "") for item in read.refused],
    )
    _tell_refused(read.refused)


def _files_of(paths: Sequence[Path]) -> list[Path]:
    """Those that are named, and of a folder its files of JSON."""
    found: list[Path] = []
    for path in paths:
        found += sorted(item for item in path.glob("*.json") if item.is_file()) if path.is_dir() else [path]
    return found


def _tell_published(publication: Publication, folder: Path, made: Mapping[str, bytes], *, as_json: bool) -> None:
    periods = {str(item.period): [one.verified.node_id for one in item.signed] for item in publication.periods}
    told = [str(item.period) for item in publication.periods if item.regional is not None]
    if as_json:
        print_json(
            {
                "folder": folder,
                "files": len(made),
                "periods": periods,
                "with_regional_report": told,
                "not_read": list(publication.not_read),
            }
        )
        return
    print_table(
        [TableColumn("period"), TableColumn("signed reports"), TableColumn("regional report")],
        [(name, ", ".join(nodes), "yes" if name in told else "no") for name, nodes in periods.items()],
    )
    for name in publication.not_read:
        typer.echo(f"{name} is for named recipients alone: it was not read.", err=True)
    for name in periods:
        if name not in told:
            typer.echo(
                f"{name}: hits, times and the feedback rate are held back: no regional report was given.", err=True
            )
    typer.echo(f"Written into {folder}: {len(made)} files. Begin with {folder / 'index.html'}.")


def _tell_made(read: ReadReports, made: Combined, out: Path, written: list[str], *, as_json: bool) -> None:
    report = made.restricted or made.public
    if as_json:
        print_json(
            {
                "period": report.period,
                "accepted": [item.report.node_id for item in read.accepted],
                "refused": [vars(item) for item in read.refused],
                "without_exact_figures": list(made.incomplete),
                "differences": len(report.differences),
                "folder": out,
                "written": written,
            }
        )
        return
    for item in report.differences:
        typer.echo(difference_words(item))
    for node in made.incomplete:
        typer.echo(f"{node} gave its public edition alone: the exact sums are without it.", err=True)
    typer.echo(f"Written into {out}: {', '.join(written)}")


def _passphrase(file: Path | None) -> bytes | None:
    if file is None:
        return None
    return read_named_file(file, 4096).split(b"\n", 1)[0]


def _named(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Each report's file with its name, one at a time in the memory."""

    return ((path.name, read_named_file(path, MAX_FILE_BYTES)) for path in paths)
