-- $1 run bigint.  A cursor over the run's files as JSON objects, by job id (docs/record.md has the names).
DECLARE export NO SCROLL CURSOR FOR
SELECT json_strip_nulls(json_build_object(
    'job_id', j.id, 'file', f.uri, 'type', coalesce(m.media_type, j.job_type), 'bytes', f.bytes,
    'sha256', encode(f.sha256, 'hex'), 'extractor', m.extractor, 'extractor_version', m.extractor_version,
    'status', j.status,
    'error', CASE WHEN j.status = 'failed'
                  THEN json_build_object('class', j.error_class, 'message', j.last_error) END,
    'metadata', m.metadata, 'encoding', m.encoding, 'text', p.text, 'pages', p.pages,
    'encrypted', m.encrypted, 'partial', m.partial, 'empty_reason', j.empty_reason, 'notes', m.notes,
    'dimensions', (SELECT json_agg(to_jsonb(d) - 'id' - 'job_id' - 'file_id' - 'upper_tol' - 'lower_tol'
                            || jsonb_build_object('upper', d.upper_tol, 'lower', d.lower_tol,
                                'disagrees', nullif(d.disagrees, false), 'basic', nullif(d.basic, false),
                                'reference', nullif(d.reference, false)) ORDER BY d.id)
                     FROM extracted_dimensions d WHERE d.job_id = j.id),
    'parameters', j.parameters,
    'materials', (SELECT json_agg(to_jsonb(d) - 'id' - 'job_id' - 'file_id' ORDER BY d.id)
                    FROM extracted_materials d WHERE d.job_id = j.id),
    'bom', j.bom, 'entities', m.entities, 'paper_entities', m.paper_entities, 'layers', m.layers,
    'blocks', m.blocks, 'title_block', m.title_block, 'cad', c.cad, 'links', m.links,
    'title_block_places', m.details->'title_block_places', 'gdt', m.details->'gdt',
    'revisions', m.details->'revisions', 'drawing_notes', m.details->'drawing_notes',
    'outline', m.details->'outline', 'annotations', m.details->'annotations',
    'attachments', m.details->'attachments', 'fonts', m.details->'fonts', 'styles', m.details->'styles',
    'linetypes', m.details->'linetypes', 'layouts', m.details->'layouts', 'spans', m.spans,
    'completeness', m.completeness, 'source', m.source, 'duration_ms', j.duration_ms))::text
  FROM extraction_jobs j
  JOIN cloud_files f ON f.id = j.file_id
  LEFT JOIN extracted_metadata m ON m.job_id = j.id
  LEFT JOIN LATERAL (
        SELECT string_agg(g.text, E'\f' ORDER BY g.page) AS text,
               json_agg(json_build_object('number', g.page, 'width_pt', g.width_pt, 'height_pt', g.height_pt,
                   'chars', g.chars, 'label', g.label, 'rotation', nullif(g.rotation, 0), 'undecodable', nullif(g.undecodable, 0),
                   'image_only', CASE WHEN g.image_only THEN true END,
                   'text_as_paths', CASE WHEN g.text_as_paths THEN true END,
                   'drawing', CASE WHEN g.drawing THEN true END, 'ocr_words', nullif(g.ocr_words, 0),
                   'ocr_confidence', g.ocr_confidence,
                   'error', CASE WHEN g.error IS NOT NULL
                                 THEN json_build_object('class', g.error_class, 'message', g.error) END)
                   ORDER BY g.page) FILTER (WHERE g.page > 0) AS pages
          FROM extracted_pages g WHERE g.job_id = j.id) p ON m.job_id IS NOT NULL
  LEFT JOIN LATERAL (
        SELECT coalesce(k.details, '{}') || jsonb_strip_nulls(jsonb_build_object(
                   'mode', k.extraction_mode, 'source', k.source, 'name', k.name, 'kind', k.kind, 'schema', k."schema",
                   'revision', k.revision, 'generic', k.generic, 'length_unit', k.length_unit, 'accuracy', k.accuracy,
                   'instances', k.instances, 'solid_count', k.solid_count, 'shell_count', k.shell_count,
                   'face_count', k.face_count, 'loop_count', k.loop_count, 'edge_count', k.edge_count,
                   'vertex_count', k.vertex_count, 'inner_loops', nullif(k.inner_loops, 0),
                   'open_edges', nullif(k.open_edges, 0), 'non_manifold_edges', nullif(k.non_manifold_edges, 0),
                   'adjacency_hash', k.adjacency_hash, 'bbox', k.bbox, 'bbox_source', k.bbox_source, 'genome', k.brep_genome,
                   'assemblies', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('parent', a.parent_name,
                                          'child', a.child_name, 'quantity', a.quantity, 'occurrences', a.occurrences,
                                          'cycle', nullif(a.cycle, false), 'unresolved', nullif(a.unresolved, false)))
                                          ORDER BY a.id)
                                    FROM cad_assembly_relations a WHERE a.parent_model_id = k.id),
                   'embeddings', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('type', e.embedding_type,
                                          'model', e.model, 'values', e.embedding)) ORDER BY e.id)
                                    FROM cad_model_embeddings e WHERE e.cad_model_id = k.id),
                   'features', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', t.feature_id,
                                        'type', t.feature_type, 'name', t.name, 'status', t.status, 'owner', t.owner,
                                        'parameters', t.parameters)) ORDER BY t.id)
                                  FROM cad_manufacturing_features t
                                 WHERE t.cad_model_id = k.id AND t.source IS DISTINCT FROM 'kernel'))) AS cad
          FROM cad_models k
         WHERE k.job_id = j.id AND (k.details IS NOT NULL OR k.extraction_mode IS NOT NULL OR k.name IS NOT NULL)) c ON true
 WHERE j.run_id = $1::bigint
 ORDER BY j.id
