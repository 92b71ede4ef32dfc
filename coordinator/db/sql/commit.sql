-- no values, no rows. The answer says ROLLBACK when the transaction had failed.
COMMIT
