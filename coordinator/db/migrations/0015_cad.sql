-- Models: what a result says of one, and the tables beside it. docs/database.md "Models".
-- Lengths in mm, areas mm2, volumes mm3, masses kg, densities kg/m3. What no source gave is null.
ALTER TABLE cad_models
    ADD COLUMN name text,
    ADD COLUMN kind text,              -- part, assembly, drawing, building
    ADD COLUMN part_number text,       -- of the root product
    ADD COLUMN "schema" text,          -- of an exchange file
    ADD COLUMN revision text,
    ADD COLUMN generic text,           -- family table: the model it is an instance of
    ADD COLUMN length_unit text,       -- of the file
    ADD COLUMN accuracy double precision,
    ADD COLUMN instances bigint,       -- records of an exchange file
    ADD COLUMN solid_count integer,
    ADD COLUMN shell_count integer,
    ADD COLUMN loop_count integer,
    ADD COLUMN vertex_count integer,
    ADD COLUMN inner_loops integer,
    ADD COLUMN open_edges integer,
    ADD COLUMN non_manifold_edges integer,
    ADD COLUMN adjacency_hash text,
    ADD COLUMN bbox_source text,
    ADD COLUMN volume double precision,
    ADD COLUMN area double precision,
    ADD COLUMN mass double precision,
    ADD COLUMN density double precision,
    ADD COLUMN mass_source text,       -- of the first of them: kernel, validation, creo, export
    ADD COLUMN point_count integer,
    ADD COLUMN point_source text,
    ADD COLUMN point_normals bytea,    -- as point_cloud; null: none
    ADD COLUMN geometry_kernel text,
    ADD COLUMN geometry_status text,   -- null: no kernel was asked
    ADD COLUMN geometry_message text,
    ADD COLUMN superseded_by bigint,   -- link: a newer version of the same model in the same run
    ADD COLUMN details jsonb;          -- the rest of the JSON object `cad`

ALTER TABLE cad_model_embeddings ADD COLUMN dimensions integer GENERATED ALWAYS AS (cardinality(embedding)) STORED;

-- One row a parent and child; every place where it stands is in `occurrences`, `transform` is that of the first.
ALTER TABLE cad_assembly_relations
    ALTER COLUMN quantity TYPE double precision,
    ADD COLUMN parent_name text,
    ADD COLUMN occurrences jsonb,
    ADD COLUMN cycle boolean NOT NULL DEFAULT false,      -- the child holds its parent
    ADD COLUMN unresolved boolean NOT NULL DEFAULT false; -- the child is not in the parent's file
CREATE INDEX cad_assembly_relations_child ON cad_assembly_relations (child_model_id) WHERE child_model_id IS NOT NULL;

ALTER TABLE cad_manufacturing_features
    ADD COLUMN feature_id text,
    ADD COLUMN status text,
    ADD COLUMN owner text,
    ADD COLUMN source text; -- kernel: found in the shape; null: the model says so

-- A kernel and a CAD system may draw the same view.
ALTER TABLE cad_rendered_views
    ADD COLUMN source text NOT NULL DEFAULT '',
    DROP CONSTRAINT cad_rendered_views_cad_model_id_view_key,
    ADD UNIQUE (cad_model_id, view, source);

-- ------------------------------------------------------------------ vectors

-- Exact distances over real[]. Null where one of them has no length or they differ in number.
CREATE FUNCTION cad_cosine_distance(a real[], b real[]) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN cardinality(a) = cardinality(b) THEN
       1 - sum(x::float8 * y) / nullif(sqrt(sum(x::float8 * x)) * sqrt(sum(y::float8 * y)), 0) END
  FROM unnest(a, b) u (x, y)
$$;
CREATE FUNCTION cad_l2_distance(a real[], b real[]) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE WHEN cardinality(a) = cardinality(b) THEN sqrt(sum((x::float8 - y) ^ 2)) END
  FROM unnest(a, b) u (x, y)
$$;

-- Where pgvector is, the column `embedding_vector` and an HNSW index for each type and length that is stored
-- (for deepsdf of 256 from the start). Called on every start, since the extension may come later; says what search uses.
CREATE FUNCTION cad_vectors_prepare() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    k record;
    types text[];
    lengths integer[];
    indexes integer := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        RETURN 'exact: the server has no pgvector';
    END IF;
    BEGIN
        CREATE EXTENSION IF NOT EXISTS vector;
    EXCEPTION WHEN insufficient_privilege THEN
        RETURN 'exact: CREATE EXTENSION vector needs a superuser';
    END;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'cad_model_embeddings'::regclass
                      AND attname = 'embedding_vector' AND NOT attisdropped) THEN
        ALTER TABLE cad_model_embeddings ADD COLUMN embedding_vector vector GENERATED ALWAYS AS
            (CASE WHEN cardinality(embedding) BETWEEN 1 AND 16000 THEN embedding::vector END) STORED;
    END IF;
    SELECT array_agg(type), array_agg(n) INTO types, lengths -- first: a table that is read cannot be altered
      FROM (SELECT type, n FROM (SELECT 'deepsdf' AS type, 256 AS n
                                  UNION
                                 SELECT embedding_type, dimensions FROM cad_model_embeddings
                                  WHERE dimensions BETWEEN 1 AND 2000 GROUP BY 1, 2) x
             ORDER BY type = 'deepsdf' DESC, type, n LIMIT 16) y;
    FOR k IN SELECT * FROM unnest(types, lengths) u (type, n) LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON cad_model_embeddings USING hnsw '
                       '((embedding_vector::vector(%s)) vector_cosine_ops) '
                       'WHERE embedding_type = %L AND dimensions = %s',
                       'cad_embeddings_hnsw_' || md5(k.type) || '_' || k.n, k.n, k.type, k.n);
        indexes := indexes + 1;
    END LOOP;
    RETURN format('pgvector: %s HNSW indexes', indexes);
END $$;

-- The nearest models by one type of embedding: by the index where there is one, exactly otherwise. `metric` is cosine
-- or l2; only cosine has an index.
CREATE FUNCTION cad_similar(query real[], kind text, how_many integer, metric text DEFAULT 'cosine')
RETURNS TABLE (model_id bigint, distance double precision) LANGUAGE plpgsql STABLE AS $$
DECLARE
    n integer := cardinality(query);
BEGIN
    IF metric = 'cosine' AND n BETWEEN 1 AND 2000 AND EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = 'cad_model_embeddings'::regclass
           AND attname = 'embedding_vector' AND NOT attisdropped) THEN
        RETURN QUERY EXECUTE format(
            'SELECT cad_model_id, (embedding_vector::vector(%1$s) <=> $1::vector(%1$s))::float8 AS d '
            'FROM cad_model_embeddings WHERE embedding_type = %2$L AND dimensions = %1$s '
            'ORDER BY embedding_vector::vector(%1$s) <=> $1::vector(%1$s) LIMIT $2', n, kind)
            USING query, how_many;
    ELSE
        RETURN QUERY
        SELECT e.cad_model_id, x.d
          FROM cad_model_embeddings e
         CROSS JOIN LATERAL (SELECT CASE metric WHEN 'l2' THEN cad_l2_distance(e.embedding, query)
                                                ELSE cad_cosine_distance(e.embedding, query) END) x (d)
         WHERE e.embedding_type = kind AND e.dimensions = n AND x.d IS NOT NULL
         ORDER BY x.d, e.cad_model_id LIMIT how_many;
    END IF;
END $$;
