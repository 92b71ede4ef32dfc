-- $1 after session bigint, $2 after lease id bigint, $3 how many batches to look at integer, $4 age seconds
-- integer.  Batches in which nothing is leased any more leave live_batches (a settle removes those that it
-- ends by itself).  One row: last session and lease id seen, closed, looked at.
WITH l AS MATERIALIZED (
    SELECT ctid AS place, session_pk, first_lease_id FROM live_batches
     WHERE (session_pk, first_lease_id) > ($1::bigint, $2::bigint)
     ORDER BY session_pk, first_lease_id LIMIT $3::integer
), o AS MATERIALIZED (
    SELECT l.place
      FROM l CROSS JOIN LATERAL (SELECT * FROM lease_batches WHERE first_lease_id = l.first_lease_id LIMIT 1) b
     WHERE b.created_at < now() - $4::integer * interval '1 second'
       AND NOT EXISTS (
            SELECT FROM unnest(b.job_ids) WITH ORDINALITY e (job_id, ord)
             CROSS JOIN LATERAL (SELECT status FROM extraction_jobs WHERE id = e.job_id LIMIT 1) j
             WHERE j.status IN ('pending', 'processing')
               AND NOT (e.ord - 1)::smallint = ANY (b.gone))
), d AS (
    DELETE FROM live_batches WHERE ctid = ANY (ARRAY(SELECT place FROM o)) RETURNING 1
), last AS (
    SELECT session_pk, first_lease_id FROM l ORDER BY 1 DESC, 2 DESC LIMIT 1
)
SELECT coalesce((SELECT session_pk FROM last), 0), coalesce((SELECT first_lease_id FROM last), 0),
       (SELECT count(*) FROM d), (SELECT count(*) FROM l)
