-- $1 instance text, $2 host text.  One row: id, cluster epoch.
INSERT INTO coordinators (instance, host) VALUES ($1::text, $2::text)
RETURNING id, (SELECT epoch FROM cluster)
