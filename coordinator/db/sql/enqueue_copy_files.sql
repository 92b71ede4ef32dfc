-- Files that are new, by copy.h. A uri that is there after all is a unique violation.
COPY cloud_files (id, uri, root, name, bytes, modified_at) FROM STDIN (FORMAT binary)
