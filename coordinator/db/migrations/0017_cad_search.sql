-- Models that are alike. docs/database.md "Models that are alike".

-- A number of a genome, whoever wrote it: 0 for what is none, or is beyond any count.
CREATE FUNCTION cad_genome_number(value jsonb) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN jsonb_typeof(value) = 'number'
            THEN CASE WHEN value::numeric BETWEEN 0 AND 1e15 THEN value::float8 ELSE 0 END ELSE 0 END
$$;

-- What genomes are compared by, as 31 numbers of 0 .. 1: roots of shares (so that rare kinds count) of surfaces, curves,
-- loops and edges of its faces, edges at its vertices; proportions of its bounds; how many faces. Null without a genome or
-- without faces. Of numbers that a source made up it makes no error: it runs wherever a result is stored.
CREATE FUNCTION cad_genome_vector(genome jsonb, details jsonb, faces integer) RETURNS real[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    s jsonb := coalesce(genome -> 'surfaces', details -> 'surface_types');
    c jsonb := coalesce(genome -> 'curves', details -> 'curve_types');
    l jsonb := genome -> 'loops_per_face';
    e jsonb := genome -> 'edges_per_face';
    v jsonb := genome -> 'vertex_valence';
    size float8 := cad_genome_number(genome -> 'size_mm' -> 2);
    counts float8[];
    total float8[];
    n integer[] := ARRAY[6, 4, 4, 8, 6]; -- bins of each histogram
    at integer := 0;
    result real[];
BEGIN
    IF jsonb_typeof(genome) IS DISTINCT FROM 'object' OR faces IS NULL OR faces <= 0 THEN
        RETURN NULL;
    END IF;
    counts := ARRAY[
        cad_genome_number(s -> 'plane'), cad_genome_number(s -> 'cylinder'), cad_genome_number(s -> 'cone'),
        cad_genome_number(s -> 'sphere'), cad_genome_number(s -> 'torus'), cad_genome_number(s -> 'bspline'),
        cad_genome_number(c -> 'line'), cad_genome_number(c -> 'circle'), cad_genome_number(c -> 'ellipse'),
        cad_genome_number(c -> 'bspline'),
        cad_genome_number(l -> '1'), cad_genome_number(l -> '2'), cad_genome_number(l -> '3'), cad_genome_number(l -> '4'),
        cad_genome_number(e -> '1'), cad_genome_number(e -> '2'), cad_genome_number(e -> '3'), cad_genome_number(e -> '4'),
        cad_genome_number(e -> '5'), cad_genome_number(e -> '6'), cad_genome_number(e -> '7'), cad_genome_number(e -> '8'),
        cad_genome_number(v -> '1'), cad_genome_number(v -> '2'), cad_genome_number(v -> '3'), cad_genome_number(v -> '4'),
        cad_genome_number(v -> '5'), cad_genome_number(v -> '6')];
    FOR k IN 1 .. 5 LOOP
        total[k] := 0;
        FOR i IN at + 1 .. at + n[k] LOOP
            total[k] := total[k] + counts[i];
        END LOOP;
        IF k IN (1, 3, 4) THEN -- of all faces: what is in no bin is a share as well
            total[k] := greatest(total[k], faces);
        END IF;
        FOR i IN at + 1 .. at + n[k] LOOP
            result[i] := CASE WHEN total[k] > 0 THEN sqrt(counts[i] / total[k]) ELSE 0 END;
        END LOOP;
        at := at + n[k];
    END LOOP;
    result[at + 1] := CASE WHEN size > 0 THEN least(cad_genome_number(genome -> 'size_mm' -> 0) / size, 1) ELSE 0 END;
    result[at + 2] := CASE WHEN size > 0 THEN least(cad_genome_number(genome -> 'size_mm' -> 1) / size, 1) ELSE 0 END;
    result[at + 3] := least(ln(1 + faces::float8) / ln(10) / 4, 1);
    RETURN result;
END $$;

ALTER TABLE cad_models ADD COLUMN genome_vector real[]
    GENERATED ALWAYS AS (cad_genome_vector(brep_genome, details, face_count)) STORED;
CREATE INDEX cad_models_run ON cad_models (run_id); -- reports and link of one run
CREATE INDEX cad_models_name ON cad_models (lower(name)) WHERE name IS NOT NULL;
CREATE INDEX cad_models_part_number ON cad_models (lower(part_number)) WHERE part_number IS NOT NULL;

-- As before, but: an HNSW index gives no more rows than it is told to look at (40), so it is told how many are asked for.
CREATE OR REPLACE FUNCTION cad_similar(query real[], kind text, how_many integer, metric text DEFAULT 'cosine')
RETURNS TABLE (model_id bigint, distance double precision) LANGUAGE plpgsql STABLE AS $$
DECLARE
    n integer := cardinality(query);
BEGIN
    IF metric = 'cosine' AND n BETWEEN 1 AND 2000 AND EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'cad_model_embeddings'::regclass
           AND attname = 'embedding_vector' AND NOT attisdropped) THEN
        PERFORM set_config('hnsw.ef_search', least(greatest(40, how_many), 1000)::text, true);
        RETURN QUERY EXECUTE format(
            'SELECT cad_model_id, (embedding_vector::vector(%1$s) <=> $1::vector(%1$s))::float8 AS d '
            'FROM cad_model_embeddings WHERE embedding_type = %2$L AND dimensions = %1$s '
            'ORDER BY embedding_vector::vector(%1$s) <=> $1::vector(%1$s) LIMIT $2', n, kind)
            USING query, how_many;
    ELSIF metric = 'l2' THEN
        RETURN QUERY
        SELECT e.cad_model_id, x.d
          FROM cad_model_embeddings e
         CROSS JOIN LATERAL (SELECT sqrt(sum((a::float8 - b) ^ 2)) FROM unnest(e.embedding, query) u (a, b)) x (d)
         WHERE e.embedding_type = kind AND e.dimensions = n AND x.d IS NOT NULL
         ORDER BY x.d, e.cad_model_id LIMIT how_many;
    ELSE -- written out: a call of cad_cosine_distance for each row takes half as long again
        RETURN QUERY
        SELECT e.cad_model_id, x.d
          FROM cad_model_embeddings e
         CROSS JOIN LATERAL (SELECT 1 - sum(a::float8 * b) / nullif(sqrt(sum(a::float8 * a)) * sqrt(sum(b::float8 * b)), 0)
                               FROM unnest(e.embedding, query) u (a, b)) x (d)
         WHERE e.embedding_type = kind AND e.dimensions = n AND x.d IS NOT NULL
         ORDER BY x.d, e.cad_model_id LIMIT how_many;
    END IF;
END $$;
