-- $1 run bigint (0: all), $2 class text (''), $3 pattern integer (0).  One row: how many.
SELECT count(*) FROM dead_letters x
 WHERE ($1::bigint = 0 OR x.run_id = $1::bigint) AND ($2::text = '' OR x.error_class = $2::text)
   AND ($3::integer = 0 OR (hashtext(x.error_class || ' ' || x.pattern) | 1) = $3::integer)
