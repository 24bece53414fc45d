#!/bin/sh
# Run once by the image of PostgreSQL, when its database folder is empty: a role for the node, which is no superuser,
# and a database that is its own,
# with an empty one beside it that restore drills fill and empty. The password comes from a file, and is never seen on a command line.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set password `cat "${FFP_DATABASE_PASSWORD_FILE:-/run/secrets/ffp_database_password}"`
CREATE ROLE ffp LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE ffp OWNER ffp ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE ffp FROM PUBLIC;
CREATE DATABASE ffp_drill OWNER ffp ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE ffp_drill FROM PUBLIC;
SQL
