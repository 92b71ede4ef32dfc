// graphile-worker with one row a result: each task writes what a small file says of itself, as bench_queue --metadata
// does, by a prepared statement of its own. Run by `./dev bench peers --metadata` in the folder that has
// graphile-worker and pg installed. Usage: node peers_row.mjs PGURL JOBS
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { run, makeWorkerUtils } = require("graphile-worker");
const { Pool } = require("pg");

const [url, jobs] = [process.argv[2], Number(process.argv[3])];
const pool = new Pool({ connectionString: url, max: 24 });
const utils = await makeWorkerUtils({ pgPool: pool });
await utils.migrate();
await pool.query("TRUNCATE graphile_worker._private_jobs");
await pool.query(`DROP TABLE IF EXISTS result; CREATE TABLE result (job_id bigint PRIMARY KEY, bytes bigint,
                  type text, extractor text, sha256 bytea, metadata jsonb, created_at timestamptz DEFAULT now())`);

const payloads = `SELECT array(SELECT json_populate_record(NULL::graphile_worker.job_spec, json_build_object(
                      'identifier', 'row', 'payload', json_build_object('id', g))) FROM generate_series(1, $1::int) g)`;
let begin = performance.now();
await pool.query(`SELECT graphile_worker.add_jobs((${payloads}))`, [jobs]);
const enqueue = (performance.now() - begin) / 1000;
await pool.query("ANALYZE graphile_worker._private_jobs");

const metadata = JSON.stringify({ title: "Bracket, welded", author: "A. Draughtsman", drawing_number: "QX-4711-02" });
const sha256 = Buffer.alloc(32, 0x51);
const insert = { name: "row", text: "INSERT INTO result (job_id, bytes, type, extractor, sha256, metadata) " +
                                    "VALUES ($1, $2, $3, $4, $5, $6)" };
let done = 0, finish;
const all = new Promise((resolve) => { finish = resolve; });
begin = performance.now();
const runner = await run({
  pgPool: pool, noHandleSignals: true,
  taskList: { row: async ({ id }) => {
    await pool.query({ ...insert, values: [id, 4711, "text", "noop", sha256, metadata] });
    if (++done === jobs) finish();
  } },
  preset: { worker: { concurrentJobs: 24, maxPoolSize: 24, pollInterval: 1000, localQueue: { size: 500 },
                      completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
});
await all;
await runner.stop();
const process_s = (performance.now() - begin) / 1000;
const rows = (await pool.query("SELECT count(*)::int AS n FROM result")).rows[0].n;
console.log(`graphile-worker enqueue ${(jobs / enqueue).toFixed(0)}/s process ${(jobs / process_s).toFixed(0)} jobs/s rows ${rows}`);
process.exit(rows === jobs ? 0 : 1);
