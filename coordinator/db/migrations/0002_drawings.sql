-- What drawings hold: places, structure and a search vector a page.

-- outline, annotations, attachments, fonts, styles, linetypes, layouts, gdt, revisions, drawing_notes and
-- title_block_places, under those keys
ALTER TABLE extracted_metadata ADD COLUMN details jsonb;

ALTER TABLE extracted_pages
    ADD COLUMN text_as_paths  boolean NOT NULL DEFAULT false,
    ADD COLUMN drawing        boolean NOT NULL DEFAULT false,
    ADD COLUMN ocr_words      integer NOT NULL DEFAULT 0,
    ADD COLUMN ocr_confidence double precision,
    ADD COLUMN search         tsvector; -- of the first 100,000 characters: a tsvector holds 1 MB
CREATE INDEX extracted_pages_search ON extracted_pages USING gin (search);

ALTER TABLE extracted_dimensions
    ADD COLUMN scale_factor    double precision,
    ADD COLUMN secondary_value double precision, -- pitch, angle of a chamfer, depth
    ADD COLUMN angle           double precision,
    ADD COLUMN disagrees       boolean NOT NULL DEFAULT false,
    ADD COLUMN reference       boolean NOT NULL DEFAULT false,
    ADD COLUMN basic           boolean NOT NULL DEFAULT false,
    ADD COLUMN layout          text,
    ADD COLUMN prefix          text,
    ADD COLUMN suffix          text,
    ADD COLUMN points          double precision[];
CREATE INDEX extracted_dimensions_value ON extracted_dimensions (kind, value);

ALTER TABLE extracted_parameters
    ADD COLUMN handle text,
    ADD COLUMN layout text,
    ADD COLUMN page   integer;

ALTER TABLE extracted_materials
    ADD COLUMN page   integer,
    ADD COLUMN layout text;

ALTER TABLE extracted_bom_items
    ADD COLUMN layout     text,
    ADD COLUMN confidence double precision,
    ADD COLUMN other      jsonb;
