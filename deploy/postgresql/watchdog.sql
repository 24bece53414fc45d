-- Ends, three times a second, the sessions of ffp_report that hold what the node needs. psql runs it without end, as
-- the role ffp_watchdog; ffp-database-watchdog.service starts it anew when the server was away.
-- A limit that the role itself sets protects nobody: it may raise statement_timeout and its like as it wants.
SELECT pg_terminate_backend(report.pid)
FROM pg_stat_activity AS report
WHERE report.usename = 'ffp_report'
    AND (
        -- Long statements and transactions: an old snapshot keeps the server from cleaning up.
        report.xact_start < clock_timestamp() - interval '60 s'
        OR report.state LIKE 'idle in transaction%' AND report.state_change < clock_timestamp() - interval '5 s'
        -- A session without work keeps a connection, and what it prepared in the server's memory.
        OR report.state = 'idle' AND report.state_change < clock_timestamp() - interval '10 min'
        -- Somebody waits for it, such as `ffp migrate`. In less than deadlock_timeout, which would end the waiting one.
        OR EXISTS (
            SELECT FROM pg_locks AS waiting WHERE NOT waiting.granted AND report.pid = ANY (pg_blocking_pids(waiting.pid))
        )
        -- The table of locks has a place for some thousands, for all sessions together.
        OR (SELECT count(*) FROM pg_locks AS held WHERE held.pid = report.pid) > 200
        -- Messages wait on the disk for the slowest listener, up to 8 GB; the node sends and reads none.
        OR pg_notification_queue_usage() > 0.005
    )
\watch 0.3
