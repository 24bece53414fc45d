"""``ffp``: the node and the matcher from the command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from exchange.cli import conformance, demo, glossary, importing, sync
from exchange.cli import instrument_commands as instruments
from exchange.cli import jurisdiction_commands as jurisdictions
from exchange.cli import node_commands as node
from exchange.cli import policy_commands as policy
from exchange.cli import query_commands as queries
from exchange.cli import record_commands as records
from exchange.cli import truth_commands as truth
from exchange.cli.access import token_commands as tokens
from exchange.cli.access import user_commands as users
from exchange.cli.command_groups import Command, CommandHeading, command_line
from exchange.cli.integrity import audit_commands as audit
from exchange.cli.integrity import bundles
from exchange.cli.integrity import log_check_commands as log_check
from exchange.cli.keys import peer_commands as peers
from exchange.cli.keys import root_commands as root
from exchange.cli.keys import rotate_commands as rotate
from exchange.cli.matching import calibration, compare, evaluation, inspection
from exchange.cli.matching.region_option import RegionCommand
from exchange.cli.operate import backup_commands as backup
from exchange.cli.operate import doctor, extras, settings, top, watching
from exchange.cli.operate import egress_commands as egress
from exchange.cli.operate import job_commands as jobs
from exchange.cli.operate import migration_commands as migration
from exchange.cli.operate import restore_drill_commands as restore_drill
from exchange.cli.operate import webhook_commands as webhooks
from exchange.cli.serving.memory import collect_seldom
from exchange.errors import ExchangeError
from exchange.extensions import parts_for
from exchange.home import keep_private

HEADINGS = (
    CommandHeading(
        "Start here",
        [
            Command("demo", demo.demo, "Run three nodes on this machine, with made-up evidence.", ("ffp demo",)),
            Command(
                "init",
                node.init,
                "Make a new node: folders, settings, keys, database, log.",
                (
                    "ffp init --home /var/lib/ffp --jurisdiction RS --url https://ffp.example",
                    "ffp user add examiner-1 --role examiner",
                    "ffp serve",
                ),
            ),
            Command(
                "user",
                users.app,
                "Add, invite, list and revoke users.",
                ("ffp user add examiner-1 --role examiner", "ffp user invite examiner-1"),
            ),
            Command("serve", node.serve, "Serve the node, and do its work.", ("ffp serve --home /var/lib/ffp",)),
            Command(
                "status",
                node.status,
                "Say what the node holds, and what waits.",
                ("ffp status", "ffp status --json | jq .alarms"),
            ),
            Command(
                "doctor", doctor.doctor, "Examine the node: what is wrong, and what to do.", ("ffp doctor --json",)
            ),
        ],
    ),
    CommandHeading(
        "Records and queries",
        [
            Command(
                "import",
                importing.import_records,
                "Submit many exhibits from a table and a folder of scans.",
                ("ffp import scans/ --csv exhibits.csv --as examiner-1 --dry-run",),
            ),
            Command(
                "watch",
                watching.watch,
                "Take what an acquisition station drops into a folder.",
                (
                    "ffp watch /srv/ffp/station-1 --as examiner-1",
                    "ffp watch /srv/ffp/station-1 --as examiner-1 --pattern '{case_reference}_{exhibit?}_{roi}'",
                ),
            ),
            Command("record", records.app, "Withdraw, grant or hold a record."),
            Command(
                "query",
                queries.app,
                "Ask peers about a record; list queries.",
                ("ffp query list", "ffp query list --received --json"),
            ),
            Command("policy", policy.app, "Show and change with whom is shared; decide approvals."),
            Command(
                "instrument",
                instruments.app,
                "Check instruments on reference specimens.",
                ('ffp instrument check scan.x3p --specimen "SRM 2461 no. 12"', "ffp instrument list"),
            ),
            Command(
                "truth",
                truth.app,
                "Write out the test fires of known firearm.",
                (
                    "ffp truth export truth/ --as head-1",
                    "ffp evaluate truth/breech_face --truth truth/breech_face/truth.csv",
                ),
            ),
        ],
    ),
    CommandHeading(
        "Matching, without a node",
        [
            Command(
                "compare",
                compare.compare,
                "Compare two scans.",
                ("ffp compare one.x3p other.x3p --png pair.png",),
                RegionCommand,
            ),
            Command(
                "inspect",
                inspection.inspect,
                "Say how good a scan is for comparison.",
                ("ffp inspect one.x3p --png mark.png",),
                RegionCommand,
            ),
            Command("convert", compare.convert, "Write a scan as x3p.", ("ffp convert instrument.al3d exhibit.x3p",)),
            Command("evaluate", evaluation.evaluate, "Measure how well scores tell firearms apart."),
            Command("validate", evaluation.validate, "Write the validation dossier."),
            Command(
                "calibrate",
                calibration.calibrate,
                "Make models that say what a score is worth.",
                ("ffp calibrate --own --install --as head-1",),
            ),
        ],
    ),
    CommandHeading(
        "Peers and keys",
        [
            Command(
                "peer",
                peers.app,
                "Enrol, list, limit and revoke peers.",
                (
                    "ffp peer show",
                    "ffp peer list",
                    'ffp peer add https://ffp-mk.example --legal-basis "Treaty, Art. 5"',
                    'ffp peer add https://ffp-mk.example --legal-basis "Treaty, Art. 5" --share crime_scene '
                    "--review-by 2027-12-31 --as head-1",
                ),
            ),
            Command(
                "sync", sync.app, "What is in step with peers, what waits, what was set aside.", ("ffp sync status",)
            ),
            Command("egress", egress.app, "Where the node may connect to."),
            Command("key", rotate.app, "List, replace and encrypt the node's keys."),
            Command("root", root.app, "The trust root: sign it in a ceremony, verify it, install it."),
            Command(
                "conformance",
                conformance.conformance,
                "Check from outside whether a node keeps the contract.",
                ("ffp conformance https://ffp-mk.example",),
            ),
        ],
    ),
    CommandHeading(
        "Operation",
        [
            Command(
                "top", top.top, "Watch the node: queue, workers, peers, rates.", ("ffp top", "ffp top --once --json")
            ),
            Command(
                "job",
                jobs.app,
                "List work that is not done; have it tried again.",
                ("ffp job list --dead", "ffp job retry 17"),
            ),
            Command(
                "config",
                settings.app,
                "Check the settings, and say where each comes from.",
                ("ffp config check", "ffp config show --origin"),
            ),
            Command(
                "extras",
                extras.app,
                "Optional parts of the software: list, add.",
                ("ffp extras list", "ffp extras add pdf", "ffp extras add cluster --from /opt/ffp/wheelhouse"),
            ),
            Command("worker", node.worker, "Do the node's work beside ffp serve.", ("ffp worker",)),
            Command("token", tokens.app, "Tokens of programs.", ("ffp token add lab-1 --name lims --scope submit",)),
            Command(
                "webhook",
                webhooks.app,
                "Programs that are told that something is new.",
                ("ffp webhook add https://lims.example/ffp --events candidates,hits", "ffp webhook test 1"),
            ),
            Command("glossary", glossary.app, "Terms that the laboratory says otherwise."),
            Command(
                "jurisdiction",
                jurisdictions.app,
                "Which jurisdictions the node knows; add one from a file.",
                ("ffp jurisdiction list", "ffp jurisdiction add HR.json"),
            ),
            Command(
                "backup",
                backup.backup,
                "Back up a node, which may run meanwhile.",
                ("ffp backup /mnt/backup --keep 14",),
            ),
            Command(
                "restore",
                backup.restore,
                "Make a node again from a backup.",
                ("ffp restore /mnt/backup/FOLDER --verify",),
            ),
            Command(
                "restore-drill",
                restore_drill.restore_drill,
                "Restore the newest backup aside, verify it, delete it.",
                ("ffp restore-drill --from /mnt/backup",),
            ),
            Command(
                "migrate",
                migration.migrate,
                "Change the form of the database, or move it to PostgreSQL.",
                (
                    "ffp migrate --plan",
                    "ffp migrate --to-version 1 --backup /mnt/backup",
                    "ffp migrate --to postgresql:///ffp?host=/var/run/postgresql",
                ),
            ),
        ],
    ),
    CommandHeading(
        "Evidence and audit",
        [
            Command(
                "verify",
                bundles.verify,
                "Verify a record's bundle, without any node.",
                ("ffp verify bundle.json --fingerprint DIGITS",),
            ),
            Command("export", bundles.export, "Write a record with all that proves it."),
            Command("log", log_check.app, "Check, publish and mend this node's log.", ("ffp log check",)),
            Command(
                "audit", audit.app, "Who saw and asked what; verify these rows.", ("ffp audit show --actor examiner-1",)
            ),
        ],
    ),
    *parts_for("commands", CommandHeading),
)
"""All commands, in the order in which one needs them."""

app = command_line("ffp", HEADINGS)


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


@cache
def _command() -> Callable[[], Any]:
    return typer.main.get_command(app)


_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run() -> None:
    """Run ``ffp``; a refusal is one sentence on stderr and exit code 2, never a trace."""

    collect_seldom()
    _leave_a_closed_folder()
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
        place = error.filename or "this machine"
        next_step = " Free space, and run the command again." if error.errno in _FULL_DISK else ""
        typer.echo(f"ffp: {place}: {error.strerror or error}.{next_step}", err=True)
        sys.exit(2)


def _leave_a_closed_folder() -> None:
    """Of root's home as the node's user (``runuser -u ffp``): a worker process begins where this one is, or not at
    all."""
    if not os.access(os.curdir, os.X_OK):
        os.chdir("/")


if __name__ == "__main__":
    run()
