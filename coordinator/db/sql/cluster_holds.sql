-- $1 cluster epoch bytea.  One row: whether this still is the database of that epoch.
SELECT epoch = $1::bytea FROM cluster
