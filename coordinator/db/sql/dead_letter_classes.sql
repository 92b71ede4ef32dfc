-- No parameters.  Dead letters by class: class, how many.
SELECT error_class, count(*) FROM dead_letters GROUP BY 1
