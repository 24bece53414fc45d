"""A made-up next release: a copy of today's sources with database schema version 2 and contract version 1.1.

Tests of migrations, of version skew and of rolling upgrades run it in processes of its own next to today's sources.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.versions import NEWEST
from tests.exchange.store.freeze_baseline import frozen_baseline

SOURCES: Final = Path(__file__).parents[1]
PACKAGES: Final = ("exchange", "matcher", "schemas")
OPEN_POLICY: Final = "tests/exchange/open_policy.py"
"""What nodes of either release state at first."""
NEXT_SCHEMA_VERSION: Final = SCHEMA_VERSION + 1
NEXT_CONTRACT: Final = "1.1"

PATCHES: Final = {
    "schemas/statement_base.py": {'ReadContract = Literal["1.0"]': 'ReadContract = Literal["1.0", "1.1"]'},
    "schemas/versions.py": {
        "ADDED: dict[str, str] = {}": "ADDED: dict[str, str] = dict.fromkeys("
        '("Exhibit.colour", "CaseMaterial=polymer", "Notice.type=notice"), "1.1")'
    },
    "schemas/exhibit.py": {
        "    headstamp: ShortText | None = None\n": "    headstamp: ShortText | None = None\n"
        "    colour: ShortText | None = added_later()\n"
    },
    "schemas/vocabulary.py": {
        "class CaseMaterial(StrEnum):\n": 'class CaseMaterial(StrEnum):\n    POLYMER = "polymer"\n'
    },
    "schemas/sharing.py": {
        "class Hold(Statement):": "class Notice(Statement):\n"
        '    """A line to all who read the lane."""\n\n    type: Literal["notice"]\n    text: ShortText\n\n\n'
        "class Hold(Statement):"
    },
    "schemas/kinds.py": {
        "Grant, Hold, Policy": "Grant, Hold, Notice, Policy",
        "    | Hold\n": "    | Hold\n    | Notice\n",
        '    Kind(Hold, "record"),\n': '    Kind(Hold, "record"),\n    Kind(Notice, None, MeantFor.ALL),\n',
    },
    "exchange/store/tables/schema_version.py": {
        f"SCHEMA_VERSION = {SCHEMA_VERSION}\n": f"SCHEMA_VERSION = {NEXT_SCHEMA_VERSION}\n"
    },
    "exchange/store/tables/record_tables.py": {
        "    firing_pin_class: Mapped[str]\n": "    firing_pin_class: Mapped[str | None]\n"
        '    laboratory: Mapped[str] = mapped_column(server_default="unknown")\n',
        "class AudienceRow(Base):": "class LaboratoryRow(Base):\n"
        '    __tablename__ = "laboratory"\n    name: Mapped[str] = mapped_column(primary_key=True)\n\n\n'
        "class AudienceRow(Base):",
    },
}
"""By file, what the next release writes in place of what. It adds a field, a word of a vocabulary and a kind of
statement; and a column and a table to the database, where it also lets a column be empty."""

MIGRATION: Final = f'''
"""A migration of the made-up next release. On SQLite it makes a table anew that others refer to."""

import sqlalchemy as sa
from alembic import op

from exchange.store.tables.columns import Words

revision = "{NEXT_SCHEMA_VERSION}"
down_revision = "{SCHEMA_VERSION}"
contract_before = "{NEWEST}"


def upgrade():
    with op.batch_alter_table("record") as record:
        record.add_column(sa.Column("laboratory", Words(), nullable=False, server_default="unknown"))
        record.alter_column("firing_pin_class", existing_type=Words(), nullable=True)
    op.create_table("laboratory", sa.Column("name", Words(), primary_key=True))
    op.execute("UPDATE record SET laboratory = issuer")
    op.execute("INSERT INTO laboratory SELECT DISTINCT laboratory FROM record")
    # the end of the upgrade


def downgrade():
    op.drop_table("laboratory")
    with op.batch_alter_table("record") as record:
        record.alter_column("firing_pin_class", existing_type=Words(), nullable=False)
        record.drop_column("laboratory")
'''  # noqa: S608 - of this module

SAY_NOTICE: Final = """
from exchange.flows.node.node import opened
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from schemas.sharing import Notice

with opened(Path(told["home"])) as node:
    said = say(node, Notice, THE_NODE, text="Closed at noon.")
    with node.store.write() as session:
        enter(session, said, to=told["to"])
print(json.dumps(said.statement_id))
"""
"""Script of the next release: sign what this release does not read, for the peers ``to`` of the node in ``home``."""


@dataclass(frozen=True)
class Release:
    """Sources in a folder of their own, which run in processes of their own."""

    folder: Path

    def run(self, script: str, **told: Any) -> Any:
        """Run lines of Python on these sources, with ``told`` by its name; return what they print last, as JSON."""
        lines = f"import json, sys\nfrom pathlib import Path\ntold = json.load(sys.stdin)\n{script}"
        done = self._call("-c", lines, given=json.dumps(told, default=str))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def ffp(self, *arguments: str | Path) -> str:
        """Run a command that must succeed; return what it prints."""
        done = self.try_ffp(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_ffp(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self._call("-m", "exchange.cli.main", *map(str, arguments))

    def _call(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each call compiles all modules anew
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )


THIS: Final = Release(SOURCES)


def make_next_release(folder: Path, *, upgrade_ends: str = "") -> Release:
    """Copy and patch the sources. ``upgrade_ends`` is a line of Python with which the migration ends its upgrade."""
    for package in PACKAGES:
        shutil.copytree(SOURCES / package, folder / package)
    (folder / OPEN_POLICY).parent.mkdir(parents=True)
    (folder / "tests/__init__.py").touch()
    shutil.copy(SOURCES / OPEN_POLICY, folder / OPEN_POLICY)
    for path, changes in PATCHES.items():
        text = (folder / path).read_text(encoding="utf-8")
        for before, after in changes.items():
            assert text.count(before) == 1, (path, before)
            text = text.replace(before, after)
        (folder / path).write_text(text, encoding="utf-8")
    scripts = folder / "exchange/store/migrations/versions"
    (scripts / f"version_{SCHEMA_VERSION}.py").write_text(frozen_baseline(), encoding="utf-8")
    migration = MIGRATION.replace("# the end of the upgrade", upgrade_ends)
    (scripts / f"version_{NEXT_SCHEMA_VERSION}.py").write_text(migration, encoding="utf-8")
    return Release(folder)
