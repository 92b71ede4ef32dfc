-- $1 run bigint.  The stored report, if there is one: JSON, epoch.
SELECT report::text, epoch FROM run_reports WHERE run_id = $1::bigint
