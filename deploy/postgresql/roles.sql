-- The roles of one node's database. Run as a superuser, connected to that database, before `ffp init`, and again after
-- it and after each `ffp migrate`; running it twice changes nothing:
--   psql --single-transaction --set=ON_ERROR_STOP=1 --file=roles.sql ffp
-- ffp_owner     makes and changes the tables; used for `ffp init` and `ffp migrate`, and by nothing that runs
-- ffp           the running node: reads and writes rows, and changes no table
-- ffp_report    reads how the node works, for reports and monitoring: counts and times, nothing of a case or a person
-- ffp_watchdog  ends sessions of ffp_report that hold what the node needs (watchdog.sql)
-- None has a password yet: \password ffp_owner, and so on.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ffp_owner', 'ffp', 'ffp_report', 'ffp_watchdog'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO ffp_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ffp, ffp_report, ffp_watchdog', current_database());
    -- The limits below hold in this database. In another one the role could still fill the server's disk.
    FOR name IN SELECT datname FROM pg_database WHERE datname IN ('postgres', 'template1') LOOP
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name);
    END LOOP;
END
$$;

ALTER SCHEMA public OWNER TO ffp_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ffp, ffp_report;

-- Neither TRUNCATE, which passes by every check of rows, nor TRIGGER, nor REFERENCES.
ALTER DEFAULT PRIVILEGES FOR ROLE ffp_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ffp;
ALTER DEFAULT PRIVILEGES FOR ROLE ffp_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ffp;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ffp, ffp_report;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ffp;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ffp;

-- What else a role may do that may only read: take the locks of the node's writers, write large objects, messages and
-- write-ahead log, use up transaction ids, and run loops in the server. `ffp doctor` asks for the same functions.
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~
            '^(pg_(try_)?advisory_.*|lo_.*|loread|lowrite|pg_notify|pg_logical_emit_message|pg_export_snapshot|txid_current|pg_current_xact_id)$'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ffp_owner, ffp', called);
    END LOOP;
END
$$;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO ffp_owner;

-- Which form the database has, only a migration changes.
DO $$
DECLARE
    name text;
BEGIN
    IF to_regclass('public.schema_version') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON schema_version FROM ffp;
    END IF;
    FOREACH name IN ARRAY ARRAY['node_hours', 'log_state', 'schema_version'] LOOP
        IF to_regclass('public.' || name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.%I TO ffp_report', name);
        END IF;
    END LOOP;
    -- The public edition of what was approved is for anybody. The restricted edition leaves the node sealed alone, and what
    -- has no editions goes to the coordinator.
    IF to_regclass('public.approved_document') IS NOT NULL THEN
        GRANT SELECT (kind, period, public, sha256, approval, approved_by, approved_at) ON approved_document TO ffp_report;
    END IF;
    IF to_regclass('public.job') IS NOT NULL THEN
        GRANT SELECT (kind, state, attempts, not_before) ON job TO ffp_report;
    END IF;
END
$$;

-- Limits that ffp_report cannot change. Its errors are not logged: each has its statement, of any length, in the log.
ALTER ROLE ffp_report CONNECTION LIMIT 4;
ALTER ROLE ffp_watchdog CONNECTION LIMIT 2;
ALTER ROLE ffp_report SET temp_file_limit = '256MB';
ALTER ROLE ffp_report SET log_min_messages = 'fatal';
ALTER ROLE ffp_watchdog SET temp_file_limit = '64MB';

-- Defaults that it can change, against mistakes. The watchdog is for who changes them on purpose. As a member of
-- ffp_report it may end the sessions of that role, and of no other.
ALTER ROLE ffp_report SET default_transaction_read_only = on;
ALTER ROLE ffp_report SET statement_timeout = '60s';
ALTER ROLE ffp_report SET idle_in_transaction_session_timeout = '5s';
GRANT ffp_report TO ffp_watchdog;
