-- no values.  One row.  Until this transaction ends, plans are those that a connection keeps, made as those of
-- the hot lanes are (conn.c): for statements about a few rows, whose planning takes longer than they do.
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
