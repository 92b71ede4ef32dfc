-- $1 behind job bigint, $2 behind page integer, $3 how many at most integer.  Search vectors for pages that lack one,
-- in the order of their key.  One row: how many got it; the last of them, job and page.
WITH p AS MATERIALIZED (
    SELECT job_id, page FROM extracted_pages
     WHERE search IS NULL AND text <> '' AND (job_id, page) > ($1::bigint, $2::integer)
     ORDER BY job_id, page LIMIT $3::integer
), u AS (
    UPDATE extracted_pages e SET search = to_tsvector('simple', left(e.text, 100000))
      FROM p WHERE e.job_id = p.job_id AND e.page = p.page AND e.search IS NULL
)
SELECT count(*) OVER (), job_id, page FROM p ORDER BY job_id DESC, page DESC LIMIT 1
