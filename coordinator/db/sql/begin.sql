-- no values, no rows.
BEGIN
