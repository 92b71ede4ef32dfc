-- Columns of the batch as arrays, in the order of the list behind `r` (record.c).  A model has its row since it was
-- enqueued, unless its job's type is none of those that hold models.  Everything a source may give is set anew.
INSERT INTO cad_models AS m
    (job_id, file_id, run_id, status, extraction_mode, source, name, kind, part_number, "schema", revision,
     generic, length_unit, accuracy, instances, brep_genome, deepsdf_latent, solid_count, shell_count, face_count,
     loop_count, edge_count, vertex_count, inner_loops, open_edges, non_manifold_edges, adjacency_hash, bbox,
     bbox_source, volume, area, mass, density, mass_source, point_cloud, point_normals, point_count, point_source,
     geometry_kernel, geometry_status, geometry_message, details, completed_at)
SELECT job_id, file_id, run_id, status, extraction_mode, source, name, kind, part_number, "schema", revision,
       generic, length_unit, accuracy, instances, brep_genome::jsonb, deepsdf_latent::real[], solid_count,
       shell_count, face_count, loop_count, edge_count, vertex_count, inner_loops, open_edges, non_manifold_edges,
       adjacency_hash, bbox::float8[], bbox_source, volume, area, mass, density, mass_source, point_cloud,
       point_normals, point_count, point_source, geometry_kernel, geometry_status, geometry_message,
       details::jsonb, CASE WHEN status IN ('completed', 'failed', 'cancelled') THEN now() END
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::float8[], $15::bigint[],
              $16::text[], $17::text[], $18::integer[], $19::integer[], $20::integer[], $21::integer[],
              $22::integer[], $23::integer[], $24::integer[], $25::integer[], $26::integer[], $27::text[],
              $28::text[], $29::text[], $30::float8[], $31::float8[], $32::float8[], $33::float8[], $34::text[],
              $35::bytea[], $36::bytea[], $37::integer[], $38::text[], $39::text[], $40::text[], $41::text[],
              $42::text[])
       r (job_id, file_id, run_id, status, extraction_mode, source, name, kind, part_number, "schema", revision,
          generic, length_unit, accuracy, instances, brep_genome, deepsdf_latent, solid_count, shell_count,
          face_count, loop_count, edge_count, vertex_count, inner_loops, open_edges, non_manifold_edges,
          adjacency_hash, bbox, bbox_source, volume, area, mass, density, mass_source, point_cloud, point_normals,
          point_count, point_source, geometry_kernel, geometry_status, geometry_message, details)
ON CONFLICT (job_id) DO UPDATE
   SET status = excluded.status, extraction_mode = excluded.extraction_mode, source = excluded.source,
       name = excluded.name, kind = excluded.kind, part_number = excluded.part_number, "schema" = excluded."schema",
       revision = excluded.revision, generic = excluded.generic, length_unit = excluded.length_unit,
       accuracy = excluded.accuracy, instances = excluded.instances, brep_genome = excluded.brep_genome,
       deepsdf_latent = excluded.deepsdf_latent, solid_count = excluded.solid_count,
       shell_count = excluded.shell_count, face_count = excluded.face_count, loop_count = excluded.loop_count,
       edge_count = excluded.edge_count, vertex_count = excluded.vertex_count, inner_loops = excluded.inner_loops,
       open_edges = excluded.open_edges, non_manifold_edges = excluded.non_manifold_edges,
       adjacency_hash = excluded.adjacency_hash, bbox = excluded.bbox, bbox_source = excluded.bbox_source,
       volume = excluded.volume, area = excluded.area, mass = excluded.mass, density = excluded.density,
       mass_source = excluded.mass_source, point_cloud = excluded.point_cloud,
       point_normals = excluded.point_normals, point_count = excluded.point_count,
       point_source = excluded.point_source, geometry_kernel = excluded.geometry_kernel,
       geometry_status = excluded.geometry_status, geometry_message = excluded.geometry_message,
       details = excluded.details, completed_at = excluded.completed_at
