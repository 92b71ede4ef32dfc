// The vector statements on PostgreSQL with pgvector (PGlite): the project's own migrations, its own insert and
// its own search; without the extension and with it. Prints one JSON object.
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite/vector'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const db_folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../coordinator/db')
const MODELS = 200, LENGTH = 256, NEAREST = 10

let seed = 7
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648 - 0.5
const clusters = Array.from({ length: 20 }, () => Array.from({ length: LENGTH }, random))
const vectors = Array.from({ length: MODELS }, (_, i) => clusters[i % 20].map((x) => Math.fround(x + random() * 0.2)))

async function open(extensions) {
    const db = await PGlite.create({ extensions })
    for (const name of readdirSync(path.join(db_folder, 'migrations')).sort())
        await db.exec(readFileSync(path.join(db_folder, 'migrations', name), 'utf8'))
    const prepared = (await db.query('SELECT cad_vectors_prepare() AS said')).rows[0].said
    await db.exec(`INSERT INTO cad_models (file_id, job_id, run_id) SELECT i, i, 1 FROM generate_series(1, ${MODELS}) i`)
    const insert = readFileSync(path.join(db_folder, 'sql/result_embeddings.sql'), 'utf8')
    const text = (v) => '{' + v.join(',') + '}'
    await db.query(insert, [vectors.map((_, i) => i + 1), vectors.map(() => 'DeepSDF'), vectors.map(() => null), vectors.map(text)])
    await db.query(insert, [[1, 2], ['brepnet', 'brepnet'], ['v1', null], ['{1,0,0}', '{0.6,0.8,0}']])
    return { db, prepared }
}

async function nearest(db, query, kind = 'deepsdf', metric = 'cosine', many = NEAREST) {
    const found = await db.query('SELECT model_id, distance FROM cad_similar($1::text::real[], $2, $3, $4)',
        ['{' + query.join(',') + '}', kind, many, metric])
    return found.rows.map((row) => [Number(row.model_id), row.distance])
}

const plain = await open({})
const fast = await open({ vector })
const out = { without: plain.prepared, with: fast.prepared, again: (await fast.db.query('SELECT cad_vectors_prepare() AS said')).rows[0].said }

// recall of the index against exact search, and equal distances
let hits = 0, asked = 0, worst = 0
for (let i = 0; i < 20; i++) {
    const query = vectors[i * 7 % MODELS].map((x) => x + random() * 0.05)
    const exact = new Map(await nearest(plain.db, query))
    for (const [id, distance] of await nearest(fast.db, query)) {
        asked++
        if (exact.has(id)) {
            hits++
            worst = Math.max(worst, Math.abs(exact.get(id) - distance))
        }
    }
}
out.recall = hits / asked
out.asked = asked
out.worst_difference = worst

// the same statement as the function makes, with its plan
await fast.db.exec('SET enable_seqscan = off')
const plan = await fast.db.query(`EXPLAIN SELECT cad_model_id FROM cad_model_embeddings WHERE embedding_type = 'deepsdf' AND dimensions = 256
    ORDER BY embedding_vector::vector(256) <=> '[${vectors[0].join(',')}]'::vector(256) LIMIT 10`)
out.plan = plan.rows.map((row) => row['QUERY PLAN'].slice(0, 120)).join('\n')
out.indexes = (await fast.db.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'cad_model_embeddings' AND indexdef LIKE '%hnsw%' ORDER BY 1"))
    .rows.map((row) => row.indexdef)
out.small = await nearest(fast.db, [1, 0, 0], 'brepnet')
out.small_exact = await nearest(plain.db, [1, 0, 0], 'brepnet')
out.l2 = await nearest(fast.db, [1, 0, 0], 'brepnet', 'l2')
out.other_length = await nearest(fast.db, [1, 0], 'brepnet')
out.nothing = await nearest(plain.db, [0, 0, 0], 'brepnet')
out.many = (await nearest(fast.db, vectors[0], 'deepsdf', 'cosine', 120)).length

// the coordinator's own search, for a model that is stored: the same models, exactly and by the index
const search = readFileSync(path.join(db_folder, 'sql/search_embedding.sql'), 'utf8')
for (const { db } of [plain, fast]) {
    await db.exec(`UPDATE cad_models SET status = 'completed', name = 'm' || id; UPDATE cad_models SET superseded_by = 2 WHERE id = 21`)
    await db.exec(`INSERT INTO cloud_files (id, uri, root, name) OVERRIDING SYSTEM VALUE SELECT i, 'root://in/m' || i, 'in', 'm' || i FROM generate_series(1, ${MODELS}) i`)
}
out.search = (await plain.db.query(search, [1, 'deepsdf', 8])).rows.map((row) => Number(row.job_id))
out.search_index = (await fast.db.query(search, [1, 'deepsdf', 8])).rows.map((row) => Number(row.job_id))
console.log(JSON.stringify(out))
