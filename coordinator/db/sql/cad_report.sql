-- $1 worker text, $2 process text, $3 coordinator text, $4 service text or null, $5 mode text, $6 breaker text,
-- $7 since ms bigint, $8 calls integer, $9 faults integer, $10 by_grpc bigint, $11 by_json bigint, $12 state bytea,
-- then its new switches: $13 number bigint[], $14 at ms bigint[], $15 what text[], $16 before text[], $17 after text[],
-- $18 why text[], $19 calls integer[], $20 faults integer[], $21 cooldown_ms bigint[].
-- A bridge's report.  One row: the mode ordered for it, by whom.
WITH b AS (
    INSERT INTO cad_bridges (worker_id, process, coordinator, service, mode, breaker, since, calls, faults,
                             by_grpc, by_json, state)
    VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, to_timestamp($7::bigint / 1000.0),
            $8::integer, $9::integer, $10::bigint, $11::bigint, $12::bytea)
    ON CONFLICT (worker_id) DO UPDATE
       SET process = excluded.process, coordinator = excluded.coordinator, service = excluded.service,
           mode = excluded.mode, breaker = excluded.breaker, since = excluded.since, calls = excluded.calls,
           faults = excluded.faults, by_grpc = excluded.by_grpc, by_json = excluded.by_json,
           state = excluded.state, reported_at = now()
), s AS (
    INSERT INTO cad_switches (worker_id, process, number, at, what, before_state, after_state, why, calls, faults,
                              cooldown_ms)
    SELECT $1::text, $2::text, number, to_timestamp(at_ms / 1000.0), what, before, after, why, calls, faults, cooldown
      FROM unnest($13::bigint[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[], $19::integer[],
                  $20::integer[], $21::bigint[])
           n (number, at_ms, what, before, after, why, calls, faults, cooldown)
    ON CONFLICT (worker_id, process, number) DO NOTHING
)
SELECT coalesce(max(mode) FILTER (WHERE worker_id <> ''), max(mode), 'auto'),
       coalesce(max(by_whom) FILTER (WHERE worker_id <> ''), max(by_whom), '')
  FROM cad_orders WHERE worker_id IN ('', $1::text)
