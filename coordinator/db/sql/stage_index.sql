-- $1 how many at most integer.  Search vectors for pages that lack one.  One row: how many got it.
WITH p AS (
    SELECT job_id, page FROM extracted_pages WHERE search IS NULL AND text <> ''
     ORDER BY job_id, page LIMIT $1::integer
), u AS (
    UPDATE extracted_pages e SET search = to_tsvector('simple', left(e.text, 100000))
      FROM p WHERE e.job_id = p.job_id AND e.page = p.page
    RETURNING 1
)
SELECT count(*) FROM u
