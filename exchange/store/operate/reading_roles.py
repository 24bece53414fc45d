"""What the roles of PostgreSQL may do that only read a node's database (deploy/postgresql/roles.sql)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.store.tables.record_tables import StatementRow


class Unbounded(StrEnum):
    """What a role that may only read can take from the node. The values are columns of the query below."""

    LOCKS = "locks"
    """Execute functions that take the locks of the node's writers, or write without a table."""
    OBJECTS = "objects"
    """Make tables or schemas."""
    CONNECTIONS = "connections"
    """Use all connections of the server."""
    FILES = "files"
    """Fill the server's disk with temporary files."""
    TIME = "time"
    """Keep locks and snapshots without end: no other session may end those of the role."""
    PREPARED = "prepared"
    """Keep locks in prepared transactions, which outlive their session."""
    ELSEWHERE = "elsewhere"
    """Connect to another database of the server, where nothing is refused to it."""


@dataclass(frozen=True)
class ReadingRole:
    """A role that may connect to the node's database and writes none of its tables."""

    name: str
    unbounded: frozenset[Unbounded]


CALLED: Final = (
    "^(pg_(try_)?advisory_.*|lo_.*|loread|lowrite|pg_notify|pg_logical_emit_message|pg_export_snapshot|txid_current"
    "|pg_current_xact_id)$"
)
"""Names of the functions that roles.sql takes from PUBLIC."""

# A watchdog is a member of the role, or of pg_signal_backend; it needs no watchdog itself.
_FOUND: Final = text("""
WITH reading AS (
    SELECT oid, rolname, rolconnlimit FROM pg_roles
    WHERE rolcanlogin AND NOT rolsuper AND oid <> current_user::regrole
        AND has_database_privilege(oid, current_database(), 'CONNECT')
        AND NOT has_table_privilege(oid, :table, 'INSERT')
), watching AS (
    SELECT role.oid FROM pg_roles AS role WHERE NOT role.rolsuper AND (
        pg_has_role(role.oid, 'pg_signal_backend', 'USAGE')
        OR EXISTS (SELECT FROM reading WHERE reading.oid <> role.oid AND pg_has_role(role.oid, reading.oid, 'USAGE')))
)
SELECT rolname,
    has_language_privilege(reading.oid, 'plpgsql', 'USAGE') OR EXISTS (
        SELECT FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ :called
            AND has_function_privilege(reading.oid, pg_proc.oid, 'EXECUTE')) AS locks,
    has_database_privilege(reading.oid, current_database(), 'CREATE, TEMPORARY') OR EXISTS (
        SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
            AND has_schema_privilege(reading.oid, pg_namespace.oid, 'CREATE')) AS objects,
    rolconnlimit < 0 AS connections,
    current_setting('temp_file_limit') = '-1' AND NOT EXISTS (
        SELECT FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setrole = reading.oid
            AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            AND setting LIKE 'temp\\_file\\_limit=%' AND setting <> 'temp_file_limit=-1') AS files,
    reading.oid NOT IN (SELECT oid FROM watching) AND NOT EXISTS (
        SELECT FROM pg_stat_activity AS session JOIN watching ON watching.oid = session.usesysid
            WHERE pg_has_role(watching.oid, reading.oid, 'USAGE')
                OR pg_has_role(watching.oid, 'pg_signal_backend', 'USAGE')) AS time,
    current_setting('max_prepared_transactions') <> '0' AS prepared,
    EXISTS (SELECT FROM pg_database WHERE datallowconn AND datname <> current_database()
        AND has_database_privilege(reading.oid, pg_database.oid, 'CONNECT')) AS elsewhere
FROM reading ORDER BY rolname
""")


def reading_roles(session: Session) -> list[ReadingRole]:
    """Return the roles that may only read, with what is not bounded of each; none where the database is a file."""
    if session.get_bind().dialect.name != "postgresql":
        return []
    found = session.execute(_FOUND, {"table": StatementRow.__tablename__, "called": CALLED}).mappings()
    return [ReadingRole(row["rolname"], frozenset(what for what in Unbounded if row[what])) for row in found]
