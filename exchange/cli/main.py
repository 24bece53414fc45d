"""``ffp``: the node and the matcher from the command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from exchange.cli import (
    conformance,
    demo,
    glossary,
    importing,
    instruments,
    maturity,
    monitoring,
    node,
    policy,
    queries,
    records,
    sync,
)
from exchange.cli.access import tokens, users
from exchange.cli.integrity import audit, bundles, log_check
from exchange.cli.keys import peers, root, rotate
from exchange.cli.matching import calibration, compare, evaluation, inspection
from exchange.cli.matching.region_option import RegionCommand
from exchange.cli.operate import backup, doctor, egress, jobs
from exchange.home import keep_private

app = typer.Typer(
    name="ffp",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(wanted: bool) -> None:
    if not wanted:
        return
    from exchange.cli.version import say_version

    say_version()
    raise typer.Exit


@app.callback()
def ffp(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="What this is, and what it reads."),
    ] = False,
) -> None:
    """Ballistic information exchange between Firearms Focal Points."""
    keep_private()


app.command("init")(node.init)
app.command("serve")(node.serve)
app.command("worker")(node.worker)
app.command("status")(node.status)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("migrate")(backup.migrate)
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(peers.app, name="peer")
app.add_typer(egress.app, name="egress")
app.add_typer(queries.app, name="query")
app.add_typer(jobs.app, name="job")
app.add_typer(rotate.app, name="key")
app.add_typer(records.app, name="record")
app.add_typer(policy.app, name="policy")
app.add_typer(sync.app, name="sync")
app.add_typer(log_check.app, name="log")
app.add_typer(audit.app, name="audit")
app.add_typer(root.app, name="root")
app.add_typer(instruments.app, name="instrument")
app.command("import")(importing.import_records)
app.add_typer(glossary.app, name="glossary")
app.command("export")(bundles.export)
app.command("verify")(bundles.verify)
app.command("compare", cls=RegionCommand)(compare.compare)
app.command("inspect", cls=RegionCommand)(inspection.inspect)
app.command("convert")(compare.convert)
app.command("evaluate")(evaluation.evaluate)
app.command("validate")(evaluation.validate)
app.command("calibrate")(calibration.calibrate)
app.command("report")(monitoring.report)
app.command("maturity")(maturity.maturity)
app.command("conformance")(conformance.conformance)
app.command("demo")(demo.demo)
app.command("training")(demo.training)


@cache
def _command() -> Callable[[], Any]:
    return typer.main.get_command(app)


def run() -> None:
    """Run ``ffp``; a refusal is one sentence on stderr and exit code 2, never a trace."""
    from exchange.errors import ExchangeError

    try:
        _command()()
    except ExchangeError as error:
        typer.echo(f"ffp: {error}", err=True)
        sys.exit(2)
    except UnicodeEncodeError as error:
        typer.echo(
            f"ffp: {ascii(error.object)[:200]} is not UTF-8; set the terminal to UTF-8, and type it anew.", err=True
        )
        sys.exit(2)
    except PermissionError as error:
        what = error.filename or "this machine"
        typer.echo(f"ffp: {what}: {error.strerror}. Run this as the user whom the node belongs to.", err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"ffp: {error.filename or 'this machine'}: {error.strerror or error}.", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run()
