-- $1 uri text[].  One row: is one of them a file already?
SELECT EXISTS (SELECT FROM unnest($1::text[]) u (uri)
                 JOIN cloud_files c
                   ON (CASE WHEN octet_length(c.uri) <= 1000 THEN c.uri ELSE left(c.uri, 200) || md5(c.uri) END)
                    = (CASE WHEN octet_length(u.uri) <= 1000 THEN u.uri ELSE left(u.uri, 200) || md5(u.uri) END))
